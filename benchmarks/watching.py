"""Measures the seconds and the private memory of a piece of work, in a process of its own."""

import multiprocessing
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

Line = dict[str, Any]


def private_memory() -> float:
    """The private memory of this process, in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) / 1024


class Watch:
    """The seconds since its creation, and the peak of the private memory since then."""

    def __init__(self) -> None:
        self.before = self.peak = private_memory()
        self.started = perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds since the creation."""
        return perf_counter() - self.started

    @property
    def growth(self) -> float:
        """The growth of private memory from the creation to the peak, in MiB."""
        return self.peak - self.before


@contextmanager
def watching() -> Generator[Watch, None, None]:
    """A `Watch` that samples the memory a hundred times a second."""
    watch, done = Watch(), threading.Event()

    def sample() -> None:
        while not done.wait(0.01):
            watch.peak = max(watch.peak, private_memory())

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield watch
    finally:
        done.set()
        thread.join()


def alone(work: Callable[..., Line], *arguments: Any) -> Line:
    """The result of `work` in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(work, *arguments).result()
