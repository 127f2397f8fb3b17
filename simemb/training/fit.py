"""`fit`: from a recipe, a model and data to a trained encoder; it puts the parts together and checks them.

What does not fit together is refused before anything is written.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import torch

from simemb.corpus.rows import Rows, open_rows
from simemb.encoder.encoder import Encoder
from simemb.encoder.loading import BUNDLED
from simemb.errors import DataError, SimembError, TrainingError, unknown
from simemb.evaluation.evaluate import evaluate
from simemb.evaluation.evaluate import find as find_suite
from simemb.evaluation.scores import Scores
from simemb.evaluation.suite import Suite
from simemb.evaluation.tasks import Similarity
from simemb.method.method import Method
from simemb.method.recipe import Recipe
from simemb.method.recipe_files import find
from simemb.method.targets import Twin
from simemb.training.dataset import prepare
from simemb.training.run_directory import Run, Settings, environment
from simemb.training.trainer import Trainer

log = logging.getLogger("simemb")

METRICS = ("spearman", "pearson")
PRECISIONS = ("no", "bf16", "fp16")
TRACKERS = ("tensorboard", "wandb", "trackio")
SAMPLES = ("sample", "sample_triplets", "sample_pairs", "sample_stories")
"""The bundled corpora."""
NO_DEV = "none"
"""The dev suite of those who want none."""


@dataclass(frozen=True)
class Result:
    """What a run gave.

    directory: the run directory. encoder: the best checkpoint, in memory. before, after: scores on the dev
    suite of the base and of the best checkpoint (None without a dev suite). steps: optimizer steps done,
    of which `best_step` gave the checkpoint that was kept. seconds: time in training steps.
    sentences_per_second counts every view of every example, as the network does.
    """

    directory: Path
    encoder: Encoder
    before: Scores | None
    after: Scores | None
    steps: int
    best_step: int
    seconds: float
    sentences_per_second: float


def fit(
    recipe: str | Path | Recipe,
    model: str | Path | Encoder = BUNDLED,
    data: Any = None,
    *,
    output: str | Path,
    columns: Sequence[str] | None = None,
    pooling: str | None = None,
    dev: str | Path | Suite | None = None,
    metric: Literal["spearman", "pearson"] = "spearman",
    seed: int = 1,
    resume: bool = False,
    overwrite: bool = False,
    precision: Literal["no", "bf16", "fp16"] = "no",
    trackers: Sequence[str] = (),
    progress: bool | None = None,
) -> Result:
    """Train an encoder by a recipe and keep the best checkpoint.

    recipe: a name (`simemb list recipes`), a file that defines `recipe`, or a `Recipe`. model: an
    `Encoder` (trained in place), a directory or a hub name; by default the bundled one. data: a file, a
    corpus name, a `datasets` object or a list (see `simemb.corpus.rows.open_rows`), by default the bundled sample;
    columns: its text columns by name, in role order. pooling: for a model given by name; by default what
    the model says, else what the recipe says. dev: a suite, or a file with a score and two sentences a row:
    every `recipe.eval_every` steps it decides by `metric` which checkpoint is best; "none" keeps the last
    one; by default STS-B dev, if it is at hand. output: the run directory (see `simemb.training.run_directory`). resume: go on
    with the run there, bit for bit. precision: bf16, or fp16 on a GPU. trackers: tensorboard, wandb or
    trackio besides metrics.jsonl. progress: a live line; by default where a person watches.

    Raises a `SimembError` that says what to do; KeyboardInterrupt after Ctrl-C, with the state saved.
    """
    _check_choices(metric, precision, trackers)
    if not 0 <= seed < 2**63:
        raise TrainingError(f"--seed must be in [0, 2^63), not {seed}")
    recipe = recipe if isinstance(recipe, Recipe) else find(str(recipe))
    run = Run(output)
    run.refuse(resume=resume, overwrite=overwrite)
    rows = open_rows(sample_for(recipe) if data is None else data, columns=columns)
    _check_columns(recipe, rows)
    if rows.warning:
        log.warning("%s: %s", rows.name, rows.warning)
    suite = _dev_suite(dev, rows)
    processes = _processes()
    with torch.random.fork_rng():  # loading draws weights before it fills them in
        encoder = _encoder(model, pooling, recipe).to(processes.device)
        named = recipe.target.model if isinstance(recipe.target, Twin) else None
        twin = _encoder(named, None, recipe).to(processes.device) if named else None
        with processes.main_process_first():  # what it caches, the others find
            material = prepare(recipe, rows, encoder, twin, progress=progress)
    examples = material.examples(recipe.views)
    _check_size(recipe, rows, examples)
    settings = Settings(
        model=encoder.name,
        fingerprint=encoder.fingerprint(),
        pooling=pooling or encoder.pooling,
        data=rows.name,
        columns=rows.columns,
        dev=NO_DEV if suite is None else suite.name if isinstance(dev, Suite) else str(dev or suite.name),
        metric=metric,
        seed=seed,
        precision=precision,
        warning=rows.warning,
    )
    content = {"digest": rows.digest(), "rows": len(material.online.table), **material.fingerprints}
    record = {"recipe": recipe.to_json(), "run": settings.to_json(), "data": content, **environment()}
    if resume:
        run.compare(record)
    with torch.random.fork_rng():
        before = None if suite is None else evaluate(encoder, suite, geometry=True, progress=progress)
        method = Method(
            recipe,
            encoder,
            columns=len(rows.columns),
            seed=seed,
            examples=examples,
            twin=twin,
            taught=material.taught_width,
        )
        trainer = Trainer(method, material, suite, run, settings, trackers=trackers, progress=progress)
        trainer.start(record, before, resume=resume)
        trainer.train()
        return _result(trainer, before, progress)


def _result(trainer: Trainer, before: Scores | None, progress: bool | None) -> Result:
    """The best checkpoint back in memory, read from the disk as anybody would, and scored."""
    encoder, suite = trainer.method.encoder, trainer.suite
    best = Encoder.load(trainer.run.best)
    assert isinstance(best, Encoder)
    encoder.load_state_dict(best.state_dict())
    return Result(
        directory=trainer.run.directory,
        encoder=encoder.eval(),
        before=before,
        after=None if suite is None else evaluate(encoder, suite, geometry=True, progress=progress),
        steps=trainer.progress.step,
        best_step=trainer.progress.best_step,
        seconds=trainer.progress.seconds,
        sentences_per_second=trainer.progress.sentences / max(trainer.progress.seconds, 1e-9),
    )


def _processes() -> Any:
    """accelerate's view of the processes that train together, and of their devices."""
    from accelerate import PartialState

    return PartialState()


