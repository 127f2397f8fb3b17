"""An index that changes: cells that all segments share, deletions, updates, metadata, and readers meanwhile."""

import json
import shutil
import threading
from itertools import pairwise
from pathlib import Path

import faiss
import numpy as np
import pytest
from trigrams import DIM, Trigrams, sentences

import simemb.search.segment
import simemb.search.segment_builder
import simemb.search.segments
from simemb.errors import SearchError, SimembError
from simemb.search import storage
from simemb.search.cells import CELL_KINDS, Cells, code_bytes, number_of, search_cells
from simemb.search.hits import Hit
from simemb.search.index import Index

CODED = [kind for kind in CELL_KINDS if kind != "ivf"]


@pytest.fixture(scope="module")
def encoder() -> Trigrams:
    return Trigrams()


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return sentences(3000)


@pytest.fixture(scope="module")
def queries() -> list[str]:
    return [text[3:] for text in sentences(100)]


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (simemb.search.segment, simemb.search.segment_builder):
        monkeypatch.setattr(module, "FULL", 500)


def ids(hits: list[list[Hit]]) -> list[list[str]]:
    return [[hit.id for hit in one] for one in hits]


def recall(found: list[list[Hit]], true: list[list[Hit]]) -> float:
    return float(
        np.mean([len({h.id for h in a} & {h.id for h in b}) / len(b) for a, b in zip(found, true, strict=True)])
    )


# ---- cells and codes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", CELL_KINDS)
def test_segments_share_their_cells_and_find_what_one_segment_finds(
    kind: str, encoder: Trigrams, texts: list[str], queries: list[str], tmp_path: Path, small_segments: None
) -> None:
    exact = Index.build(encoder, texts, kind="exact").search_batch(queries, 10)
    built = Index.build(encoder, texts, kind=kind, path=tmp_path / "index", effort=40, rescore=30, chunk_size=250)
    assert [part.kind for part in built.segments] == [kind] * 6
    assert len({id(part.cells) for part in built.segments}) == 1
    loaded = Index.load(tmp_path / "index", encoder=encoder)
    for index in (built, loaded):
        found = index.search_batch(queries, 10)
        assert recall(found, exact) > 0.95
        true = [{hit.id: hit.score for hit in hits} for hits in exact]
        scores = [
            (hit.score, own[hit.id]) for hits, own in zip(found, true, strict=True) for hit in hits if hit.id in own
        ]
        np.testing.assert_allclose(*zip(*scores, strict=True), atol=1e-6)  # cosines, not what codes say
    assert ids(loaded.search_batch(queries, 10)) == ids(built.search_batch(queries, 10))


