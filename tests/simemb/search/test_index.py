"""The index against brute force: what is found, how it is built, and what is added. test_storage.py tests its files."""

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
from trigrams import DIM, Trigrams, sentences

import simemb.search.segment_builder
import simemb.search.segments
from simemb.errors import ArgumentError, DataError, SearchError, SimembError
from simemb.search.hits import Hit
from simemb.search.index import Index

KINDS = ("exact", "ivf", "hnsw")


def cosines(texts: list[str], queries: list[str]) -> np.ndarray:
    def rows(given: list[str]) -> np.ndarray:
        vectors = Trigrams().encode(given)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.where(lengths > 0, lengths, 1)

    return rows(queries) @ rows(texts).T


def overlap(result: list[list[Hit]], expected: list[list[Hit]]) -> float:
    pairs = zip(result, expected, strict=True)
    return float(np.mean([len({h.id for h in a} & {h.id for h in b}) / len(b) for a, b in pairs]))


@pytest.fixture(scope="module")
def encoder() -> Trigrams:
    return Trigrams()


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return sentences(12_000)


@pytest.fixture(scope="module")
def queries() -> list[str]:
    return [text[3:] for text in sentences(300)]


# ---- what is found ---------------------------------------------------------------------------------


def test_the_exact_kind_equals_brute_force(encoder: Trigrams, texts: list[str], queries: list[str]) -> None:
    result = Index.build(encoder, texts, kind="exact").search_batch(queries, k=10)
    similarities = cosines(texts, queries)
    # The first 11 cosines of a query differ by 4.5e-6 or more, and sums of 32 float32 products err by less than 2e-6.
    order = np.argsort(-similarities, axis=1, kind="stable")[:, :10]
    assert [[int(hit.id) for hit in hits] for hits in result] == order.tolist()
    assert [hit.rank for hit in result[0]] == list(range(1, 11))
    assert all(hit.text == texts[int(hit.id)] for hits in result for hit in hits)
    scores = [[hit.score for hit in hits] for hits in result]
    np.testing.assert_allclose(scores, np.take_along_axis(similarities, order, 1), atol=1e-6)


@pytest.mark.parametrize("kind", ["ivf", "hnsw"])
def test_the_faster_kinds_find_nine_of_the_ten_nearest(
    kind: str, encoder: Trigrams, texts: list[str], queries: list[str]
) -> None:
    exact = Index.build(encoder, texts, kind="exact").search_batch(queries, k=10)
    index = Index.build(encoder, texts, kind=kind)
    assert index.segments[0].kind == kind
    assert overlap(index.search_batch(queries, k=10), exact) > 0.97
    index.effort = 1
    assert overlap(index.search_batch(queries, k=10), exact) < 0.97


