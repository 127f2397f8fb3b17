"""The index against brute force, and against everything that can happen to its files."""

import itertools
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

import simemb.search.index
import simemb.search.segment
import simemb.search.segment_builder
from simemb.errors import SearchError
from simemb.search.index import Hit, Index

DIM = 32
KINDS = ("exact", "ivf", "hnsw")


class Trigrams:
    """Sums of random vectors of the hashed character trigrams, of any length: a small but real encoder."""

    def __init__(self, name: str = "trigrams", *, seed: int = 0, dim: int = DIM) -> None:
        self.name = name
        self.dim = dim
        self.table = np.random.default_rng(seed).standard_normal((4096, dim)).astype(np.float32)

    def fingerprint(self) -> str:
        return f"{zlib.crc32(self.table.tobytes()):08x}" * 8

    def encode(self, texts: Iterable[str], **_: Any) -> np.ndarray:
        grams = [[text[i : i + 3] for i in range(max(0, len(text) - 2))] for text in texts]
        rows = [self.table[[zlib.crc32(gram.encode()) % 4096 for gram in row]].sum(axis=0) for row in grams]
        return np.array(rows, dtype=np.float32).reshape(len(rows), self.dim)


def sentences(count: int) -> list[str]:
    """Different sentences in clusters: 60 topics of words, each sentence from one of them."""
    generator = np.random.default_rng(1)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    topics = [["".join(generator.choice(letters, 6)) for _ in range(12)] for _ in range(60)]
    return [" ".join([*generator.choice(topics[row % 60], 5), str(row)]) for row in range(count)]


def cosines(texts: list[str], queries: list[str]) -> np.ndarray:
    def rows(given: list[str]) -> np.ndarray:
        vectors = Trigrams().encode(given)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.where(lengths > 0, lengths, 1)

    return rows(queries) @ rows(texts).T


def overlap(result: list[list[Hit]], expected: list[list[Hit]]) -> float:
    pairs = zip(result, expected, strict=True)
    return float(np.mean([len({h.id for h in a} & {h.id for h in b}) / len(b) for a, b in pairs]))


def content(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.fixture(scope="module")
def encoder() -> Trigrams:
    return Trigrams()


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return sentences(12_000)


@pytest.fixture(scope="module")
def queries() -> list[str]:
    return [text[3:] for text in sentences(300)]


@pytest.fixture
def saved(tmp_path: Path, encoder: Trigrams) -> Path:
    Index.build(encoder, sentences(50), path=tmp_path / "saved")
    return tmp_path / "saved"


def file_of(directory: Path, pattern: str) -> Path:
    (path,) = directory.glob(pattern)
    return path


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
    monkeypatch.setattr(simemb.search.segment, "EXACT_LIMIT", 400)
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
        ({"texts": ["a", "b", "c"], "ids": ["x", "y", "x"]}, r"row 2: the id 'x' is taken"),
        ({"texts": ["a", "b"], "ids": [1, "1"]}, r"row 1: the id '1' is taken"),
        ({"texts": ["a", "b"], "ids": ["x"]}, r"row 1: the id is missing"),
        ({"texts": ["a"], "ids": ["x", "y"]}, r"row 1: the text is missing"),
        ({"texts": iter(["a", None])}, r"row 1: the text is missing or not a string \(NoneType\)"),
        ({"texts": ["a"], "ids": iter([1.5])}, r"row 0: the id is missing or not a string or int \(float\)"),
        ({"texts": "one string"}, r"not one string"),
        ({"texts": ["fine", "half \ud800"]}, r"rows 0 to 1: a text is not valid Unicode"),
        ({"texts": ["a"], "kind": "hsnw"}, r"unknown kind of index 'hsnw': did you mean 'hnsw'\?"),
        ({"texts": ["a"], "effort": 0}, r"effort must be 1 or more, not 0"),
        ({"texts": ["a"], "chunk_size": 0}, r"chunk_size must be 1 or more, not 0"),
    ],
)
def test_bad_input_is_named_and_leaves_no_directory(
    arguments: dict[str, Any], line: str, encoder: Trigrams, tmp_path: Path
) -> None:
    with pytest.raises(SearchError, match=line):
        Index.build(encoder, path=tmp_path / "index", **arguments)
    assert not (tmp_path / "index").exists()


