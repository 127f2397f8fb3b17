"""Several seeds: what they say together."""

from math import isnan, nan, sqrt

import pytest

from simemb.training.seeds import deviation, mean, spread


def test_the_deviation_is_that_of_a_sample():
    runs = [{"spearman": 70.0}, {"spearman": 72.0}, {"spearman": 77.0}]
    assert mean(runs) == {"spearman": 73.0}
    assert deviation(runs) == {"spearman": pytest.approx(sqrt((9 + 1 + 16) / 2))}


@pytest.mark.parametrize("values", [[nan, 1.0], [1.0, 2.0, nan], [nan, nan]])
def test_with_a_number_that_is_not_defined_there_is_no_deviation(values: list[float]):
    """Alignment is not defined on a dev file without a score of 4 or more, for no seed."""
    assert isnan(spread(values))