@pytest.mark.parametrize("kind", KINDS)
def test_the_score_is_the_cosine_and_not_the_distance(kind: str) -> None:
    # The raw query lies nearer to the short vector, yet points where the long one does.
    class Plane(Trigrams):
        def encode(self, texts: Iterable[str], **_: Any) -> np.ndarray:
            points = {"short": (0.6, 0.8), "long": (100.0, 0.0), "zero": (0.0, 0.0)}
            return np.array([points[text] for text in texts], dtype=np.float32)

    index = Index.build(Plane(dim=2), ["short", "long", "zero"], kind=kind)
    hits = index.search(np.array([2.0, 0.0]), k=3)
    assert [hit.text for hit in hits] == ["long", "short", "zero"]
    np.testing.assert_allclose([hit.score for hit in hits], [1.0, 0.6, 0.0], atol=1e-6)
    assert index.segments[0].vectors.metric_type == faiss.METRIC_INNER_PRODUCT


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_very_short_and_very_long_vectors_keep_their_direction(scale: float, encoder: Trigrams) -> None:
    index = Index.build(encoder, sentences(20))
    query = encoder.encode(["abcdef ghijkl"])[0]
    result, expected = index.search(query * np.float32(scale)), index.search(query)
    assert [hit.id for hit in result] == [hit.id for hit in expected]
    assert [hit.score for hit in result] == pytest.approx([hit.score for hit in expected], abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_texts_without_a_direction_are_found_last_and_never_as_nan(kind: str, encoder: Trigrams) -> None:
    index = Index.build(encoder, ["", "a walk in the park", "", "x"], kind=kind)
    hits = index.search("a walk in the park", k=9)
    assert [hit.score for hit in hits] == pytest.approx([1, 0, 0, 0])
    assert sorted(hit.id for hit in hits) == ["0", "1", "2", "3"]
    assert [hit.score for hit in index.search("", k=9)] == [0, 0, 0, 0]
    assert len(Index.build(encoder, [""] * 100, kind=kind).search("", k=100)) == 100


@pytest.mark.parametrize("kind", KINDS)
def test_all_texts_come_back_when_k_is_larger_than_the_index(kind: str, encoder: Trigrams) -> None:
    index = Index.build(encoder, sentences(2000), kind=kind, effort=1)
    for k in (2000, 5000):
        hits = index.search("anything", k=k)
        assert len({hit.id for hit in hits}) == 2000
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_texts_vectors_and_batches_find_the_same(encoder: Trigrams, queries: list[str]) -> None:
    index = Index.build(encoder, sentences(500))
    some = queries[:3]
    assert index.search(some[0]) == index.search(encoder.encode(some)[0])
    assert index.search_batch(some) == index.search_batch(encoder.encode(some))
    assert index.search_batch(some) == [index.search(query) for query in some]
    assert index.search_batch([]) == []


def test_an_empty_index_finds_nothing_and_can_grow(encoder: Trigrams, tmp_path: Path) -> None:
    for kind in ("auto", *KINDS):
        Index.build(encoder, [], kind=kind, path=tmp_path / kind)
        index = Index.load(tmp_path / kind, encoder=encoder)
        assert (len(index), index.search("anything")) == (0, [])
        index.add(["one"])
        assert [hit.text for hit in index.search("one")] == ["one"]


def test_ids_and_texts_of_every_script_are_kept_to_the_letter(encoder: Trigrams, tmp_path: Path) -> None:
    rows = {
        "ключ": "привет, мир",
        "鍵\n2": "你好，世界",
        "🔑": "👩‍👩‍👧 שלום\u200b",
        " ": "",
        "a\tb": "line\r\nline\x00",
    }
    folder = tmp_path / "目录 один"
    Index.build(encoder, rows.values(), ids=rows.keys()).save(folder)
    hits = Index.load(folder, encoder=encoder).search("привет, мир", k=9)
    assert {hit.id: hit.text for hit in hits} == rows
    assert hits[0].id == "ключ"


# ---- how it is built -------------------------------------------------------------------------------


def test_auto_is_exact_for_few_texts_and_ivf_for_many(encoder: Trigrams, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simemb.search.segments, "EXACT_LIMIT", 400)
    assert Index.build(encoder, sentences(400)).segments[0].kind == "exact"
    assert Index.build(encoder, sentences(401)).segments[0].kind == "ivf"


@pytest.mark.parametrize("kind", KINDS)
def test_building_twice_gives_the_same_index(kind: str, encoder: Trigrams, queries: list[str]) -> None:
    first, second = (Index.build(encoder, sentences(3000), kind=kind, effort=4) for _ in range(2))
    assert first.search_batch(queries) == second.search_batch(queries)
    contents = [faiss.serialize_index(index.segments[0].vectors) for index in (first, second)]
    assert np.array_equal(*contents)


def test_a_stream_in_several_segments_on_disk_equals_a_list_in_memory(
    encoder: Trigrams, queries: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first 6 cosines of a query differ by 3e-6 or more, ten times what float32 usually rounds.
    some = sentences(1100)
    whole = Index.build(encoder, some, ids=range(5, 1105))
    monkeypatch.setattr(simemb.search.segment_builder, "FULL", 300)
    stream = Index.build(encoder, iter(some), ids=iter(range(5, 1105)), path=tmp_path / "index", chunk_size=100)
    assert [segment.count for segment in stream.segments] == [300, 300, 300, 200]
    for index in (stream, Index.load(tmp_path / "index", encoder=encoder)):
        for result, expected in zip(index.search_batch(queries), whole.search_batch(queries), strict=True):
            assert [hit.id for hit in result] == [hit.id for hit in expected]
            assert [hit.score for hit in result] == pytest.approx([hit.score for hit in expected], abs=1e-6)


def test_a_stream_is_read_one_chunk_at_a_time(encoder: Trigrams, tmp_path: Path) -> None:
    taken = itertools.count()
    seen: list[tuple[int, int]] = []

    def stream() -> Iterator[str]:
        for row in range(250):
            next(taken)
            yield f"sentence {row}"

    def progress(done: int) -> None:
        seen.append((done, int(repr(taken)[6:-1])))

    Index.build(encoder, stream(), path=tmp_path / "index", chunk_size=100, progress=progress)
    assert seen == [(100, 100), (200, 200), (250, 250)]


def test_ids_are_numbers_unless_given(encoder: Trigrams) -> None:
    index = Index.build(encoder, ["red apple", "green pear"])
    index.add(["yellow lemon"])
    assert index.search("yellow lemon", k=1)[0].id == "2"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"texts": ["a", "b", "c"], "ids": ["x", "y", "x"]}, r"id 3 is 'x', which is taken"),
        ({"texts": ["a", "b"], "ids": [1, "1"]}, r"id 2 is '1', which is taken"),
        ({"texts": ["a", "b"], "ids": ["x"]}, r"1 ids for 2 texts: each text needs one"),
        ({"texts": iter(["a", "b"]), "ids": ["x"]}, r"1 ids and more texts: each text needs one id"),
        ({"texts": iter(["a"]), "ids": ["x", "y"]}, r"1 texts and more ids: each text needs one id"),
        ({"texts": iter(["a", None])}, r"text 2 is None \(NoneType\), not a string: leave it out"),
        ({"texts": ["a"], "ids": iter([1.5])}, r"id 1 is 1.5 \(float\), neither a string nor a whole number"),
        ({"texts": ["a"], "ids": [True]}, r"id 1 is True \(bool\), neither a string nor a whole number"),
        ({"texts": ["a"], "ids": {"a": 1}}, r"ids is a dict, whose keys would be read"),
        ({"texts": "one string"}, r"texts is one string: pass a list, \[texts\]"),
        ({"texts": ["fine", "half \ud800"]}, r"texts 1 to 2: one is not valid Unicode"),
        ({"texts": ["a"], "kind": "hsnw"}, r"unknown kind of index 'hsnw': did you mean 'hnsw'\?"),
        ({"texts": ["a"], "effort": 0}, r"effort must be 1 or more, not 0"),
        ({"texts": ["a"], "chunk_size": 0}, r"chunk_size must be 1 or more, not 0"),
    ],
)
def test_bad_input_is_named_and_leaves_no_directory(
    arguments: dict[str, Any], line: str, encoder: Trigrams, tmp_path: Path
) -> None:
    with pytest.raises(SimembError, match=line):
        Index.build(encoder, path=tmp_path / "index", **arguments)
    assert not (tmp_path / "index").exists()


