"""The words of a verdict in every case: who is better where, what was not shown, what is not defined."""

from math import nan

import pytest

from simemb.comparison.verdict import Difference, verdict

METHOD = "(level 5%, 2,000 resamples, corrected for 3 tasks)."


def difference(value: float, p: float) -> Difference:
    return Difference(value=value, low=value - 1, high=value + 1, p=p, steiger=nan, welch=nan, corrected=p)


BETTER, WORSE, SAME, UNDEFINED = difference(2, 0.01), difference(-2, 0.01), difference(2, 0.3), difference(nan, nan)


def said(average: Difference, **tasks: Difference) -> str:
    return verdict("A", "B", {**tasks, "average": average}, "average", 2000)


def test_better_on_everything():
    words = said(BETTER, x=BETTER, y=BETTER, z=BETTER)
    assert words == f"B is better than A on all 3 tasks and on average {METHOD}"


def test_the_first_may_be_better_too():
    assert said(WORSE, x=WORSE, y=WORSE, z=WORSE) == f"A is better than B on all 3 tasks and on average {METHOD}"


def test_better_on_some_tasks():
    words = said(BETTER, x=BETTER, y=BETTER, z=SAME)
    assert words == f"B is better than A on x and y, and on average; no difference was shown on z {METHOD}"


def test_better_on_one_task_but_not_on_average():
    words = said(SAME, x=SAME, y=BETTER, z=SAME)
    assert words == f"B is better than A on y; no difference was shown on x and z or on average {METHOD}"


def test_many_tasks_without_a_difference_are_the_rest():
    words = said(BETTER, v=BETTER, w=BETTER, x=SAME, y=SAME, z=SAME)
    assert words.startswith("B is better than A on v and w, and on average; no difference was shown on the rest (")


def test_each_is_better_somewhere():
    words = said(SAME, x=BETTER, y=WORSE, z=WORSE)
    expected = "B is better than A on x; A is better than B on y and z; no difference was shown on average"
    assert words == f"{expected} {METHOD}"


def test_better_on_average_alone():
    words = said(BETTER, x=SAME, y=SAME, z=SAME)
    assert words == f"B is better than A on average; no difference was shown on any task {METHOD}"


def test_no_difference_is_never_called_equality():
    words = said(SAME, x=SAME, y=SAME, z=SAME)
    assert words == f"no difference between A and B was shown on any task or on average {METHOD}"
    assert "equal" not in words
    assert "same" not in words


def test_a_single_task_has_no_average_and_no_correction():
    assert said(BETTER, x=BETTER) == "B is better than A on x (level 5%, 2,000 resamples)."
    assert said(SAME, x=SAME) == "no difference between A and B was shown on x (level 5%, 2,000 resamples)."


def test_what_is_not_defined_is_named_and_not_counted():
    words = said(UNDEFINED, x=BETTER, y=UNDEFINED, z=SAME)
    expected = "B is better than A on x; no difference was shown on z; nothing can be said of y, where a score is not"
    assert words == f"{expected} defined (level 5%, 2,000 resamples, corrected for 2 tasks)."


def test_nothing_defined_at_all():
    words = said(UNDEFINED, x=UNDEFINED)
    assert words == "nothing can be said of x, where a score is not defined (level 5%, 2,000 resamples)."


@pytest.mark.parametrize(("found", "shown"), [(BETTER, True), (SAME, False), (UNDEFINED, False)])
def test_a_difference_is_shown_below_five_percent(found: Difference, shown: bool):
    assert found.shown is shown


def test_a_difference_of_exactly_nothing_is_not_shown():
    assert not difference(0.0, 0.01).shown
