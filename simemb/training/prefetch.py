"""Prepares the next batches in a thread of its own while the trainer computes the current one."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

Item = TypeVar("Item")

DEPTH = 2
"""The number of items that are made in advance."""


class Prefetcher(Generic[Item]):
    """Calls make(number), and has the next items ready when numbers follow each other.

    Inside its context a thread makes the items; outside, each call makes its own. An exception of `make` is raised by
    the call for that number. count: numbers run from 0 to count - 1.
    """

    def __init__(self, make: Callable[[int], Item], count: int):
        self.make = make
        self.count = count
        self._futures: dict[int, Future[Item]] = {}
        self._thread: ThreadPoolExecutor | None = None

    def __enter__(self) -> "Prefetcher[Item]":
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="simemb-prefetch")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._thread is not None
        self._thread.shutdown(cancel_futures=True)
        self._thread = None
        self._futures.clear()

    def __call__(self, number: int) -> Item:
        """make(number)."""
        if self._thread is None:
            return self.make(number)
        for later in range(number, min(number + DEPTH + 1, self.count)):
            if later not in self._futures:
                self._futures[later] = self._thread.submit(self.make, later)
        return self._futures.pop(number).result()
