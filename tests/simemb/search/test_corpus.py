"""`dedupe`, `cluster` and `pairs` against loops over all pairs."""

from collections import Counter
from math import log
from pathlib import Path

import numpy as np
import pytest
from trigrams import Trigrams, sentences

from simemb.errors import SearchError
from simemb.search import neighbors
from simemb.search.clusters import cluster
from simemb.search.duplicates import dedupe
from simemb.search.index import Index
from simemb.search.similar_pairs import pairs
from simemb.search.words import characteristic

COUNT = 400
THRESHOLDS = (0.55, 0.7, 0.9)


@pytest.fixture(scope="module")
def encoder() -> Trigrams:
    return Trigrams()


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Sentences of a few topics, some of them twice or more, in any order."""
    some = sentences(COUNT)
    generator = np.random.default_rng(2)
    return [some[int(row)] for row in generator.integers(0, COUNT, size=COUNT)]


@pytest.fixture(scope="module")
def cosines(texts: list[str]) -> np.ndarray:
    vectors = Trigrams().encode(texts)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = vectors @ vectors.T
    for threshold in THRESHOLDS:  # so that rounding decides nothing
        assert np.abs(found - threshold).min() > 1e-6
    return found


@pytest.fixture(params=["exact", "ivf", "sq8"])
def index(
    request: pytest.FixtureRequest, encoder: Trigrams, texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> Index:
    """An index that looks into all cells, with blocks and first answers so small that both have an end."""
    monkeypatch.setattr(neighbors, "BLOCK", 37)
    monkeypatch.setattr(neighbors, "FIRST", 3)
    monkeypatch.setattr(neighbors, "CELLS", 200)
    monkeypatch.setattr("simemb.search.segments.CODES_FROM", 100)
    return Index.build(encoder, texts, kind=request.param, effort=999, rescore=999)


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_dedupe_keeps_what_a_loop_keeps(threshold: float, index: Index, cosines: np.ndarray, texts: list[str]) -> None:
    kept: list[int] = []
    stands: dict[int, int] = {}
    for row in range(COUNT):
        near = [other for other in kept if texts[other] == texts[row] or cosines[row, other] >= threshold]
        if near:
            stands[row] = min(near, key=lambda other: (texts[other] != texts[row], -cosines[row, other]))
        else:
            kept.append(row)
    result = dedupe(index, threshold=threshold)
    assert [int(item.id) for item in result.kept] == kept
    first = {text: row for row, text in reversed(list(enumerate(texts)))}
    for duplicate in result.duplicates:
        row, other = int(duplicate.text.id), int(duplicate.kept.id)
        best = max(cosines[first[texts[row]], each] for each in kept if each <= first[texts[row]])
        assert duplicate.cosine == pytest.approx(best, abs=1e-5)
        assert cosines[row, other] == pytest.approx(best, abs=1e-5)
    assert {int(duplicate.text.id) for duplicate in result.duplicates} == set(stands)


@pytest.mark.parametrize("top", [1, 7, 300, 2000])
def test_pairs_are_the_best_of_all_pairs(top: int, index: Index, cosines: np.ndarray) -> None:
    first, second = np.triu_indices(COUNT, 1)
    expected = np.sort(cosines[first, second])[::-1][:top]
    found = pairs(index, top=top)
    ends = [(int(pair.first.id), int(pair.second.id)) for pair in found]
    np.testing.assert_allclose([pair.cosine for pair in found], np.minimum(expected, 1), atol=1e-5)
    np.testing.assert_allclose([cosines[one, two] for one, two in ends], expected, atol=1e-5)
    assert all(one < two for one, two in ends)
    assert len(set(ends)) == len(ends)


@pytest.mark.parametrize(("threshold", "min_size"), [(0.55, 5), (0.7, 2), (0.9, 1)])
def test_communities_are_those_of_a_loop(threshold: float, min_size: int, index: Index, cosines: np.ndarray) -> None:
    near = cosines >= threshold
    expected: list[set[int]] = []
    free = set(range(COUNT))
    for center in sorted(range(COUNT), key=lambda row: (-near[row].sum(), row)):
        members = {row for row in free if near[center, row]}
        if center in free and len(members) >= min_size:
            expected.append(members)
            free -= members
    found = cluster(index, threshold=threshold, min_size=min_size)
    assert sorted(sorted(int(item.id) for item in one.members) for one in found) == sorted(map(sorted, expected))
    assert [len(one.members) for one in found] == sorted((len(one.members) for one in found), reverse=True)
    for one in found:
        rows = [int(item.id) for item in one.members]
        means = cosines[np.ix_(rows, rows)].mean(axis=1)
        assert means[0] == pytest.approx(means.max(), abs=1e-5)
        assert one.central == one.members[0]
        assert list(one.cosines) == sorted(one.cosines, reverse=True)


def test_k_means_puts_every_text_into_one_of_k_clusters(index: Index, texts: list[str]) -> None:
    found = cluster(index, k=60)
    assert sorted(int(item.id) for one in found for item in one.members) == list(range(COUNT))
    assert len(found) <= 60
    vectors = Trigrams().encode(texts)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    groups = [[int(item.id) for item in one.members] for one in found]
    means = np.stack([vectors[rows].sum(axis=0) / np.linalg.norm(vectors[rows].sum(axis=0)) for rows in groups])
    nearest = np.argmax(vectors @ means.T, axis=1)
    at_home = sum(int((nearest[rows] == number).sum()) for number, rows in enumerate(groups))
    assert at_home > 0.95 * COUNT  # as where Lloyd's algorithm ends
    assert found == cluster(index, k=60)
    with pytest.raises(SearchError, match="k must be at most the number of texts, 400, not 401"):
        cluster(index, k=401)


def test_characteristic_words_are_those_of_the_formula() -> None:
    groups = [["the cat and the dog", "a cat"], ["the car", "the bus 12", "car"], []]
    counts = [Counter(" ".join(group).replace("12", "").split()) for group in groups]
    total, mean = sum(counts, Counter()), sum(map(len, (" ".join(g).replace("12", "").split() for g in groups))) / 3
    for own, found in zip(counts, characteristic(groups, 3), strict=True):
        score = {word: count * log(1 + mean / total[word]) for word, count in own.items()}
        assert list(found) == sorted(score, key=lambda word: (-score[word], word))[:3]
    assert characteristic(groups, 1)[:2] == [("cat",), ("car",)]


def test_deleted_texts_play_no_role(encoder: Trigrams) -> None:
    index = Index.build(encoder, ["a red boat", "a red boat", "a red boat!", "something else"])
    index.delete([0])
    result = dedupe(index, threshold=0.8)
    assert [item.id for item in result.kept] == ["1", "3"]
    assert [(each.text.id, each.kept.id) for each in result.duplicates] == [("2", "1")]
    assert [(pair.first.id, pair.second.id) for pair in pairs(index, top=1)] == [("1", "2")]
    assert [[item.id for item in one.members] for one in cluster(index, threshold=0.8, min_size=2)] == [["1", "2"]]


def test_texts_files_and_directories_are_taken(encoder: Trigrams, tmp_path: Path) -> None:
    texts = ["a red boat", "a red boat", "something else"]
    Index.build(encoder, texts, path=tmp_path / "index")
    (tmp_path / "texts.txt").write_text("\n".join(texts) + "\n")
    expected = dedupe(texts, encoder=encoder)
    assert [item.text for item in expected.kept] == ["a red boat", "something else"]
    assert dedupe(tmp_path / "texts.txt", encoder=encoder) == expected == dedupe(tmp_path / "index")
    with pytest.raises(SearchError, match="an index has vectors already"):
        dedupe(tmp_path / "index", encoder=encoder)


@pytest.mark.parametrize("data", [[], ["one"], [""] * 3])
def test_little_and_empty_texts(data: list[str], encoder: Trigrams) -> None:
    index = Index.build(encoder, data)
    assert len(dedupe(index).kept) == min(len(data), 1)
    assert len(pairs(index)) == len(data) * (len(data) - 1) // 2
    assert [len(one.members) for one in cluster(index, min_size=1)] == [1] * len(data)  # zeros are near nothing


def test_numbers_out_of_range_are_refused(encoder: Trigrams) -> None:
    index = Index.build(encoder, ["a", "b"])
    for call, line in (
        (lambda: dedupe(index, threshold=1.5), r"threshold must be in \[-1, 1\], not 1.5"),
        (lambda: cluster(index, threshold=-3.0), r"threshold must be in \[-1, 1\], not -3.0"),
        (lambda: cluster(index, min_size=0), "min_size must be 1 or more, not 0"),
        (lambda: cluster(index, k=0), "k must be 1 or more, not 0"),
        (lambda: pairs(index, top=0), "top must be 1 or more, not 0"),
    ):
        with pytest.raises(SearchError, match=line):
            call()
