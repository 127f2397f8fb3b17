"""Seconds and private memory of a piece of work, in a process of its own."""

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
    """MiB of this process that are its own."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) / 1024


class Watch:
    """Seconds, and the peak of the private memory, since it was made."""

    def __init__(self) -> None:
        self.before = self.peak = private_memory()
        self.started = perf_counter()

    @property
    def seconds(self) -> float:
        """Since the start."""
        return perf_counter() - self.started

    @property
    def growth(self) -> float:
        """MiB between the start and the peak."""
        return self.peak - self.before


@contextmanager
def watching() -> Generator[Watch, None, None]:
    """Look at the memory a hundred times a second."""
    watch, done = Watch(), threading.Event()

    def look() -> None:
        while not done.wait(0.01):
            watch.peak = max(watch.peak, private_memory())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield watch
    finally:
        done.set()
        thread.join()


def alone(work: Callable[..., Line], *given: Any) -> Line:
    """What `work` returns in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(work, *given).result()
