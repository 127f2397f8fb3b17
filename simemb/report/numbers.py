"""How a number is shown, by its name: decimals, and whether it is in points."""

import re
from math import isnan

DECIMALS = {
    "alignment": 4,
    "uniformity": 4,
    "effective_rank": 1,
    "anisotropy": 4,
    "isoscore": 4,
    "hubness": 4,
    "dominance": 4,
    "dead_dimensions": 0,
}
"""Decimals of the numbers that are not points; points have two."""


def decimals(name: str) -> int:
    """How many decimals are shown of a number; its variant, threshold or count does not matter.

    >>> decimals("alignment>=4.5"), decimals("dominance_3"), decimals("recall@10"), decimals("whitened.isoscore")
    (4, 4, 2, 4)
    """
    return DECIMALS.get(re.split(r">=|_\d|@", name)[0].rpartition(".")[2], 2)


def in_words(name: str) -> str:
    """A number's name in words, with its factor if it is in points.

    >>> in_words("effective_rank"), in_words("spearman")
    ('effective rank', 'spearman x 100')
    """
    words = name.replace("_", " ")
    return words if name in DECIMALS else f"{words} x 100"


def in_text(value: float) -> str:
    """A number with two decimals in a sentence; a correlation or mean may not exist.

    >>> in_text(71.304), in_text(-0.0004), in_text(float("nan"))
    ('71.30', '0.00', 'undefined')
    """
    return "undefined" if isnan(value) else f"{value:z.2f}"
