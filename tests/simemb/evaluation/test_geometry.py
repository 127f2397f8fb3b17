"""Geometry against slow loops over pairs, closed forms of well-known point sets, and what must not change it."""

import math
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import skew

from simemb.evaluation.geometry import (
    STRIP,
    anisotropy,
    dead_dimensions,
    dominance,
    histogram,
    hubness,
    isoscore,
    occurrences,
    singular_spectrum,
)
from simemb.evaluation.metrics import effective_rank

NUMBERS: dict[str, Callable[[np.ndarray], float]] = {
    "anisotropy": anisotropy,
    "isoscore": isoscore,
    "effective_rank": effective_rank,
    "hubness": lambda x: hubness(x, 3),
}


@pytest.fixture
def vectors() -> np.ndarray:
    """A cone of vectors of very different lengths, with unlike variances, one dimension ahead of all others."""
    generator = np.random.default_rng(7)
    x = generator.normal(size=(60, 6)) * [1, 2, 3, 1, 0.5, 1] + [4, 0, 1, 0, 0, 0]
    return (x * generator.uniform(0.1, 30, size=(60, 1))).astype(np.float32)


def unit(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float64) / np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True)


def simplex(corners: int) -> np.ndarray:
    """Corners of a regular simplex around the origin: every two have cosine -1 / (corners - 1)."""
    return np.eye(corners) - 1 / corners


def antipodal(dims: int) -> np.ndarray:
    """Both ends of every axis."""
    return np.concatenate([np.eye(dims), -np.eye(dims)])


def sphere(texts: int, dims: int) -> np.ndarray:
    return unit(np.random.default_rng(3).normal(size=(texts, dims)))


def line(texts: int, dims: int) -> np.ndarray:
    """A cloud of rank 1 that does not go through the origin."""
    generator = np.random.default_rng(4)
    return generator.normal(size=dims) + generator.normal(size=(texts, 1)) * generator.normal(size=dims)


def ring(texts: int) -> np.ndarray:
    angles = np.arange(texts) * 2 * np.pi / texts
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def star(rays: int, lean: float = 0.7) -> np.ndarray:
    """A hub in row 0, and rays that each lean away from it in a direction of their own: all are nearest to the hub."""
    hub = np.eye(rays + 1)[:1]
    return np.concatenate([hub, math.cos(lean) * hub + math.sin(lean) * np.eye(rays + 1)[1:]])


def rotation(dims: int, seed: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(dims, dims)))[0]


# ---- the mean cosine, and what gives it ----------------------------------------------------------------


def test_anisotropy_is_the_mean_cosine_of_all_pairs(vectors):
    cosines = [u @ v for u, v in combinations(unit(vectors), 2)]
    assert anisotropy(vectors) == pytest.approx(np.mean(cosines), abs=1e-12)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (simplex(7), -1 / 6),
        (antipodal(5), -1 / 9),
        (np.eye(6), 0),
        (np.array([[1.0, 0], [-2, 0]]), -1),
        (np.full((8, 3), 0.7), 1),
        (np.array([[1.0, 0], [1, 1]]), math.sqrt(0.5)),
    ],
    ids=["simplex", "antipodal", "one-hot", "opposite", "constant", "45 degrees"],
)
def test_anisotropy_of_well_known_points(x, expected):
    assert anisotropy(x) == pytest.approx(expected, abs=1e-12)


def test_anisotropy_of_points_spread_over_a_sphere_is_near_0():
    assert anisotropy(sphere(4000, 8)) == pytest.approx(0, abs=2e-3)


def test_a_zero_vector_has_cosine_0_with_all_others():
    assert anisotropy(np.array([[1.0, 0], [1, 0], [0, 0]])) == pytest.approx(1 / 3)


def test_dominance_is_what_the_first_dimensions_give_to_the_mean_cosine(vectors):
    pairs = list(combinations(unit(vectors), 2))
    parts = sorted((np.mean([u[d] * v[d] for u, v in pairs]) for d in range(6)), reverse=True)
    for top in (1, 3, 5):
        assert dominance(vectors, top) == pytest.approx(sum(parts[:top]) / sum(parts), rel=1e-9)
    assert dominance(vectors, 6) == pytest.approx(1)


def test_dominance_of_vectors_that_all_point_one_way_is_the_square_of_its_entries():
    x = np.array([[1.0, 2, 2]]).repeat(5, axis=0) * np.arange(1, 6)[:, None]
    assert [dominance(x, top) for top in (1, 2, 3)] == pytest.approx([4 / 9, 8 / 9, 1])


