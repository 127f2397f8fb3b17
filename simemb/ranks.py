"""Processes that train together (`torchrun`, `accelerate launch`): who goes first, who speaks, and how all of them end.

The main process owns the run directory, writes and speaks. The others wait for it at the named points (`Point`), find
what it wrote in the cache, and say nothing. What ends one of them ends all: it leaves word in the store of the launch,
whoever waits sees it there, and whoever computes loses the connection. Whoever leaves word first says the one line.
A process on its own passes through everything here at once.
"""

import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep, time
from types import FrameType
from typing import Any, Literal

from simemb import streams
from simemb.errors import PeerError, SimembError, in_one_line
from simemb.extras import TRAINING, need

Point = Literal["the command line", "the plan", "the run directory", "the checkpoints", "the end"]
"""Where processes wait: for the main one to read the command line, and to check and load everything for a run; for
each other before the first change of the run directory, before the best checkpoint is read, and before they end."""

PAUSE = 0.02
"""Seconds between two looks at the store."""

ECHO = 1.0
"""Seconds within which a second signal is the first one again: a terminal and a launcher each hand on a Ctrl-C."""

PATIENCE = 1.0
"""Seconds that a process which ends leaves the others to end too."""

_SIZES = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
_ENDED, _ENDS = "ended", "ends"


@dataclass
class Launch:
    """The processes of this launch. passed: points behind this process. signalled: when a signal came last."""

    store: Any
    rank: int
    world: int
    passed: int = 0
    signalled: float = float("-inf")


_launch: Launch | None = None
_left, _spoken_for = False, False


def several() -> bool:
    """Whether this process is one of several in a block of `together`."""
    return _launch is not None


def is_main() -> bool:
    """Whether this process writes and speaks."""
    return _launch is None or not _launch.rank


def has_last_word() -> bool:
    """Whether it is for this process to say why all of them end; asked by a program as it ends.

    From here on the signal is ignored by which a launcher ends the others as soon as the first has ended.
    """
    if _left and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return not _spoken_for


@contextmanager
def together() -> Generator[None, None, None]:
    """In this block the processes of a launch are one program; may be nested.

    Raises `PeerError` when another one has ended.
    """
    global _launch
    launch = _joined() if _launch is None else None
    if launch is None:
        yield
        return
    _launch = launch
    try:
        with ExitStack() as block:
            block.enter_context(_without_echoes())
            if launch.rank:
                block.enter_context(_silent())
            yield
            meet("the end")
    except SystemExit:
        raise
    except BaseException as error:
        if (lost := _lost(launch, error)) is not None:
            raise lost from error
        raise
    finally:
        _launch = None


@contextmanager
def main_first(point: Point) -> Generator[None, None, None]:
    """The main process goes through the block before the others; where it fails, they never do."""
    if _launch is None:
        yield
        return
    key = _key(_launch, point)
    if _launch.rank:
        _wait(_launch, key, 1)
    try:
        yield
    except SystemExit:  # after --help
        _launch.store.add(key, 1)
        raise
    if not _launch.rank:
        _launch.store.add(key, 1)


def meet(point: Point) -> None:
    """Wait until all processes are here."""
    if _launch is not None:
        key = _key(_launch, point)
        _launch.store.add(key, 1)
        _wait(_launch, key, _launch.world)


def is_echo() -> bool:
    """Whether the signal that has just come is the last one again, by way of the launcher."""
    if _launch is None:
        return False
    now = monotonic()
    echo = now - _launch.signalled < ECHO
    _launch.signalled = _launch.signalled if echo else now
    return echo


def join(*, cpu: bool = False) -> Any:
    """Join the processes of the launch; returns accelerate's view of them and of their devices, or of the CPU alone."""
    need("training", TRAINING)
    import torch
    from accelerate import PartialState

    if not _launched():
        return PartialState(cpu=cpu)
    with _killable():
        # unless it is told, accelerate takes the ranks of torchrun for processes on their own where there is no GPU
        return PartialState(cpu=cpu or not torch.cuda.is_available())


