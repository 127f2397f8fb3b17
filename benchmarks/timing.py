"""Alternating rounds of several programs, so that a change of the machine's speed affects all of them."""

from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter
from typing import Any

Program = Callable[[], float]
"""Does its work and returns the seconds to be compared."""


def clock(work: Callable[[], Any]) -> Program:
    """A program that is timed from start to end."""

    def run() -> float:
        started = perf_counter()
        work()
        return perf_counter() - started

    return run


def alternate(programs: Mapping[str, Program], rounds: int) -> dict[str, list[float]]:
    """The seconds of each program in each round; every second round runs them in reverse order."""
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for number in range(rounds):
        names = list(programs) if number % 2 == 0 else list(programs)[::-1]
        for name in names:
            seconds[name].append(programs[name]())
            print(f"  round {number + 1}, {name}: {seconds[name][-1]:.3f} s", flush=True)
    return seconds


def ratio(theirs: list[float], ours: list[float]) -> tuple[float, float, float]:
    """The median of `theirs` over that of `ours`, and the lowest and the highest ratio of a round."""
    each = [b / a for a, b in zip(ours, theirs, strict=True)]
    return median(theirs) / median(ours), min(each), max(each)
