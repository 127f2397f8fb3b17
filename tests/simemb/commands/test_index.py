"""`simemb index` and `simemb search`: ids, titles and places of what was indexed."""

import io
import json
from pathlib import Path

import pytest

from simemb.commands import index, search
from simemb.encoder.encoder import Encoder
from simemb.errors import DataError
from simemb.search.index import Index


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def hits(query: str, capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str]]:
    capsys.readouterr()
    search.run(["my.index", query, "-k", "9", "--json"])
    return [(hit["id"], hit["text"]) for hit in map(json.loads, capsys.readouterr().out.splitlines())]


def test_ids_and_titles_of_a_corpus_come_back(
    tiny_base: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    lines = ['{"_id": 701, "title": "Cats", "text": "a cat", "url": "u"}', '{"_id": "b", "text": "the dog"}']
    Path("corpus.jsonl").write_text("\n".join(lines) + "\n")
    index.run([str(tiny_base), "corpus.jsonl", "--output", "my.index"])
    assert sorted(hits("Cats a cat", capsys)) == [("701", "Cats a cat"), ("b", "the dog")]
    assert "corpus.jsonl: ids: column _id" in caplog.text
    assert "corpus.jsonl: texts: column title, a blank, column text" in caplog.text
    assert "corpus.jsonl: not used: column url" in caplog.text


def test_without_ids_a_text_is_named_by_its_line_from_0(
    tiny_base: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    Path("a.txt").write_text("a cat\n\nthe dog\n")
    index.run([str(tiny_base), "a.txt", "--output", "my.index"])
    caplog.set_level("INFO")
    assert sorted(hits("a cat", capsys)) == [("0", "a cat"), ("1", ""), ("2", "the dog")]
    assert "a.txt: 1 text is blank" in caplog.text
    assert "my.index has 3 texts: all are shown, not 9" in caplog.text


def test_an_id_that_occurs_twice_is_refused_with_its_lines(tiny_base: Path) -> None:
    Path("a.csv").write_text("id,text\n1,a cat\n2,a dog\n1,a bird\n")
    with pytest.raises(
        DataError, match=r"a\.csv, line 4: the id '1' occurs twice, first in line 2; --ids .* names another"
    ):
        index.run([str(tiny_base), "a.csv", "--output", "my.index"])
    assert not Path("my.index").exists()
    index.run([str(tiny_base), "a.csv", "--ids", "none", "--output", "my.index"])


@pytest.mark.parametrize(
    ("typed", "queries"),
    [
        ("a dog; a cat\na bird; a fish\n", ["a dog; a cat", "a bird; a fish"]),
        ("id\ttext\n1\ta cat\n", ["id\ttext", "1\ta cat"]),
        ('{"id": 1, "text": "a cat"}\n', ["a cat"]),
    ],
)
def test_lines_of_standard_input_are_queries_as_they_are(
    typed: str, queries: list[str], tiny_base: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("corpus.txt").write_text("a cat\nthe dog\n")
    index.run([str(tiny_base), "corpus.txt", "--output", "my.index"])
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(typed.encode())))
    capsys.readouterr()
    search.run(["my.index", "-", "-k", "1", "--json"])
    assert [json.loads(line)["query"] for line in capsys.readouterr().out.splitlines()] == queries


def test_a_search_takes_the_dimensions_of_the_index(tiny_base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("corpus.txt").write_text("a cat\nthe dog\nthe red boat\n")
    index.run([str(tiny_base), "corpus.txt", "--output", "my.index", "--truncate-dim", "5"])
    assert hits("the dog", capsys)[0] == ("1", "the dog")
    cut = Encoder.load(tiny_base, truncate_dim=5)
    expected = Index.build(cut, ["a cat", "the dog", "the red boat"]).search("a boat")
    assert [(hit.id, hit.text) for hit in expected] == hits("a boat", capsys)
    assert Index.load("my.index").search("a boat") == expected