def test_of_a_mean_cosine_near_0_no_dimension_has_a_share():
    assert math.isnan(dominance(simplex(5), 1))
    assert math.isnan(dominance(np.eye(5), 1))


# ---- evenly used dimensions ----------------------------------------------------------------------------


def isoscore_as_in_the_paper(x: np.ndarray) -> float:
    """Algorithm 1 of Rudman et al., step by step."""
    dims = x.shape[1]
    centered = x.astype(np.float64) - x.mean(axis=0, dtype=np.float64)
    turned = centered @ np.linalg.svd(centered)[2].T
    diagonal = np.diag(np.cov(turned.T))
    normalized = math.sqrt(dims) * diagonal / np.linalg.norm(diagonal)
    defect = np.linalg.norm(normalized - np.ones(dims)) / math.sqrt(2 * (dims - math.sqrt(dims)))
    fraction = (dims - defect**2 * (dims - math.sqrt(dims))) ** 2 / dims**2
    return (dims * fraction - 1) / (dims - 1)


def test_isoscore_is_that_of_the_paper(vectors):
    assert isoscore(vectors) == pytest.approx(isoscore_as_in_the_paper(vectors), rel=1e-9)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (antipodal(6), 1),
        (np.concatenate([antipodal(6), np.zeros((1, 6))]) + 3, 1),
        (np.pad(antipodal(3), ((0, 0), (0, 5))), 2 / 7),
        (np.eye(6), 4 / 5),
        (line(50, 6), 0),
        (np.array([[1.0, 2, 3], [4, 5, 7]]), 0),
    ],
    ids=["antipodal", "away from the origin", "3 of 8 dimensions", "one-hot", "rank 1", "two"],
)
def test_isoscore_of_well_known_points(x, expected):
    assert isoscore(x) == pytest.approx(expected, abs=1e-9)


def test_isoscore_of_a_gaussian_cloud_is_near_1():
    assert isoscore(np.random.default_rng(1).normal(5, 2, size=(20_000, 6))) == pytest.approx(1, abs=2e-3)


def test_the_spectrum_is_that_of_the_singular_values_of_centered_unit_vectors(vectors):
    centered = unit(vectors) - unit(vectors).mean(axis=0)
    values = np.linalg.svd(centered, compute_uv=False)
    spectrum = singular_spectrum(vectors)
    np.testing.assert_allclose(spectrum, values / values.sum(), rtol=1e-9)
    assert effective_rank(vectors) == pytest.approx(np.exp(-(spectrum * np.log(spectrum)).sum()))


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (antipodal(4), [0.25, 0.25, 0.25, 0.25]),
        (np.eye(5), [0.25, 0.25, 0.25, 0.25, 0]),
        (np.array([[1.0, 0, 0], [-3, 0, 0], [2, 0, 0]]), [1, 0, 0]),
        (np.array([[1.0, 0, 0, 0], [0, 1, 0, 0]]), [1, 0, 0, 0]),
    ],
    ids=["antipodal", "one-hot", "rank 1", "two"],
)
def test_the_spectrum_of_well_known_points(x, expected):
    np.testing.assert_allclose(singular_spectrum(x), expected, atol=1e-9)


# ---- hubs ----------------------------------------------------------------------------------------------


def test_occurrences_count_how_often_a_vector_is_among_the_nearest_of_another():
    # The 10th and the 11th cosine of each row differ by 2e-5 or more, a hundred times the rounding of float32.
    x = np.random.default_rng(2).normal(size=(STRIP + 40, 5)).astype(np.float32)
    cosines = unit(x) @ unit(x).T
    expected = [0] * len(x)
    for text in range(len(x)):
        others = sorted((other for other in range(len(x)) if other != text), key=lambda other: -cosines[text, other])
        for near in others[:10]:
            expected[near] += 1
    assert occurrences(x).tolist() == expected
    assert hubness(x) == pytest.approx(skew(expected))


def test_on_a_ring_nothing_is_a_hub():
    assert occurrences(ring(40)).tolist() == [10] * 40
    assert hubness(ring(40)) == 0


def test_in_the_middle_of_a_star_is_a_hub():
    counts = occurrences(star(30), k=1)
    assert counts[0] == 30
    assert counts.sum() == 31
    assert hubness(star(30), k=1) == pytest.approx(skew([30, 1, *[0] * 29]))


