"""What a comparison of two encoders showed, as one sentence that says no more than the tests do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan

from simemb.comparison.names import listed
from simemb.comparison.significance import LEVEL, Interval

NAMED = 2
"""The most tasks without a difference that are named; more are "the rest"."""


@dataclass(frozen=True)
class Difference(Interval):
    """A difference with its interval and the p-values of the tests; nan where a test does not apply.

    Attributes:
        steiger: p-value of Steiger's test, of two single encoders where the score is a correlation.
        welch: p-value of Welch's test over seeds, where both entrants have several.
        corrected: The larger of `p` and `welch`, corrected by Holm's method over the tasks of the suite; the average is
            one test and is not corrected. Verdicts are made from it.
    """

    steiger: float
    welch: float
    corrected: float

    @property
    def shown(self) -> bool:
        """Whether it counts as a difference."""
        return self.corrected < LEVEL and self.value != 0


def verdict(first: str, second: str, differences: Mapping[str, Difference], average: str, resamples: int) -> str:
    """One sentence: which entrant is better on which tasks, where no difference was shown, and by how many resamples.

    A difference that was not shown may still exist, so encoders are never called equal.

    Args:
        first: Name of the first entrant.
        second: Name of the second.
        differences: The second minus the first, by task, and the average under its name.
        average: That name. With a single task it is the same number and is not mentioned.
        resamples: Of the bootstrap.
    """
    tasks = {name: difference for name, difference in differences.items() if name != average}
    mean = differences[average]
    undefined = [name for name, difference in tasks.items() if isnan(difference.value)]
    unshown = [name for name, difference in tasks.items() if not difference.shown and name not in undefined]
    clauses: list[str] = []
    for better, worse, sign in ((second, first, 1), (first, second, -1)):
        won = [name for name, difference in tasks.items() if difference.shown and difference.value * sign > 0]
        also = len(tasks) > 1 and mean.shown and mean.value * sign > 0
        if won or also:
            clauses.append(f"{better} is better than {worse} {_where(won, len(tasks), on_average=also)}")
    open_average = len(tasks) > 1 and not mean.shown and not isnan(mean.value)
    if unshown or open_average:
        subject = "no difference was shown" if clauses else f"no difference between {first} and {second} was shown"
        clauses.append(f"{subject} {_unshown(unshown, tasks, open_average=open_average)}")
    if undefined:
        clauses.append(f"nothing can be said of {listed(undefined)}, where a score is not defined")
    return f"{'; '.join(clauses)} ({_method(len(tasks) - len(undefined), resamples)})."


def _where(won: Sequence[str], tasks: int, *, on_average: bool) -> str:
    if not won:
        return "on average"
    places = f"on all {tasks} tasks" if len(won) == tasks > 1 else f"on {listed(won)}"
    return places + (f"{'' if len(won) in (1, tasks) else ','} and on average" if on_average else "")


def _unshown(names: Sequence[str], tasks: Mapping[str, Difference], *, open_average: bool) -> str:
    if len(names) == len(tasks) > 1:
        return "on any task or on average" if open_average else "on any task"
    shown = [f"on {listed(names) if len(names) <= NAMED else 'the rest'}"] if names else []
    return " or ".join([*shown, *(["on average"] if open_average else [])])


def _method(tasks: int, resamples: int) -> str:
    correction = f", corrected for {tasks} tasks" if tasks > 1 else ""
    return f"level {LEVEL:.0%}, {resamples:,} resamples{correction}"