def _check_choices(metric: str, precision: str, trackers: Sequence[str]) -> None:
    for kind, value, allowed in (("metric", metric, METRICS), ("precision", precision, PRECISIONS)):
        if value not in allowed:
            raise TrainingError(unknown(kind, value, allowed))
    if precision == "fp16" and not torch.cuda.is_available():
        raise TrainingError("--precision fp16 needs a GPU, and there is none here (allowed: no, bf16)")
    for tracker in trackers:
        if tracker not in TRACKERS:
            raise TrainingError(unknown("tracker", tracker, TRACKERS))
        if find_spec(tracker) is None:
            raise TrainingError(f"--trackers {tracker}: {tracker} is not installed; pip install {tracker}")


def _check_columns(recipe: Recipe, rows: Rows) -> None:
    if len(rows.columns) < recipe.columns:
        raise DataError(
            f"{rows.name}: the recipe needs {recipe.columns} text columns and it has {len(rows.columns)} "
            f"({', '.join(rows.columns)}); name others with --columns"
        )
    read = {view.column for view in recipe.views}
    unread = [name for place, name in enumerate(rows.columns) if place not in read]
    if unread or rows.ignored:
        log.info("%s: not used: column %s", rows.name, ", ".join([*unread, *rows.ignored]))
    if any(view.negative and view.column >= len(rows.columns) for view in recipe.views):
        log.info("%s: has no column of negatives, so there are no hard negatives", rows.name)


def _check_size(recipe: Recipe, rows: Rows, examples: int) -> None:
    contrast = recipe.objective is not None and recipe.objective.negatives
    needed = 2 if contrast else recipe.smallest_share
    if examples < needed:
        why = "a batch needs others as negatives" if contrast else "a batch needs more"
        raise DataError(f"{rows.name}: holds {max(examples, 0)} example, but {why} (at least {needed})")


def sample_for(recipe: Recipe) -> str:
    """The bundled corpus that suits a recipe."""
    if any(view.offset for view in recipe.views):
        return "sample_stories"
    if recipe.objective is not None and recipe.objective.scored:
        return "sample_pairs"
    return "sample" if recipe.columns == 1 else "sample_triplets"


def _encoder(model: str | Path | Encoder, pooling: str | None, recipe: Recipe) -> Encoder:
    if isinstance(model, Encoder):
        if pooling is not None:
            raise TrainingError("pooling= is for a model given by name; an Encoder has its own already")
        return model
    encoder = Encoder.load(model, pooling=pooling, default_pooling=recipe.pooling)
    if not isinstance(encoder, Encoder):
        raise TrainingError(f"{model}: runs through sentence-transformers as it is and cannot be trained here")
    return encoder


def _dev_suite(dev: str | Path | Suite | None, rows: Rows) -> Suite | None:
    """The suite that chooses the checkpoint; alignment and uniformity are measured on its own pairs."""
    if dev == NO_DEV:
        return None
    if dev is None:
        dev = "sample_dev" if rows.name in SAMPLES else "stsb_dev"
        try:
            find_suite(dev).tasks[0].load()
        except SimembError as error:
            log.warning(
                "no evaluation while training, the last checkpoint is kept: %s; --dev names a file of yours", error
            )
            return None
    suite = find_suite(dev)
    for task in suite.tasks:
        task.load()
    pairs = next((task for task in suite.tasks if isinstance(task, Similarity)), None)
    return replace(suite, geometry=pairs)