def test_a_vector_that_is_not_finite_is_named(tmp_path: Path) -> None:
    class Broken(Trigrams):
        def encode(self, texts: Iterable[str], **_: Any) -> np.ndarray:
            return np.array([[1.0, np.nan if text == "bad" else 1.0] for text in texts], dtype=np.float32)

    with pytest.raises(SearchError, match="texts from row 2: the vector of number 1 is not finite"):
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
    with pytest.raises(SearchError, match="not one string"):
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
    assert len(index.segments) == (1 if kind == "exact" else 2)
    assert len(list(tmp_path.glob("index/*"))) == (1 + 2 * len(index.segments) if stored else 0)
    assert overlap(index.search_batch(queries, k=10), whole.search_batch(queries, k=10)) > 0.97


def test_what_was_added_is_arranged_once_it_is_many(
    encoder: Trigrams, queries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simemb.search.segment, "EXACT_LIMIT", 400)
    monkeypatch.setattr(simemb.search.segment_builder, "EXACT_LIMIT", 400)
    some = sentences(900)
    index = Index.build(encoder, some[:100])
    kinds = []
    for start in range(100, 900, 200):
        index.add(some[start : start + 200])
        kinds.append([(segment.kind, segment.count) for segment in index.segments])
    assert kinds == [
        [("exact", 300)],
        [("ivf", 500)],
        [("ivf", 500), ("exact", 200)],
        [("ivf", 500), ("exact", 400)],
    ]
    whole = Index.build(encoder, some, kind="exact")
    assert overlap(index.search_batch(queries, k=10), whole.search_batch(queries, k=10)) > 0.97


def test_a_failed_addition_adds_nothing(encoder: Trigrams) -> None:
    index = Index.build(encoder, ["red", "green"], ids=["r", "g"])
    for texts, ids in ((["blue", "rot"], ["b", "r"]), (["blue", None], ["b", "n"])):
        with pytest.raises(SearchError, match="row 1"):
            index.add(iter(texts), ids)  # pyright: ignore[reportArgumentType]
    assert len(index) == 2
    index.add(["blue"], ["b"])
    with pytest.raises(SearchError, match="the id 'b' is taken"):
        index.add(["bleu"], ["b"])
    assert sorted(hit.id for hit in index.search("blue", k=9)) == ["b", "g", "r"]


# ---- files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_index_gives_the_same_bits(kind: str, encoder: Trigrams, queries: list[str], tmp_path: Path) -> None:
    index = Index.build(encoder, sentences(3000), kind=kind, effort=7)
    before = index.search_batch(queries)
    index.save(tmp_path / "first")
    index.save(tmp_path / "copy")
    for folder in ("first", "copy"):
        loaded = Index.load(tmp_path / folder, encoder=encoder)
        assert (len(loaded), loaded.kind, loaded.effort, loaded.segments[0].kind) == (3000, kind, 7, kind)
        assert loaded.search_batch(queries) == before
    assert index.search_batch(queries) == before


def test_the_description_says_how_the_index_was_made(saved: Path, encoder: Trigrams) -> None:
    description = json.loads((saved / "index.json").read_text(encoding="utf-8"))
    assert description["format"] == 1
    assert description["encoder"] == {
        "name": "trigrams",
        "fingerprint": encoder.fingerprint(),
        "dim": DIM,
    }
    assert (description["count"], description["kind"], description["effort"]) == (50, "auto", 128)
    assert description["parts"][0]["kind"] == "exact"
    assert description["parts"][0]["vectors"]["bytes"] == file_of(saved, "*.faiss").stat().st_size


def test_an_encoder_in_a_directory_is_recorded_with_its_full_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path)
    assert Index.build(Trigrams("model"), ["a"]).origin.name == str(tmp_path / "model")


