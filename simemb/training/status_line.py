"""What a person sees while a model trains, and the signals that stop it after a step."""

import logging
import signal
import sys
import threading
from collections.abc import Mapping
from time import perf_counter
from types import FrameType, TracebackType
from typing import Any

from simemb import ranks
from simemb.errors import Stopped

log = logging.getLogger("simemb")

EVERY_SECONDS = 15.0
"""Seconds between two log lines if there is no terminal."""


class StatusLine:
    """A bar with loss, accuracy, cosines, uniformity, speed and time left; log lines without a terminal."""

    def __init__(self, steps: int, *, shown: bool | None):
        self.steps = steps
        self.scores: dict[str, float] = {}
        self.bar: Any = None
        self.last_logged = perf_counter()
        if sys.stderr.isatty() if shown is None else shown:
            self.bar = _bar()
            self.task = self.bar.add_task("", total=steps, numbers="")

    def __enter__(self) -> "StatusLine":
        if self.bar is not None:
            self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.stop()

    def step(self, step: int, numbers: dict[str, float], speed: float) -> None:
        """Show the numbers of a step."""
        if self.bar is not None:
            self.bar.update(self.task, completed=step, numbers=describe(numbers, speed, self.scores))
        elif perf_counter() - self.last_logged > EVERY_SECONDS:
            log.info("step %d of %d: %s", step, self.steps, describe(numbers, speed, self.scores))
            self.last_logged = perf_counter()

    def evaluated(self, scores: dict[str, float]) -> None:
        """Show the scores of the last evaluation, by suite, beside the numbers of the steps after it."""
        self.scores = scores

    def start_at(self, step: int) -> None:
        """Start the bar at the step from which a resumed run continues, so that the time left is right."""
        if self.bar is not None:
            self.bar.reset(self.task, completed=step, numbers="")

    def say(self, line: str) -> None:
        """Write a line that stays."""
        if self.bar is not None:
            self.bar.console.print(line)
        else:
            log.info("%s", line)


def describe(numbers: dict[str, float], speed: float, scores: Mapping[str, float] | None = None) -> str:
    """The numbers of a step as one line, and the scores of the last evaluation by suite.

    >>> describe({"loss": 0.5, "accuracy": 0.9, "positive": 0.8, "negative": 0.1, "uniformity": -2.0}, 900.0)
    'loss 0.500, accuracy 90 %, cosine +0.80/+0.10, uniformity -2.00, 900 sentences/s'
    >>> describe({"loss": 0.5}, 900.0, {"stsb_dev": 71.234, "sickr": 60.0})
    'loss 0.500, 900 sentences/s, stsb_dev 71.23, sickr 60.00'
    """
    words = [f"loss {numbers['loss']:.3f}"]
    if "accuracy" in numbers:  # a language model compares no vectors
        words += [
            f"accuracy {100 * numbers['accuracy']:.0f} %",
            f"cosine {numbers['positive']:+.2f}/{numbers['negative']:+.2f}",
            f"uniformity {numbers['uniformity']:.2f}",
        ]
    words.append(f"{speed:,.0f} sentences/s")
    return ", ".join([*words, *(f"{suite} {score:.2f}" for suite, score in (scores or {}).items())])


def _bar() -> Any:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from simemb.console import PlainConsole

    numbers = TextColumn("{task.fields[numbers]}", markup=False)
    return Progress(
        BarColumn(20), MofNCompleteColumn(), TimeRemainingColumn(), numbers, console=PlainConsole(stderr=True)
    )


class Interrupts:
    """The first signal requests a stop after the current step, when the state is complete; a second stops at once.

    The signals are Ctrl-C, SIGTERM (`kill`, `timeout`, job queues) and SIGHUP (a closed terminal); those that this
    process ignores, as under `nohup`, stay ignored.
    """

    SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")

    def __init__(self) -> None:
        self.requested = 0
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():
            numbers = [getattr(signal, name) for name in self.SIGNALS if hasattr(signal, name)]
            kept = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]
            self._previous = {number: signal.signal(number, self._request) for number in kept}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def error(self, message: str = "") -> KeyboardInterrupt:
        """What ends the run: the exception of the signal that came."""
        if self.requested in (0, signal.SIGINT):
            return KeyboardInterrupt(message)
        return Stopped(self.requested, message)

    def _request(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if ranks.is_echo():
            return
        if self.requested:
            raise self.error()
        self.requested = number
        log.warning("stopping after this step; press Ctrl-C again to stop at once and lose what is not saved")
