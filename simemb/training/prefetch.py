"""The next batches, prepared in a thread of their own while this one computes."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

Made = TypeVar("Made")

DEPTH = 2
"""How many are made in advance."""


class Ahead(Generic[Made]):
    """Gives make(number) of the number asked for, and has the next ones ready when numbers follow each other.

    Inside its context a thread makes them; outside, each is made when it is asked for. An error of `make` is raised
    to who asks for that number. numbers: how many there are.
    """

    def __init__(self, make: Callable[[int], Made], numbers: int):
        self.make = make
        self.numbers = numbers
        self._coming: dict[int, Future[Made]] = {}
        self._thread: ThreadPoolExecutor | None = None

    def __enter__(self) -> "Ahead[Made]":
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="simemb-ahead")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._thread is not None
        self._thread.shutdown(cancel_futures=True)
        self._thread = None
        self._coming.clear()

    def __call__(self, number: int) -> Made:
        """make(number)."""
        if self._thread is None:
            return self.make(number)
        for later in range(number, min(number + DEPTH + 1, self.numbers)):
            if later not in self._coming:
                self._coming[later] = self._thread.submit(self.make, later)
        return self._coming.pop(number).result()
