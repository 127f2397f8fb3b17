"""Metrics against closed forms, slow loops and scipy's own idea of a constant."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simemb.evaluation.metrics import (
    STRIP,
    alignment,
    cosine,
    effective_rank,
    pearson,
    spearman,
    uniformity,
)


@pytest.fixture
def vectors() -> np.ndarray:
    """More rows than one strip holds, of very different lengths."""
    generator = np.random.default_rng(7)
    rows = STRIP + 88
    return (generator.normal(size=(rows, 5)) * generator.uniform(0.1, 30, size=(rows, 1))).astype(np.float32)


def unit(row: np.ndarray) -> np.ndarray:
    return row.astype(np.float64) / np.linalg.norm(row.astype(np.float64))


def simplex(corners: int) -> np.ndarray:
    """Corners of a regular simplex on the sphere: every two have cosine -1 / (corners - 1)."""
    return np.eye(corners) - 1 / corners


def test_correlations_agree_with_their_formulas_written_out():
    x, y = [1.0, 2.0, 4.0, 7.0, 7.5], [0.5, 3.0, 2.0, 9.0, 4.0]
    dx, dy = np.array(x) - np.mean(x), np.array(y) - np.mean(y)
    assert pearson(x, y) == pytest.approx((dx @ dy) / math.sqrt((dx @ dx) * (dy @ dy)))
    # 1 - 6 sum(d^2) / (n (n^2 - 1)) with ranks 1 2 3 4 5 and 1 3 2 5 4.
    assert spearman(x, y) == pytest.approx(1 - 6 * 4 / (5 * 24))


def test_spearman_shares_the_mean_rank_between_ties():
    assert spearman([1, 1, 2], [1, 2, 3]) == pytest.approx(pearson([1.5, 1.5, 3], [1, 2, 3]))


@pytest.mark.parametrize("correlation", [spearman, pearson])
def test_a_constant_side_has_no_correlation_and_gives_no_warning(correlation):
    assert math.isnan(correlation([3, 3, 3], [1, 2, 3]))
    assert math.isnan(correlation([1, 2, 3], [3, 3, 3]))


def test_values_that_differ_only_by_rounding_count_as_constant_for_pearson():
    assert math.isnan(pearson([1, 1 + 2e-16, 1], [1, 2, 3]))


@pytest.mark.parametrize("correlation", [spearman, pearson])
def test_fewer_than_two_pairs_have_no_correlation(correlation):
    assert math.isnan(correlation([1], [2]))
    assert math.isnan(correlation([], []))


@pytest.mark.parametrize("correlation", [spearman, pearson])
def test_sides_of_different_length_are_refused(correlation):
    with pytest.raises(ValueError, match="must"):
        correlation([1, 2, 3], [1, 2])


def test_cosine_agrees_with_a_slow_loop(vectors):
    a, b = vectors[:200], vectors[200:400]
    slow = [unit(one) @ unit(other) for one, other in zip(a, b, strict=True)]
    np.testing.assert_allclose(cosine(a, b), slow, atol=1e-12)


def test_cosine_with_a_zero_vector_is_zero():
    assert cosine(np.zeros((2, 3)), np.array([[1.0, 2, 3], [0, 0, 0]])).tolist() == [0, 0]


@pytest.mark.parametrize("dim", [1, 3, 64, 256, 768])
def test_equal_vectors_have_cosine_one_and_no_pair_has_more(dim: int):
    rows = np.random.default_rng(dim).normal(size=(400, dim)).astype(np.float32)
    assert set(cosine(rows, rows.copy())) == {1.0}
    assert set(cosine(rows, 4 * rows)) == {1.0}
    near = np.nextafter(rows, np.float32(np.inf))
    assert cosine(rows, near).max() <= 1
    assert cosine(rows, -near).min() >= -1


@given(st.integers(1, 700), st.floats(1e-15, 1e15), st.integers(0, 2**32))
def test_cosine_does_not_depend_on_the_scale_of_the_vectors(dim, scale, seed):
    row = np.random.default_rng(seed).normal(size=(3, dim)).astype(np.float32)
    np.testing.assert_allclose(cosine(row, row * np.float32(scale)), 1, atol=1e-6)
    np.testing.assert_allclose(cosine(row, row), 1, atol=1e-14)


def test_alignment_agrees_with_a_slow_loop(vectors):
    x, y = vectors[:50], vectors[50:100]
    for alpha in (1.0, 2.0, 3.5):
        slow = [np.linalg.norm(unit(a) - unit(b)) ** alpha for a, b in zip(x, y, strict=True)]
        assert alignment(x, y, alpha) == pytest.approx(np.mean(slow), rel=1e-5)


def test_alignment_of_equal_antipodal_and_orthogonal_pairs_is_known():
    x = np.array([[1.0, 0], [0, 5.0]])
    assert alignment(x, 3 * x) == 0
    assert alignment(x, -x) == pytest.approx(4)
    assert alignment(x, x[:, ::-1].copy()) == pytest.approx(2)
    assert alignment(x, -x, alpha=3.0) == pytest.approx(8)


def test_alignment_without_a_pair_is_nan():
    assert math.isnan(alignment(np.zeros((0, 4)), np.zeros((0, 4))))


@pytest.mark.parametrize("t", [0.5, 2.0, 5.0])
def test_uniformity_agrees_with_a_slow_loop_over_all_distinct_pairs(vectors, t):
    rows = [unit(row) for row in vectors]
    slow = math.log(np.mean([math.exp(-t * ((a - b) @ (a - b))) for a, b in combinations(rows, 2)]))
    assert uniformity(vectors, t) == pytest.approx(slow, abs=1e-6)


@pytest.mark.parametrize("rows", [2, STRIP - 1, STRIP, STRIP + 1])
def test_no_pair_is_lost_or_counted_twice_where_strips_meet(vectors, rows):
    some = np.array([unit(row) for row in vectors[:rows]])
    products = (some @ some.T)[np.triu_indices(rows, 1)]
    assert uniformity(vectors[:rows]) == pytest.approx(math.log(np.mean(np.exp(4 * products - 4))), abs=1e-6)


@pytest.mark.parametrize("corners", [2, 3, 10, 600])
def test_uniformity_of_a_simplex_is_its_one_squared_distance(corners):
    assert uniformity(simplex(corners)) == pytest.approx(-2 * (2 + 2 / (corners - 1)), abs=1e-5)


def test_uniformity_of_duplicates_is_zero_and_of_two_antipodal_clusters_is_known():
    assert uniformity(np.full((600, 8), 0.3)) == pytest.approx(0, abs=1e-5)
    # Two clusters of three: 6 pairs coincide, 9 are antipodal at squared distance 4.
    clusters = np.array([[2.0, 0]] * 3 + [[-1.0, 0]] * 3)
    assert uniformity(clusters) == pytest.approx(math.log((6 + 9 * math.exp(-8)) / 15), abs=1e-6)


def test_a_zero_vector_stays_at_the_origin():
    assert uniformity(np.array([[0.0, 0], [3.0, 0]])) == pytest.approx(-2)
    assert alignment(np.zeros((1, 2)), np.ones((1, 2))) == pytest.approx(1)


@pytest.mark.parametrize("rows", [0, 1])
def test_uniformity_of_fewer_than_two_vectors_is_nan(rows):
    assert math.isnan(uniformity(np.ones((rows, 4))))


def test_uniformity_does_not_depend_on_the_order_or_the_length_of_vectors(vectors):
    shuffled = np.random.default_rng(1).permutation(vectors) * 17
    assert uniformity(shuffled) == pytest.approx(uniformity(vectors), abs=1e-6)


def test_effective_rank_agrees_with_the_singular_values_written_out(vectors):
    rows = np.array([unit(row) for row in vectors])
    singular = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False)
    shares = [value / sum(singular) for value in singular]
    assert effective_rank(vectors) == pytest.approx(math.exp(-sum(share * math.log(share) for share in shares)))


@pytest.mark.parametrize("dim", [2, 5, 64])
def test_a_cloud_that_is_alike_in_every_direction_has_all_its_dimensions(dim):
    # Both ends of every axis: the covariance is the identity / dim, exactly.
    axes = np.concatenate([np.eye(dim), -np.eye(dim)])
    assert effective_rank(axes * 7) == pytest.approx(dim)
    cloud = np.random.default_rng(3).normal(size=(400 * dim, dim)).astype(np.float32)
    assert effective_rank(cloud) == pytest.approx(dim, rel=0.01)


@pytest.mark.parametrize("dim", [2, 300])
def test_vectors_on_one_line_have_effective_rank_one(dim):
    direction = np.random.default_rng(5).normal(size=(1, dim))
    line = np.array([[3.0], [-1.0], [-0.2], [8.0]]) * direction
    assert effective_rank(line) == pytest.approx(1, abs=1e-6)
    assert effective_rank(line.astype(np.float32)) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("corners", [2, 3, 10, 200])
def test_a_simplex_has_a_dimension_less_than_corners(corners):
    assert effective_rank(simplex(corners)) == pytest.approx(corners - 1)
    far_away = simplex(corners) + 5  # the mean is not counted as a direction
    assert effective_rank(far_away) == pytest.approx(corners - 1)


def test_effective_rank_of_unequal_axes_is_worked_out_by_hand():
    # Three times the ends of one axis and once those of another: s = sqrt(6), sqrt(2), so p = 0.634, 0.366.
    rows = np.array([[1.0, 0], [-1.0, 0]] * 3 + [[0.0, 1], [0, -1.0]])
    assert effective_rank(rows) == pytest.approx(1.9286, abs=1e-4)


def test_vectors_that_coincide_have_no_effective_rank_even_if_rounding_parts_them():
    assert math.isnan(effective_rank(np.full((50, 8), 0.3)))
    row = np.random.default_rng(2).normal(size=(1, 64))
    assert math.isnan(effective_rank((row * np.linspace(1, 9, 200)[:, None]).astype(np.float32)))


@pytest.mark.parametrize("rows", [0, 1])
def test_fewer_than_two_vectors_have_no_effective_rank(rows):
    assert math.isnan(effective_rank(np.ones((rows, 4))))


@given(st.integers(2, 40), st.integers(1, 40), st.integers(0, 2**32))
def test_effective_rank_lies_between_one_and_the_dimensions_that_there_can_be(rows, dim, seed):
    generator = np.random.default_rng(seed)
    some = generator.normal(size=(rows, dim))
    rank = effective_rank(some)
    if dim > 1:
        assert 1 - 1e-9 <= rank <= min(dim, rows - 1) + 1e-9
        turned = some @ np.linalg.qr(generator.normal(size=(dim, dim)))[0]
        assert effective_rank(generator.permutation(turned) * 17) == pytest.approx(rank)


@pytest.mark.parametrize("correlation", [spearman, pearson])
def test_values_that_are_equal_up_to_rounding_have_no_correlation(correlation):
    rounded = 1 + 2e-16 * np.array([0, 1, -1, 2])
    gold = [1, 2, 3, 4]
    assert math.isnan(correlation(rounded, gold))
    assert math.isnan(correlation(gold, rounded))
    assert math.isnan(correlation([0, 0, 0, 0], gold))
    assert not math.isnan(correlation(1 + 1e-9 * np.array([0, 1, -1, 2]), gold))