def test_a_vector_that_is_not_finite_is_named(tmp_path: Path) -> None:
    class Broken(Trigrams):
        def encode(self, texts: Iterable[str], **_: Any) -> np.ndarray:
            return np.array([[1.0, np.nan if text == "bad" else 1.0] for text in texts], dtype=np.float32)

    with pytest.raises(SearchError, match="texts from row 2: vector 2 has a value that is not finite"):
        Index.build(Broken(dim=2), ["a", "b", "c", "bad"], chunk_size=2, path=tmp_path / "index")
    assert not (tmp_path / "index").exists()


def test_bad_queries_are_refused(encoder: Trigrams) -> None:
    index = Index.build(encoder, sentences(10))
    for k in (0, -3):
        with pytest.raises(SearchError, match=f"k must be 1 or more, not {k}"):
            index.search("anything", k=k)
    with pytest.raises(SearchError, match="shape 1 x 7 do not fit an index of dim 32"):
        index.search(np.ones(7))
    with pytest.raises(SearchError, match="not finite"):
        index.search(np.full(DIM, np.inf))
    with pytest.raises(ArgumentError, match="queries is one string"):
        index.search_batch("anything")


# ---- adding ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_adding_gives_what_building_at_once_gives(
    kind: str, stored: bool, encoder: Trigrams, queries: list[str], tmp_path: Path
) -> None:
    some = sentences(900)
    index = Index.build(encoder, some[:500], kind=kind)
    if stored:
        index.save(tmp_path / "index")
        index = Index.load(tmp_path / "index", encoder=encoder)
    for start in range(500, 900, 100):
        index.add(iter(some[start : start + 100]))
        if stored:
            index.save(tmp_path / "index", overwrite=True)
            index = Index.load(tmp_path / "index", encoder=encoder)
    whole = Index.build(encoder, some, kind="exact")
    assert len(index) == 900
    assert len(index.segments) <= 3
    shared = bool(list(tmp_path.glob("index/cells-*")))
    assert len(list(tmp_path.glob("index/*"))) == (1 + 2 * len(index.segments) + shared if stored else 0)
    assert overlap(index.search_batch(queries, k=10), whole.search_batch(queries, k=10)) > 0.97


