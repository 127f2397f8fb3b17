"""What a training run results in; `simemb.fit` returns it and `simemb.report.terminal` prints it."""

from dataclasses import dataclass
from pathlib import Path

from simemb.encoder.encoder import Encoder
from simemb.evaluation.scores import Scores
from simemb.training.batches import Seen


@dataclass(frozen=True)
class Result:
    """The result of a run.

    directory: the run directory. encoder: the best checkpoint, in memory. before, after: scores of the base
    and of the best checkpoint on the dev suite (None without one). control_before, control_after: the same on a suite
    that chose nothing, where there is one. steps: optimizer steps done,
    of which `best_step` gave the checkpoint that was kept. seconds: time in training steps.
    sentences_per_second counts every view of every example, as the network does. language: of the training data, see
    `simemb.corpus.language`. seen: how much of each of several data, which the recipe keeps apart.
    """

    directory: Path
    encoder: Encoder
    before: Scores | None
    after: Scores | None
    steps: int
    best_step: int
    seconds: float
    sentences_per_second: float
    language: str = ""
    control_before: Scores | None = None
    control_after: Scores | None = None
    seen: tuple[Seen, ...] = ()
