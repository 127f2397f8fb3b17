"""What the cosine of a pair owes to the surface of its texts: how long they are, and which words they share.

A similarity should follow what texts mean. Correlations with the surface show where it does not, above all those with
the gold score held fixed, since pairs that mean the same do share words.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from simemb.corpus.words import words
from simemb.evaluation.metrics import spearman


@dataclass(frozen=True, eq=False)
class Surface:
    """What can be seen of pairs without understanding them.

    Attributes:
        length: Mean number of words of the two texts [pairs].
        difference: By how many words one is longer than the other [pairs].
        overlap: Words of both as a share of the words of either (Jaccard), in [0, 1]; 0 without a word [pairs].
    """

    length: Float64[np.ndarray, "pair"]
    difference: Float64[np.ndarray, "pair"]
    overlap: Float64[np.ndarray, "pair"]

    @classmethod
    def of(cls, first: Sequence[str], second: Sequence[str]) -> "Surface":
        """Of pairs, side by side."""
        counted = [(words(one), words(other)) for one, other in zip(first, second, strict=True)]
        counts = np.array([(len(one), len(other)) for one, other in counted], np.float64).reshape(-1, 2)
        overlap = [len({*one} & {*other}) / max(len({*one, *other}), 1) for one, other in counted]
        return cls(counts.mean(axis=1), abs(counts[:, 0] - counts[:, 1]), np.array(overlap, np.float64))


def biases(
    cosines: Float64[np.ndarray, "pair"], gold: Float64[np.ndarray, "pair"], surface: Surface
) -> dict[str, float]:
    """Spearman x 100 of the cosines with the length, the difference in length and the overlap of the pairs.

    `length_bias`, `length_difference_bias` and `overlap_bias`, and each of them as `..._given_gold` with the gold score
    held fixed (`partial_spearman`). In -100 to 100; 0 is no bias, nan where one side is constant.
    """
    sides = {
        "length_bias": surface.length,
        "length_difference_bias": surface.difference,
        "overlap_bias": surface.overlap,
    }
    found: dict[str, float] = {}
    for name, side in sides.items():
        found[name] = 100 * spearman(cosines, side)
        found[f"{name}_given_gold"] = 100 * partial_spearman(cosines, side, gold)
    return found


def partial_spearman(
    x: Float64[np.ndarray, "pair"], y: Float64[np.ndarray, "pair"], given: Float64[np.ndarray, "pair"]
) -> float:
    """Correlation of the ranks of `x` and `y` that is left when the ranks of `given` are held fixed.

    (r_xy - r_xz r_yz) / sqrt((1 - r_xz^2) (1 - r_yz^2)) with z = given: the correlation of what a line through the
    ranks of z leaves of those of x and y. Kendall, 1942, Biometrika 32, writes it for tau.

    Returns:
        -1 to 1; nan where one of the three is constant, or z alone decides x or y.
    """
    xy, xz, yz = spearman(x, y), spearman(x, given), spearman(y, given)
    left = (1 - xz**2) * (1 - yz**2)
    # Comparing with 0 would take the rounding of a perfect correlation for something that is left.
    return float(np.clip((xy - xz * yz) / np.sqrt(left), -1, 1)) if left > 1e-12 else float("nan")