def test_what_was_added_is_arranged_once_it_is_many(
    encoder: Trigrams, queries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simemb.search.segments, "EXACT_LIMIT", 400)
    some = sentences(900)
    index = Index.build(encoder, some[:100])
    kinds = []
    for start in range(100, 900, 200):
        index.add(some[start : start + 200])
        kinds.append([(segment.kind, segment.count) for segment in index.segments])
    assert kinds == [
        [("exact", 300)],
        [("ivf", 500)],
        [("ivf", 500), ("ivf", 200)],
        [("ivf", 900)],
    ]
    whole = Index.build(encoder, some, kind="exact")
    assert overlap(index.search_batch(queries, k=10), whole.search_batch(queries, k=10)) > 0.97


def test_a_failed_addition_adds_nothing(encoder: Trigrams) -> None:
    index = Index.build(encoder, ["red", "green"], ids=["r", "g"])
    for texts, ids in ((["blue", "rot"], ["b", "r"]), (["blue", None], ["b", "n"])):
        with pytest.raises(SimembError, match=r"(id|text) 2 is"):
            index.add(iter(texts), ids)  # pyright: ignore[reportArgumentType]
    assert len(index) == 2
    index.add(["blue"], ["b"])
    with pytest.raises(SearchError, match="id 1 is 'b', which is taken"):
        index.add(["bleu"], ["b"])
    assert sorted(hit.id for hit in index.search("blue", k=9)) == ["b", "g", "r"]


def test_an_addition_that_fails_late_adds_nothing(encoder: Trigrams, monkeypatch: pytest.MonkeyPatch) -> None:
    index = Index.build(encoder, ["first", "second"])

    def fail(parts: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(simemb.search.segments, "merged", fail)
        with pytest.raises(MemoryError):
            index.add(["third"])
    assert [hit.text for hit in index.search("first", k=5)] == ["first", "second"]
    index.add(["third"])
    assert index.search("third", k=1)[0].text == "third"


@pytest.mark.parametrize("scale", [1e300, 1e-300])
def test_a_vector_of_any_length_has_its_direction(scale: float, encoder: Trigrams) -> None:
    index = Index.build(encoder, sentences(10))
    vector = encoder.encode(["some text"])[0].astype(np.float64)
    assert index.search(vector * scale) == index.search(vector)


def test_tensors_of_every_kind_are_vectors(encoder: Trigrams) -> None:
    import torch

    index = Index.build(encoder, sentences(10))
    vector = encoder.encode(["some text"])[0]
    tensor, expected = torch.tensor(vector), index.search(vector)
    assert index.search(tensor.to_sparse()) == expected
    assert index.search_batch([tensor.requires_grad_()]) == [expected]
    assert index.search(tensor.bfloat16())[0].id == expected[0].id
    with pytest.raises(ArgumentError, match="a vector has masked values"):
        index.search(np.ma.array(vector, mask=[True] + [False] * (len(vector) - 1)))


# ---- the first dimensions ---------------------------------------------------------------------------


def test_an_index_of_the_first_dimensions_is_that_of_cut_vectors(
    encoder: Trigrams, texts: list[str], queries: list[str], tmp_path: Path
) -> None:
    built = Index.build(encoder, texts[:900], truncate_dim=7, path=tmp_path / "cut")
    index = Index.load(tmp_path / "cut", encoder=encoder)
    assert {segment.vectors.d for segment in index.segments} == {7}
    vectors = encoder.encode(texts[:900])[:, :7]
    lengths = np.linalg.norm(vectors, axis=1)
    asked = encoder.encode(queries)[:, :7]
    cosine = (asked / np.linalg.norm(asked, axis=1)[:, None]) @ (vectors / lengths[:, None]).T
    found = index.search_batch(queries, 3)
    for row, hits in enumerate(found):
        np.testing.assert_allclose([hit.score for hit in hits], np.sort(cosine[row])[::-1][:3], atol=1e-5)
    assert built.search_batch(queries, 3) == found
    # Vectors may be whole, as the encoder gives them, or cut.
    assert index.search_batch(encoder.encode(queries), 3) == index.search_batch(asked, 3) == found
    index.add(["something else"])
    assert index.search("something else")[0].text == "something else"
    with pytest.raises(SearchError, match="vectors of shape 1 x 9 do not fit an index of dim 7"):
        index.search(encoder.encode(["a"])[0][:9])


@pytest.mark.parametrize("size", [0, -1, DIM + 1])
def test_dimensions_that_there_are_not_are_refused(encoder: Trigrams, size: int) -> None:
    with pytest.raises(
        DataError, match=f"truncate_dim must be in 1 to {DIM}, the dimensions of the vectors, not {size}"
    ):
        Index.build(encoder, ["a text"], truncate_dim=size)