def test_the_encoder_of_another_index_is_refused_with_both_names(saved: Path, encoder: Trigrams) -> None:
    other = Trigrams("other", seed=1)
    line = rf"of trigrams \(dim 32, fingerprint {encoder.fingerprint()[:12]}\), not of other \(dim 32, "
    with pytest.raises(SearchError, match=line):
        Index.load(saved, encoder=other)
    with pytest.raises(SearchError, match=r"not of short \(dim 16"):
        Index.load(saved).encoder = Trigrams("short", dim=16)
    index = Index.load(saved)
    index.encoder = Trigrams("the same, moved")
    assert len(index.search("anything")) == 5


def test_vectors_can_be_searched_without_the_encoder(saved: Path, encoder: Trigrams) -> None:
    query = encoder.encode(["anything"])[0]
    assert Index.load(saved).search(query) == Index.load(saved, encoder=encoder).search(query)


def test_an_encoder_that_is_not_there_is_named(saved: Path, tmp_path: Path) -> None:
    description = json.loads((saved / "index.json").read_text(encoding="utf-8"))
    description["encoder"]["name"] = str(tmp_path / "gone")
    (saved / "index.json").write_text(json.dumps(description), encoding="utf-8")
    with pytest.raises(SearchError, match=r"the encoder of the index cannot be used: .*gone"):
        Index.load(saved).search("anything")


def test_the_encoder_is_loaded_by_its_name_at_the_first_text(shared_models: Path, tmp_path: Path) -> None:
    from simemb.encoder.encoder import Encoder

    encoder = Encoder.load(shared_models / "minilm-l4-mlm")
    index = Index.build(encoder, ["A man plays a guitar.", "The stock market fell."], path=tmp_path / "index")
    loaded = Index.load(tmp_path / "index")
    assert loaded.search("A man plays a guitar.") == index.search("A man plays a guitar.")
    assert loaded.search("A man plays a guitar.", k=1)[0].score == pytest.approx(1)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def corrupt(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("pattern", ["vectors-*.faiss", "texts-*.arrow"])
@pytest.mark.parametrize(
    ("damage", "line"),
    [(Path.unlink, "missing"), (truncate, "bytes instead of"), (corrupt, "checksum")],
)
def test_a_damaged_file_is_named(damage: Callable[[Path], None], line: str, pattern: str, saved: Path) -> None:
    path = file_of(saved, pattern)
    damage(path)
    with pytest.raises(SearchError, match=rf"{path.name}: .*{line}"):
        Index.load(saved)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "not the description of an index"),
        ('{"format": 1, "enc', "not the description of an index"),
        ("[]", "not the description of an index"),
        ('{"format": 99}', "format 99; this simemb reads format 1"),
        ('{"format": 1}', "damaged"),
    ],
)
def test_a_damaged_description_is_named(text: str, line: str, saved: Path) -> None:
    (saved / "index.json").write_text(text, encoding="utf-8")
    with pytest.raises(SearchError, match=rf"index\.json: {line}"):
        Index.load(saved)
    with pytest.raises(SearchError, match=r"exists and is not empty"):
        Index.build(Trigrams(), ["new"], path=saved)
    Index.build(Trigrams(), ["new"], path=saved, overwrite=True)
    assert len(Index.load(saved)) == 1


def test_files_of_two_indexes_do_not_mix(saved: Path, tmp_path: Path, encoder: Trigrams) -> None:
    Index.build(encoder, sentences(7), path=tmp_path / "other")
    one, two = (json.loads((f / "index.json").read_text(encoding="utf-8")) for f in (saved, tmp_path / "other"))
    texts = two["parts"][0]["texts"]
    (saved / texts["name"]).write_bytes((tmp_path / "other" / texts["name"]).read_bytes())
    one["parts"][0]["texts"] = texts
    (saved / "index.json").write_text(json.dumps(one), encoding="utf-8")
    with pytest.raises(SearchError, match="does not belong to"):
        Index.load(saved)


