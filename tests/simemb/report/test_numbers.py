"""Numbers by their names: decimals, and words."""

import pytest

from simemb.report import numbers


@pytest.mark.parametrize(
    ("name", "words", "decimals"),
    [
        ("mean.spearman", "mean.spearman x 100", 2),
        ("average_precision", "average precision x 100", 2),
        ("recall@10", "recall@10 x 100", 2),
        ("uniformity", "uniformity", 4),
        ("effective_rank", "effective rank", 1),
    ],
)
def test_numbers_are_shown_as_on_the_terminal(name: str, words: str, decimals: int):
    assert (numbers.in_words(name), numbers.decimals(name)) == (words, decimals)


def test_a_number_that_does_not_exist_is_said_to_be_undefined():
    assert numbers.in_text(float("nan")) == "undefined"
    assert numbers.in_text(71.304) == "71.30"