@contextmanager
def _killable() -> Generator[None, None, None]:
    """In this block signals end the process at once: it waits, deaf to handlers, for others that may never come."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    taken = [number for number, handler in before.items() if callable(handler)]
    for number in taken:
        signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, before[number])


def _launched() -> bool:
    """Whether the environment is that of one of several processes."""
    return any(os.environ.get(name, "").isdecimal() and int(os.environ[name]) > 1 for name in _SIZES)


def _joined() -> Launch | None:
    """The launch that this process is part of, which it joins; None for a process on its own."""
    if _launched():
        join()
    elif "torch" not in sys.modules:
        return None
    from torch import distributed

    if not (distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1):
        return None
    store: Any = distributed.distributed_c10d._get_default_store()  # pyright: ignore[reportPrivateUsage]
    prefixed: Any = distributed.distributed_c10d.PrefixStore(f"simemb-{_count()}", store)
    return Launch(prefixed, distributed.get_rank(), distributed.get_world_size())


_blocks = 0


def _count() -> int:
    """The number of this block: every process opens the same ones, so they agree without a word."""
    global _blocks
    _blocks += 1
    return _blocks


def _key(launch: Launch, point: Point) -> str:
    launch.passed += 1
    return f"{launch.passed}: {point}"


def _wait(launch: Launch, key: str, processes: int) -> None:
    """Look at the store until so many processes were there. Waiting in a collective would end with its timeout."""
    while launch.store.add(key, 0) < processes:
        if launch.store.check([_ENDED]):
            raise PeerError("another process of this launch has ended")
        sleep(PAUSE)


def _lost(launch: Launch, error: BaseException) -> PeerError | None:
    """Leave word that this process ends; what it ends with, if that is only the end of another."""
    global _left, _spoken_for
    from torch.distributed import DistError

    of_us = isinstance(error, SimembError | KeyboardInterrupt)
    gone = not of_us and (isinstance(error, DistError) or "gloo" in str(error) or "c10d" in str(error))
    line = in_one_line(error) if of_us else f"{type(error).__name__}: {in_one_line(error)}"
    if gone:
        line = (
            f"another of the {launch.world} processes has ended without a word (killed, out of memory?), so all end; "
            "`simemb train --resume DIR` goes on with a run that has begun"
        )
    mine = f"{launch.rank} {line}"
    try:
        said = launch.store.compare_set(_ENDED, "", mine).decode(errors="replace")
    except Exception:  # the process that kept the store has gone
        said = mine
    _left, _spoken_for = True, said != mine
    if not _spoken_for:
        _tell_launcher(line)
        if not gone:
            _let_others_end(launch)
    else:
        with suppress(Exception):
            launch.store.add(_ENDS, 1)
    return PeerError(line) if gone or (_spoken_for and not of_us) else None


def _let_others_end(launch: Launch) -> None:
    """Give those who wait at a point time to end by themselves, before the launcher ends them by a signal."""
    end = monotonic() + PATIENCE
    with suppress(Exception):
        while launch.store.add(_ENDS, 0) < launch.world - 1 and monotonic() < end:
            sleep(PAUSE)


def _tell_launcher(line: str) -> None:
    """Give torchrun the line for its own page, where it would tell how to see a traceback."""
    place = os.environ.get("TORCHELASTIC_ERROR_FILE")
    if place:
        content = {"message": {"message": line, "extraInfo": {"timestamp": str(int(time()))}}}
        with suppress(OSError):
            Path(place).write_text(json.dumps(content), encoding="utf-8")


@contextmanager
def _silent() -> Generator[None, None, None]:
    """In this block nothing is said but what ends the program."""
    log = logging.getLogger("simemb")

    def drop(record: logging.LogRecord) -> bool:  # noqa: ARG001
        return False

    log.addFilter(drop)
    try:
        with streams.muted():
            yield
    finally:
        log.removeFilter(drop)


@contextmanager
def _without_echoes() -> Generator[None, None, None]:
    """In this block a signal counts once, however many hand it on."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}

    def handle(number: int, frame: FrameType | None) -> None:
        handler = before[number]
        if callable(handler) and not is_echo():
            handler(number, frame)

    taken = [number for number, handler in before.items() if callable(handler)]
    for number in taken:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, before[number])