def test_a_place_without_an_index_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("absent", "empty"):
        with pytest.raises(SearchError, match=f"{name}: no index here"):
            Index.load(tmp_path / name)


def test_an_index_is_replaced_only_when_asked(saved: Path, encoder: Trigrams) -> None:
    before = content(saved)
    with pytest.raises(SearchError, match="exists and is not empty"):
        Index.build(encoder, ["new"], path=saved)
    with pytest.raises(SearchError, match="exists and is not empty"):
        Index.build(encoder, ["new"]).save(saved)
    assert content(saved) == before
    Index.build(encoder, ["new"]).save(saved, overwrite=True)
    assert len(Index.load(saved)) == 1
    assert len(list(saved.iterdir())) == 3


def test_a_directory_of_other_things_is_never_overwritten(tmp_path: Path, encoder: Trigrams) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(SearchError, match=r"holds 'thesis\.txt' and no index"):
        Index.build(encoder, ["new"], path=tmp_path, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_place_that_cannot_be_a_directory_is_named(tmp_path: Path, encoder: Trigrams) -> None:
    (tmp_path / "file").write_text("text", encoding="utf-8")
    with pytest.raises(SearchError, match="file: a file, where the directory of the index should be"):
        Index.build(encoder, ["new"], path=tmp_path / "file", overwrite=True)
    with pytest.raises(SearchError, match="cannot make the directory"):
        Index.build(encoder, ["new"]).save(tmp_path / "file" / "index")
    assert (tmp_path / "file").read_text(encoding="utf-8") == "text"


@pytest.mark.parametrize("failure", [RuntimeError("disk full"), OSError("disk full"), KeyboardInterrupt()])
@pytest.mark.parametrize("last", [False, True])
def test_a_save_that_fails_leaves_the_old_index_whole(
    failure: BaseException, last: bool, saved: Path, encoder: Trigrams, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise failure

    before = content(saved)
    index = Index.load(saved, encoder=encoder)
    index.add(["new"])
    with monkeypatch.context() as patch:
        patch.setattr(*((simemb.search.index, "write_manifest") if last else (faiss, "write_index")), fail)
        expected = type(failure) if last or isinstance(failure, KeyboardInterrupt) else SearchError
        with pytest.raises(expected):
            index.save(saved, overwrite=True)
        with pytest.raises(expected):
            index.save(saved.parent / "elsewhere")
    assert content(saved) == before
    assert not (saved.parent / "elsewhere").exists()
    assert index.search("new")[0].text == "new"
    index.save(saved, overwrite=True)
    assert len(Index.load(saved, encoder=encoder)) == 51


def test_a_save_that_was_killed_leaves_nothing_behind_after_the_next(saved: Path, encoder: Trigrams) -> None:
    for name in ("vectors-dead.faiss", "texts-dead.arrow", ".texts-dead.arrow.17.partial"):
        (saved / name).write_bytes(b"half")
    assert len(Index.load(saved)) == 50
    Index.load(saved).save(saved, overwrite=True)
    assert len(list(saved.iterdir())) == 3
    (saved / "index.json").unlink()
    Index.build(encoder, ["new"], path=saved, overwrite=True)
    assert len(list(saved.iterdir())) == 3


def test_a_mapped_index_outlives_its_replacement(saved: Path, encoder: Trigrams) -> None:
    old = Index.load(saved, encoder=encoder)
    before = old.search("anything", k=50)
    Index.build(encoder, ["new"], path=saved, overwrite=True)
    assert old.search("anything", k=50) == before
    with pytest.raises(SearchError, match="missing"):
        old.save(saved, overwrite=True)
    assert len(Index.load(saved)) == 1


def test_a_stored_index_is_mapped_and_not_read(saved: Path) -> None:
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("needs /proc to see what is mapped")
    index = Index.load(saved)
    mapped = maps.read_text(encoding="utf-8")
    stored = index.segments[0].stored
    assert stored is not None
    assert all(str(saved / file.name) in mapped for file in (stored.vectors, stored.texts))