def test_where_everybody_is_everybodys_neighbor_there_is_no_hub():
    assert hubness(sphere(11, 3)) == 0
    assert math.isnan(hubness(sphere(10, 3)))


# ---- dimensions and histograms -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("deviations", "dead"),
    [
        ((1, 1, 1, 1), 0),
        ((1, 1, 1, 0), 1),
        ((1, 2, 1, 5e-4), 1),
        ((1, 2, 1, 5e-3), 0),
        ((3, 0, 0, 0), 3),
        ((0,) * 4, 4),
    ],
)
@pytest.mark.parametrize("mean", [0, 0.7])
def test_dead_dimensions_do_not_vary_or_a_thousand_times_less_than_the_median(deviations, dead, mean):
    signs = np.array([[1.0, 1, 1, 1], [-1, -1, -1, -1]]).repeat(4, axis=0)
    assert dead_dimensions((signs * deviations + mean).astype(np.float32)) == dead
    assert dead_dimensions(signs * deviations + mean) == dead


def test_the_histogram_counts_every_pair_in_the_bin_of_its_score_and_cosine():
    generator = np.random.default_rng(5)
    cosines, gold = generator.uniform(-1, 1, 300), generator.integers(0, 11, 300) / 2
    gold_edges, cosine_edges = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0), (-1.0, -0.5, 0.0, 0.5, 1.0)
    expected = np.zeros((5, 4), int)
    for cosine, score in zip(cosines, gold, strict=True):
        expected[min(int(score), 4), min(int(2 * (cosine + 1)), 3)] += 1
    result = histogram(cosines, gold, gold_edges=gold_edges, cosine_edges=cosine_edges)
    assert result.tolist() == expected.tolist()


def test_the_histogram_holds_a_cosine_of_1_and_a_bit_and_no_score_outside_its_bins():
    cosines, gold = np.array([1 + 1e-7, -1 - 1e-7, 0.0]), np.array([5.0, 0, 6])
    result = histogram(cosines, gold, gold_edges=(0.0, 2.5, 5.0), cosine_edges=(-1.0, 0.0, 1.0))
    assert result.tolist() == [[1, 0], [0, 1]]


# ---- what must not change it, and where there is nothing to measure ------------------------------------


@pytest.mark.parametrize("name", NUMBERS)
@given(seed=st.integers(0, 999), scale=st.floats(1e-3, 1e3))
def test_a_rotation_and_a_scale_change_nothing(name, seed, scale):
    x = np.random.default_rng(seed).normal(0.5, 1, size=(40, 5))
    assert NUMBERS[name](scale * x @ rotation(5, seed)) == pytest.approx(NUMBERS[name](x), rel=1e-6, abs=1e-9)


@given(seed=st.integers(0, 999), texts=st.integers(2, 30), dims=st.integers(2, 8))
def test_every_number_is_in_its_range(seed, texts, dims):
    x = np.random.default_rng(seed).normal(0.3, 1, size=(texts, dims)).astype(np.float32)
    assert -1 / (texts - 1) - 1e-9 <= anisotropy(x) <= 1
    assert 0 <= isoscore(x) + 1e-12 <= 1 + 1e-9
    assert singular_spectrum(x).sum() == pytest.approx(1)
    assert (np.diff(singular_spectrum(x)) <= 0).all()
    assert 0 <= dead_dimensions(x) <= dims


@pytest.mark.parametrize("value", [0.7, 0.0])
def test_vectors_that_coincide_have_no_spectrum_no_isoscore_and_no_hubs(value):
    x = np.full((40, 5), value, dtype=np.float32)
    assert math.isnan(isoscore(x))
    assert math.isnan(hubness(x))
    assert np.isnan(singular_spectrum(x)).all()
    assert dead_dimensions(x) == 5


@pytest.mark.parametrize("texts", [0, 1])
def test_fewer_than_two_vectors_have_no_geometry(texts):
    x = np.ones((texts, 4), dtype=np.float32)
    for measure in NUMBERS.values():
        assert math.isnan(measure(x))
    assert math.isnan(dominance(x, 1))
    assert np.isnan(singular_spectrum(x)).all()


def test_one_dimension_has_no_isoscore():
    assert math.isnan(isoscore(np.array([[1.0], [2.0], [4.0]])))