@pytest.mark.parametrize("kind", CODED)
def test_rescoring_finds_more(kind: str, encoder: Trigrams, texts: list[str], queries: list[str]) -> None:
    exact = Index.build(encoder, texts, kind="exact").search_batch(queries, 10)
    index = Index.build(encoder, texts, kind=kind, effort=999)
    assert index.segments[0].codes.code_size == {"ivfpq": DIM // 4, "sq8": DIM, "binary": DIM // 8 + 8}[kind]
    with_more = recall(index.search_batch(queries, 10), exact)
    index.rescore = 1
    assert recall(index.search_batch(queries, 10), exact) < with_more
    index.rescore = 300
    assert ids(index.search_batch(queries, 10)) == ids(exact)


def test_the_cells_that_are_looked_into_are_the_nearest_ones() -> None:
    generator = np.random.default_rng(0)
    vectors = generator.standard_normal((800, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cells = Cells.train("ivf", vectors, len(vectors))
    centers = cells.trained.quantizer.reconstruct_n(0, cells.count)
    home = np.argmax(vectors @ centers.T, axis=1)
    queries = vectors[:20]
    scores, rows = search_cells(cells.arrange(vectors), cells.probes(queries, 3), 30)
    for query, found, score in zip(queries, rows, scores, strict=True):
        probed = np.argsort(-(centers @ query))[:3]
        candidates = np.flatnonzero(np.isin(home, probed))
        best = candidates[np.argsort(-(vectors[candidates] @ query), kind="stable")][:30]
        assert found.tolist() == best.tolist()
        np.testing.assert_allclose(score, vectors[best] @ query, atol=1e-6)


def test_the_numbers_of_cells_and_of_bytes() -> None:
    assert [number_of(count) for count in (0, 1, 100, 10_000, 1_000_000, 10**9)] == [1, 1, 2, 256, 4000, 65_536]
    assert [code_bytes(dim) for dim in (384, 128, 32, 30, 7)] == [96, 32, 8, 6, 1]


def test_few_texts_have_no_codes_until_there_are_many(encoder: Trigrams, texts: list[str]) -> None:
    index = Index.build(encoder, texts[:900], kind="ivfpq")
    assert [part.kind for part in index.segments] == ["exact"]
    index.add(texts[900:1200])
    assert {part.kind for part in index.segments} == {"ivfpq"}


def test_cells_are_trained_anew_once_the_index_is_four_times_as_large(
    encoder: Trigrams, texts: list[str], queries: list[str], tmp_path: Path
) -> None:
    Index.build(encoder, texts[:600], kind="ivf", path=tmp_path / "index")
    sizes = []
    for start in range(600, 3000, 600):
        index = Index.load(tmp_path / "index", encoder=encoder)
        index.add(texts[start : start + 600])
        index.save(tmp_path / "index", overwrite=True)
        cells = index.segments[0].cells
        assert cells is not None
        sizes.append((cells.made_for, cells.count))
        assert len(list((tmp_path / "index").glob("cells-*"))) == 1
    assert sizes == [(600, 15), (600, 15), (600, 15), (3000, 76)]
    exact = Index.build(encoder, texts, kind="exact").search_batch(queries, 10)
    assert recall(index.search_batch(queries, 10), exact) > 0.95


def test_an_index_that_grows_often_has_few_segments(encoder: Trigrams, texts: list[str]) -> None:
    index = Index.build(encoder, texts[:1])
    for start in range(1, 260):
        index.add(texts[start : start + 1])
    counts = [part.count for part in index.segments]
    assert sum(counts) == 260
    assert len(counts) <= 9
    assert all(earlier > 2 * later for earlier, later in pairwise(counts))
    assert index.search(texts[200], 1)[0].id == "200"


# ---- deleting and updating -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["exact", "hnsw", *CELL_KINDS])
@pytest.mark.parametrize("stored", [False, True])
def test_what_is_deleted_is_found_no_more(
    kind: str, stored: bool, encoder: Trigrams, texts: list[str], queries: list[str], tmp_path: Path
) -> None:
    some, folder = texts[:1500], tmp_path / "index"
    index = Index.build(encoder, some, kind=kind, effort=999, rescore=50, path=folder if stored else None)
    gone = [str(number) for number in range(0, 1500, 3)]
    index.delete(gone)
    if stored:
        index.save(folder, overwrite=True)
        assert len(list(folder.glob("deleted-*"))) == 1
        index = Index.load(folder, encoder=encoder)
    left = [(str(number), text) for number, text in enumerate(some) if number % 3]
    expected = Index.build(encoder, [text for _, text in left], ids=[name for name, _ in left], kind="exact")
    assert len(index) == len(left)
    assert recall(index.search_batch(queries, 10), expected.search_batch(queries, 10)) > 0.99
    assert len(index.search("anything", 2000)) == len(left)
    index.compact()
    assert [part.count for part in index.segments] == [len(left)]
    assert recall(index.search_batch(queries, 10), expected.search_batch(queries, 10)) > 0.99


def test_a_segment_of_which_little_is_left_is_thinned_out(
    encoder: Trigrams, texts: list[str], small_segments: None
) -> None:
    index = Index.build(encoder, texts[:1500], kind="ivf", effort=999, chunk_size=250)
    index.delete(range(300))
    index.delete(range(500, 700))
    index.delete(range(1000, 1500))
    assert [(part.count, part.live) for part in index.segments] == [(200, 200), (500, 300)]
    index.compact()
    assert [(part.count, part.live) for part in index.segments] == [(500, 500)]
    index.delete(map(int, list(index._segments.ids())))
    assert (len(index), index.search("anything"), index.segments) == (0, [], ())
    index.add(["again"])
    assert [(hit.id, hit.text) for hit in index.search("again")] == [("1500", "again")]


def test_a_number_is_given_once(encoder: Trigrams, tmp_path: Path) -> None:
    index = Index.build(encoder, ["red", "green", "blue"], path=tmp_path / "index")
    index.delete([2])
    index.save(tmp_path / "index", overwrite=True)
    index = Index.load(tmp_path / "index", encoder=encoder)
    index.add(["white"])
    assert sorted(hit.id for hit in index.search("white", 9)) == ["0", "1", "3"]


def test_ids_that_are_not_there_are_not_deleted_and_nothing_is(encoder: Trigrams) -> None:
    index = Index.build(encoder, ["red", "green"], ids=["r", "g"])
    with pytest.raises(SearchError, match="1 of 2 ids are not in the index; the first is 'x'"):
        index.delete(["r", "x"])
    assert len(index) == 2
    index.delete(["r"])
    with pytest.raises(SearchError, match="1 of 1 ids are not in the index; the first is 'r'"):
        index.delete(["r"])
    with pytest.raises(SimembError, match="ids is one string"):
        index.delete("g")


def test_an_update_replaces_and_adds(encoder: Trigrams, tmp_path: Path) -> None:
    index = Index.build(encoder, ["red", "green"], ids=["r", "g"], metadata=[{"n": 1}, {"n": 2}], path=tmp_path / "i")
    assert index.update(["gris", "blue"], ["g", "b"], metadata=[{"n": 3}, {}]) == 1
    index.save(tmp_path / "i", overwrite=True)
    for each in (index, Index.load(tmp_path / "i", encoder=encoder)):
        found = {hit.id: (hit.text, dict(hit.metadata)) for hit in each.search("blue", 9)}
        assert found == {"r": ("red", {"n": 1}), "g": ("gris", {"n": 3}), "b": ("blue", {})}
    with pytest.raises(SearchError, match="id 2 is 'r', which is taken"):
        index.update(["a", "b"], ["r", "r"])
    with pytest.raises(SearchError, match="id 1 is 'b', which is taken"):
        index.add(["a"], ["b"])


# ---- metadata ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["exact", "hnsw", *CELL_KINDS])
def test_only_texts_that_satisfy_where_are_found(
    kind: str, encoder: Trigrams, texts: list[str], queries: list[str], tmp_path: Path, small_segments: None
) -> None:
    some = texts[:1200]
    kept = [{"n": number, "lang": "de" if number % 5 else "fr"} for number in range(1200)]
    Index.build(encoder, some, metadata=kept, kind=kind, effort=60, rescore=30, path=tmp_path / "index", chunk_size=250)
    index = Index.load(tmp_path / "index", encoder=encoder)
    assert index.columns == ("n", "lang")
    index.delete([7, 10])
    for where, rows in (
        ("lang = 'fr' and n < 600", [n for n in range(0, 600, 5) if n != 10]),
        ("n in (3, 7, 801)", [3, 801]),
        ("n >= 100", [*range(100, 1200)]),
    ):
        expected = Index.build(encoder, [some[row] for row in rows], ids=rows, kind="exact")
        found = index.search_batch(queries, 10, where=where)
        assert recall(found, expected.search_batch(queries, 10)) > 0.97
        assert all(hit.metadata == kept[int(hit.id)] for hits in found for hit in hits)
    assert index.search("anything", where="n > 9999") == []
    with pytest.raises(SearchError, match="unknown column 'lnag': did you mean 'lang'"):
        index.search("anything", where="lnag = 'de'")


@pytest.mark.parametrize(
    ("metadata", "line"),
    [
        ([{}], "1 metadata and more texts"),
        ([{}, {}, {}], "2 texts and more metadata"),
        ([{}, 7], "metadata 2 is 7"),
        ([{"id": 1}, {}], "metadata 1: 'id' cannot be the name of a column"),
        ([{1: 1}, {}], "metadata 1: 1 cannot be the name of a column"),
    ],
)
def test_metadata_that_do_not_fit_are_refused(metadata: list[dict[str, int]], line: str, encoder: Trigrams) -> None:
    with pytest.raises(SearchError, match=line):
        Index.build(encoder, ["a", "b"], metadata=metadata)


# ---- on the disk ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["exact", "hnsw", "ivf"])
def test_an_index_of_format_1_opens_and_is_written_anew(
    kind: str, encoder: Trigrams, texts: list[str], queries: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "index"
    whole = Index.build(encoder, texts[:1000], kind="hnsw" if kind == "hnsw" else "exact", path=folder)
    expected = whole.search_batch(queries, 5)
    description = json.loads((folder / "index.json").read_text())
    for name in ("cells", "made_for", "numbered", "rescore"):
        del description[name]
    if kind == "ivf":  # as such an index had it: cells of its own in the file of each segment
        index = faiss.index_factory(DIM, "IVF9,Flat", faiss.METRIC_INNER_PRODUCT)
        index.train(whole.segments[0].dense())
        index.add(whole.segments[0].dense())
        path = folder / description["parts"][0]["vectors"]["name"]
        faiss.write_index(index, str(path))
        description["parts"][0]["vectors"] = {"name": path.name, "bytes": path.stat().st_size,
                                              "sha256": storage._sha256(path)}  # fmt: skip
    (folder / "index.json").write_text(json.dumps(description | {"format": 1, "kind": kind}))
    old = Index.load(folder, encoder=encoder)
    assert ("`simemb update" in caplog.text) == (kind == "ivf")
    assert ids(old.search_batch(queries, 5)) == ids(expected)
    old.add(["new"])
    old.save(folder, overwrite=True)
    new = Index.load(folder, encoder=encoder)
    assert json.loads((folder / "index.json").read_text())["format"] == 2
    assert new.segments[0].kind == kind
    assert new.search("new", 1)[0].id == "1000"


def test_a_reader_finds_a_whole_index_at_any_moment(encoder: Trigrams, texts: list[str], tmp_path: Path) -> None:
    folder, done = tmp_path / "index", threading.Event()
    Index.build(encoder, texts[:50], path=folder)
    counts, errors = set[int](), list[Exception]()

    def read() -> None:
        while not done.is_set():
            try:
                index = Index.load(folder, encoder=encoder)
                counts.add(len(index))
                assert len(index.search("anything", 999)) == len(index)
            except Exception as error:
                errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for start in range(50, 450, 10):
        index = Index.load(folder, encoder=encoder)
        index.add(texts[start : start + 10])
        index.save(folder, overwrite=True)
    done.set()
    reader.join()
    assert errors == []
    assert counts <= set(range(50, 451, 10))
    assert len(counts) > 2


def test_a_file_that_is_missing_for_good_is_said(encoder: Trigrams, tmp_path: Path) -> None:
    Index.build(encoder, sentences(1200), kind="sq8", path=tmp_path / "index")
    for pattern in ("cells-*", "codes-*", "vectors-*", "texts-*"):
        shutil.copytree(tmp_path / "index", tmp_path / "copy", dirs_exist_ok=True)
        (file,) = (tmp_path / "copy").glob(pattern)
        file.unlink()
        with pytest.raises(SearchError, match="missing: the index is damaged"):
            Index.load(tmp_path / "copy")


def test_an_index_is_arranged_once(encoder: Trigrams, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = Index.build(encoder, sentences(600), kind="ivf")

    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(Cells, "arrange", fail)
    for name in ("first", "second"):
        index.save(tmp_path / name)
        assert len(Index.load(tmp_path / name).segments) == 1
        index.save(tmp_path / name, overwrite=True)


def test_flat_is_another_word_for_exact(encoder: Trigrams, tmp_path: Path) -> None:
    Index.build(encoder, ["one", "two"], kind="flat", path=tmp_path / "index")
    assert Index.load(tmp_path / "index").segments[0].kind == "exact"
