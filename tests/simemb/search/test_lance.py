"""Tables of LanceDB: what is in them, that their index finds, and that they are whole or absent."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from trigrams import Trigrams

from simemb import Index
from simemb.cli import main
from simemb.errors import DataError, SearchError
from simemb.search.lance import build_table
from simemb.search.lance_search import LanceTable

lancedb = pytest.importorskip("lancedb", reason='needs LanceDB: pip install "simemb[lancedb]"')

WORDS = ("man", "woman", "dog", "cat", "child", "bird", "horse", "cook", "guitar", "apple")
TEXTS = [f"the {WORDS[n % 10]} sees a {WORDS[n // 10 % 10]} and a {WORDS[n // 100 % 10]}" for n in range(1000)]
IDS = [f"t{row}" for row in range(1000)]
QUERIES = ["a dog", "the guitar and the cook", "a bird sees a man"]


def metadata() -> Iterator[dict[str, Any]]:
    for row in range(1000):
        yield {"n": row, "half": row / 2, "even": row % 2 == 0, "lang": "de" if row % 3 else None, "tags": [row]}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", ["exact", "ivf", "ivfpq"])
def test_it_finds_what_an_index_finds(kind: Any, tmp_path: Path) -> None:
    encoder = Trigrams()
    done: list[int] = []
    given = {"ids": IDS, "metadata": metadata(), "kind": kind, "chunk_size": 300, "progress": done.append}
    assert build_table(encoder, TEXTS, tmp_path / "store" / "texts.lance", **given) == 1000
    assert done == [300, 600, 900, 1000]
    table = lancedb.connect(tmp_path / "store").open_table("texts")
    assert [str(field.type) for field in table.schema] == [
        *("string", "string", "fixed_size_list<item: float>[32]"),
        *("int64", "double", "bool", "string", "string"),
    ]
    assert bool(table.list_indices()) == (kind != "exact")
    row = table.search().where("n = 7").to_list()[0]
    assert [row[name] for name in ("id", "text", "half", "even", "lang", "tags")] == [
        *("t7", TEXTS[7], 3.5, False, "de", "[7]"),
    ]
    np.testing.assert_allclose(np.linalg.norm(row["vector"]), 1, atol=1e-6)
    exact = Index.build(encoder, TEXTS, ids=IDS, kind="exact").search_batch(QUERIES, 10)
    found = LanceTable.load(tmp_path / "store" / "texts.lance", encoder=encoder).search_batch(QUERIES, 10)
    for ours, theirs in zip(found, exact, strict=True):
        assert [hit.rank for hit in ours] == list(range(1, 11))
        np.testing.assert_allclose([hit.score for hit in ours], [hit.score for hit in theirs], atol=1e-5)


def test_an_error_leaves_the_earlier_table(tmp_path: Path) -> None:
    place = tmp_path / "texts.lance"
    build_table(Trigrams(), ["a man"], place)
    for given, error, line in (
        ({"overwrite": False}, SearchError, r"texts\.lance exists \(a table\): --overwrite"),
        ({"texts": ["a", 3]}, DataError, r"text 2 is 3 \(int\), not a string"),
        ({"ids": ["x", "x"]}, SearchError, "id 2 is 'x', which is taken"),
        ({"metadata": [{"n": 1}]}, SearchError, "1 metadata and more texts: each text needs one"),
        ({"metadata": [{"n": 1}, {"n": "a"}], "chunk_size": 1}, SearchError, "column 'n' of text 2 is 'a' where"),
        ({"metadata": [{"vector": 1}, {}]}, SearchError, "the column 'vector' has the name of one of the table's own"),
        ({"kind": "hnsw"}, Exception, "kind"),
        ({"path": tmp_path / "texts"}, SearchError, r"a directory whose name ends in \.lance"),
    ):
        call = {"encoder": Trigrams(), "texts": ["a dog", "a cat"], "path": place, "overwrite": True}
        with pytest.raises(error, match=line):
            build_table(**{**call, **given})
        assert [hit.text for hit in LanceTable.load(place, encoder=Trigrams()).search_batch(["man"], 5)[0]] == ["a man"]
        assert [path.name for path in tmp_path.iterdir()] == ["texts.lance"]


def test_a_folder_of_anything_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.lance").mkdir()
    (tmp_path / "mine.lance" / "thesis.txt").write_text("years")
    with pytest.raises(SearchError, match="is no table of LanceDB, and is left alone"):
        build_table(Trigrams(), ["a"], tmp_path / "mine.lance", overwrite=True)
    lancedb.connect(tmp_path).create_table("theirs", [{"vector": [1.0, 2.0]}])
    with pytest.raises(SearchError, match="a table that simemb did not make"):
        LanceTable.load(tmp_path / "theirs.lance")


def test_the_verbs_write_and_search_it(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.jsonl").write_text('{"id": "x", "text": "a cat", "year": 1999}\n{"id": "y", "text": "the dog"}\n')
    index = ["index", str(tiny_base), "a.jsonl", "--to", "lancedb", "--output", "a.lance"]
    assert main(index) == 0
    assert main(["search", "a.lance", "a cat", "-k", "1", "--json"]) == 0
    shown = capsys.readouterr()
    assert '"rank": 1, "score": 1.0' in shown.out.replace("0.9999", "1.0")[:200] or '"id": "x"' in shown.out
    assert "a.jsonl: kept beside the texts: column year" in shown.err
    assert [row["year"] for row in lancedb.connect(".").open_table("a").to_arrow().to_pylist()] == [1999, None]
    assert main([*index, "--overwrite", "--kind", "hnsw"]) == 2
    assert "unknown value of --kind with --to lancedb 'hnsw'" in capsys.readouterr().err
    assert main(["encode", str(tiny_base), "a.jsonl", "--output", "vectors", "--shards", "2"]) == 0
    assert main(["index", "vectors", "--to", "lancedb", "--output", "b.lance"]) == 0
    assert main(["search", "b.lance", "a cat", "-k", "1"]) == 0
    assert "a cat" in capsys.readouterr().out
