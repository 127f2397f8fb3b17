"""Rules of hard negatives that make no sense; what they do is tested with `mine`."""

import math
from typing import Any

import pytest

from simemb.errors import DataError
from simemb.search.mining_rules import Rules


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ({"negatives": 0}, "negatives must be 1 or more, not 0"),
        ({"skip": -1}, "skip must be 0 or more, not -1"),
        ({"depth": 5, "skip": 5}, r"depth must be 6 or more \(skip \+ negatives\), not 5"),
        ({"margin": 3.0}, r"margin must be in \[-2, 2\], not 3"),
        ({"margin": math.nan}, "margin must be in"),
        ({"relative_margin": -0.1}, r"relative_margin must be in \[0, 1\], not -0.1"),
        ({"max_similarity": 1.5}, r"max_similarity must be in \[-1, 1\], not 1.5"),
        ({"pick": "hardest"}, "unknown pick 'hardest': did you mean 'nearest'"),
        ({"seed": -1}, "seed must be 0 or more, not -1"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rules: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        Rules(**rules)
