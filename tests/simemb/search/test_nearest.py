"""Exact and approximate search of many queries against a sort of all cosines."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simemb.errors import SearchError
from simemb.search import nearest
from simemb.search.nearest import SearchRequest, approximate, exact


def search_request(queries: np.ndarray, documents: np.ndarray, depth: int) -> SearchRequest:
    return SearchRequest(queries, lambda start, stop: documents[start:stop], len(documents), depth)


def by_sorting(queries: np.ndarray, documents: np.ndarray, depth: int) -> list[list[int]]:
    def unit(x: np.ndarray) -> np.ndarray:
        lengths = np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True)
        return np.divide(x, lengths, out=np.zeros(x.shape), where=lengths > 0).astype(np.float32).astype(np.float64)

    cosines = (unit(queries) @ unit(documents).T).astype(np.float32)
    return [sorted(range(len(documents)), key=lambda number: (-row[number], number))[:depth] for row in cosines]


# Orders are compared exactly: different cosines of these vectors differ by 1e-5 or more, and float32 rounds by 6e-8.


@pytest.fixture
def blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several blocks and strips on little data."""
    monkeypatch.setattr(nearest, "BLOCK", 7)
    monkeypatch.setattr(nearest, "STRIP", 3)


@pytest.mark.parametrize("depth", [1, 5, 29, 30, 100])
def test_the_exact_search_is_a_sort_of_all_cosines(blocks, depth):
    rng = np.random.default_rng(0)
    queries, documents = (rng.normal(size=(count, 6)).astype(np.float32) for count in (8, 30))
    assert exact(search_request(queries, documents, depth)).tolist() == by_sorting(queries, documents, depth)


def test_equal_documents_tie_wherever_they_stand_and_the_lower_number_is_first(blocks):
    rng = np.random.default_rng(1)
    queries, few = (rng.normal(size=(count, 384)).astype(np.float32) for count in (5, 3))
    documents = few[rng.integers(0, 3, 40)]
    for result in exact(search_request(queries, documents, 40)).tolist():
        groups = [documents[number].tobytes() for number in result]
        assert len([group for group, before in zip(groups, [None, *groups], strict=False) if group != before]) == 3
        assert all(a < b for a, b, x, y in zip(result, result[1:], groups, groups[1:], strict=False) if x == y)


def test_vectors_of_zeros_are_at_right_angles_to_all(blocks):
    documents = np.array([[0, 0], [-1, 0], [0, 0], [1, 0], [0, -1]], np.float32)
    assert exact(search_request(np.array([[2, 0]], np.float32), documents, 5)).tolist() == [[3, 0, 2, 4, 1]]
    assert exact(search_request(np.zeros((1, 2), np.float32), documents, 3)).tolist() == [[0, 1, 2]]


@pytest.mark.parametrize("kind", ["ivf", "hnsw", "exact"])
def test_an_index_of_few_documents_misses_nothing(kind):
    rng = np.random.default_rng(2)
    queries, documents = (rng.normal(size=(count, 6)).astype(np.float32) for count in (8, 30))
    request = search_request(queries, documents, 10)
    assert approximate(request, kind, 128)[0].tolist() == exact(request).tolist()


def test_an_index_in_several_segments_numbers_documents_through(monkeypatch):
    monkeypatch.setattr("simemb.search.segment.FULL", 12)
    rng = np.random.default_rng(3)
    queries, documents = (rng.normal(size=(count, 6)).astype(np.float32) for count in (8, 30))
    request = search_request(queries, documents, 20)
    result, index = approximate(request, "ivf", 128)
    assert result.tolist() == exact(request).tolist()
    assert index == "ivf, effort 128: 1 of 1 cells"


def test_little_effort_misses_some():
    rng = np.random.default_rng(4)
    queries, documents = (rng.normal(size=(count, 16)).astype(np.float32) for count in (50, 2000))
    request = search_request(queries, documents, 10)
    best = exact(request).tolist()

    def share(effort: int) -> float:
        result = approximate(request, "ivf", effort)[0].tolist()
        return sum(len({*some} & {*all_}) for some, all_ in zip(result, best, strict=True)) / 500

    assert share(1) < 0.9
    assert share(51) == 1
    assert approximate(request, "ivf", 9)[1] == "ivf, effort 9: 9 of 51 cells"


def test_a_misspelt_kind_of_index_is_answered_with_the_nearest():
    few = np.eye(3, dtype=np.float32)
    with pytest.raises(SearchError, match="unknown kind of index 'hnws': did you mean 'hnsw'"):
        approximate(search_request(few, few, 1), "hnws", 128)


@given(data=st.data())
def test_any_cosines_are_ordered_and_ties_broken_by_number(data):
    values = st.floats(-1, 1, width=32)
    cosines = np.array(data.draw(st.lists(values, min_size=1, max_size=20)), np.float32)
    best = nearest._BestDocuments(
        search_request(np.zeros((1, 2), np.float32), np.zeros((len(cosines), 2), np.float32), 20)
    )
    for start in range(0, len(cosines), 6):
        some = cosines[start : start + 6]
        best.offer(slice(None), some[None], np.arange(start, start + len(some)))
    expected = sorted(range(len(cosines)), key=lambda number: (-cosines[number], number))
    assert best.numbers().tolist() == [expected]
