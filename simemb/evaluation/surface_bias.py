"""How much the cosine of a pair depends on the surface of its texts: their lengths, and the words they share.

A similarity should follow the meaning of texts. Correlations with the surface show where it does not. The partial
correlations given the gold score say most, since pairs with the same meaning do share words.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from simemb.corpus.words import words
from simemb.evaluation.metrics import spearman


@dataclass(frozen=True, eq=False)
class Surface:
    """The surface of pairs of texts.

    Attributes:
        length: Mean number of words of the two texts [pairs].
        difference: Absolute difference of the two numbers of words [pairs].
        overlap: Jaccard similarity of the two sets of words, in [0, 1]; 0 if there are no words [pairs].
    """

    length: Float64[np.ndarray, "pair"]
    difference: Float64[np.ndarray, "pair"]
    overlap: Float64[np.ndarray, "pair"]

    @classmethod
    def of(cls, first: Sequence[str], second: Sequence[str]) -> "Surface":
        """The surface of the pairs (first[i], second[i])."""
        pairs = [(words(one), words(other)) for one, other in zip(first, second, strict=True)]
        counts = np.array([(len(one), len(other)) for one, other in pairs], np.float64).reshape(-1, 2)
        overlap = [len({*one} & {*other}) / max(len({*one, *other}), 1) for one, other in pairs]
        return cls(counts.mean(axis=1), abs(counts[:, 0] - counts[:, 1]), np.array(overlap, np.float64))


def biases(
    cosines: Float64[np.ndarray, "pair"], gold: Float64[np.ndarray, "pair"], surface: Surface
) -> dict[str, float]:
    """Spearman x 100 of the cosines with the length, the difference in length and the overlap of the pairs.

    `length_bias`, `length_difference_bias` and `overlap_bias`, each followed by its `..._given_gold`, the partial
    correlation given the gold score (`partial_spearman`). In [-100, 100]; 0 is no bias, nan if a side is constant.
    """
    sides = {
        "length_bias": surface.length,
        "length_difference_bias": surface.difference,
        "overlap_bias": surface.overlap,
    }
    correlations: dict[str, float] = {}
    for name, side in sides.items():
        correlations[name] = 100 * spearman(cosines, side)
        correlations[f"{name}_given_gold"] = 100 * partial_spearman(cosines, side, gold)
    return correlations


def partial_spearman(
    x: Float64[np.ndarray, "pair"], y: Float64[np.ndarray, "pair"], given: Float64[np.ndarray, "pair"]
) -> float:
    """Partial correlation of the ranks of `x` and `y` given the ranks of `given`.

    (r_xy - r_xz r_yz) / sqrt((1 - r_xz^2) (1 - r_yz^2)) with z = given: the correlation of the residuals of the ranks
    of x and y after a linear regression on the ranks of z. Kendall, 1942, Biometrika 32, has it for tau.

    Returns:
        -1 to 1; nan if one of the three is constant, or if z determines x or y.
    """
    xy, xz, yz = spearman(x, y), spearman(x, given), spearman(y, given)
    unexplained = (1 - xz**2) * (1 - yz**2)
    # Not 0: a perfect correlation leaves the rounding error of 1 - r^2.
    return float(np.clip((xy - xz * yz) / np.sqrt(unexplained), -1, 1)) if unexplained > 1e-12 else float("nan")
