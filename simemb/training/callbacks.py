"""What a program may do while a run trains: look at its steps, evaluations and checkpoints, and ask it to stop.

`fit(callbacks=[...])` takes any objects with one or more of the methods of `Callback`. Only the main process calls
them, after the work that they are told of is done, in the order in which they are given. What they are told is frozen,
and no random number of theirs reaches the run, so a run gives the same bits with callbacks and without.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from simemb import ranks
from simemb.arguments import checked, shown
from simemb.errors import ArgumentError, TrainingError, unknown
from simemb.evaluation.scores import Scores
from simemb.training.checkpoint import Progress
from simemb.training.run_directory import RunDirectory

STOPPED, FAILED = 1001, 1002
"""What a run is told of its callbacks: one asks to stop, or one has failed; no signal has such a number."""


@dataclass(frozen=True)
class Step:
    """An optimizer step that is done.

    step: its number, from 1. steps: those of the whole run. numbers: "loss", "positive", "negative" and so on, by their
    names in metrics.jsonl; on a GPU they are read every ten steps and at evaluations, and empty at the others.
    learning_rate: of this step. sentences: that went through the network so far, each view counted. seconds: in
    training steps so far.
    """

    step: int
    steps: int
    learning_rate: float
    sentences: int
    seconds: float
    numbers: Mapping[str, float]


@dataclass(frozen=True)
class Evaluation:
    """An evaluation on the dev suites, after `step` of `steps`.

    scores: of each suite; the first chooses the checkpoint. score: the number of the first that chooses, in points; nan
    where it does not exist. best: the greatest so far, this one included; None while none exists. better: whether this
    is it.
    """

    step: int
    steps: int
    scores: tuple[Scores, ...]
    score: float
    best: float | None
    better: bool


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that is on the disk, after `step` of `steps`.

    directory: of the run, which can be resumed from here. encoder: the encoder that the run keeps by now, a
    sentence-transformers directory. kept: whether this step gave it; otherwise an earlier one was better.
    """

    step: int
    steps: int
    directory: Path
    encoder: Path
    kept: bool


class Callback:
    """The methods of a callback, which do nothing here; override some of them. `fit` takes other objects too.

    A method that returns True asks the run to stop after this step: the checkpoint is written, the best encoder is the
    result, and `resume` goes on. An exception stops the run in the same way and is raised as a `TrainingError` that
    names the callback.
    """

    def on_step(self, step: Step) -> bool | None:
        """Called after every optimizer step."""

    def on_evaluation(self, evaluation: Evaluation) -> bool | None:
        """Called after every evaluation while training; not for the score before the first step."""

    def on_save(self, checkpoint: Checkpoint) -> bool | None:
        """Called when a checkpoint is on the disk, every `eval_every` steps and at the end, not at a stop."""


METHODS = ("on_step", "on_evaluation", "on_save")


def check(callbacks: Sequence[Any]) -> None:
    """Raise `ArgumentError` for an object that has no method of a callback, or one of another name."""
    for place, callback in enumerate(callbacks):
        if isinstance(callback, type):
            raise ArgumentError(f"callbacks[{place}] must be an object, not {shown(callback)}: {callback.__name__}()")
        named = [name for name in dir(callback) if name.startswith("on_") and callable(getattr(callback, name, None))]
        for name in named:
            if name not in METHODS:
                raise ArgumentError(f"callbacks[{place}]: {unknown('method of a callback', name, METHODS)}")
        if not named:
            raise ArgumentError(f"callbacks[{place}] has no method of a callback ({', '.join(METHODS)})")


class Callbacks:
    """The callbacks of a run, called by the main process; the first that fails is the last one that is called.

    wish: 0, `STOPPED` or `FAILED`. asked: which one asked to stop.
    """

    def __init__(self, callbacks: Iterable[Any], steps: int):
        self._callbacks = list(callbacks) if ranks.is_main() else []
        self._steps = steps
        self._failure: tuple[str, Exception] | None = None
        self.wish, self.asked = 0, ""

    def on_step(self, progress: Progress, learning_rate: float, numbers: Mapping[str, float]) -> None:
        """Tell of a step."""
        if self._callbacks:
            frozen = MappingProxyType(dict(numbers))
            at = (progress.step, self._steps, learning_rate, progress.sentences, progress.seconds)
            self._tell("on_step", Step(*at, frozen))

    def on_evaluation(self, progress: Progress, scores: tuple[Scores, ...], score: float, *, better: bool) -> None:
        """Tell of an evaluation."""
        self._tell("on_evaluation", Evaluation(progress.step, self._steps, scores, score, progress.best, better))

    def on_save(self, progress: Progress, directory: RunDirectory, *, kept: bool) -> None:
        """Tell of a checkpoint."""
        self._tell("on_save", Checkpoint(progress.step, self._steps, directory.path, directory.best, kept))

    def _tell(self, method: str, told: Any) -> None:
        for place, callback in enumerate(self._callbacks):
            called = getattr(callback, method, None)
            if called is None or self._failure:
                continue
            self._call(f"callbacks[{place}], {type(callback).__name__}.{method}", called, told)

    def _call(self, name: str, called: Callable[[Any], Any], told: Any) -> None:
        try:
            stop = _is_stop(called(told))
        except Exception as error:  # whatever the user's own code raises
            self.wish, self._failure = FAILED, (name, error)
            return
        if stop and not self.wish:
            self.wish, self.asked = STOPPED, name

    def error(self, done: str) -> TrainingError:
        """What ends a run whose callback failed. done: how far the run came, and how it goes on."""
        if self._failure is None:  # it is the main process that says so
            ranks.meet("the checkpoints")
            return TrainingError(done)
        name, cause = self._failure
        error = TrainingError(f"{name}: {type(cause).__name__}: {cause}; the run {done}")
        error.__cause__ = cause
        return error


@checked
def _is_stop(returned: bool | None) -> bool:
    """Whether what a callback returned asks the run to stop."""
    return bool(returned)
