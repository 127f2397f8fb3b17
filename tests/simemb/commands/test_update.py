"""`simemb update`: what comes in, what goes, and what is said; `simemb search --where` on what was kept."""

import json
from pathlib import Path

import pytest

from simemb.cli import main
from simemb.commands import index, search, update
from simemb.commands.parsing import UsageError
from simemb.errors import DataError, SearchError

LINES = ['{"id": "a", "text": "a cat", "lang": "en", "year": 1}', '{"id": "b", "text": "the dog", "lang": "de"}']


@pytest.fixture(autouse=True)
def _here(tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("corpus.jsonl").write_text("\n".join(LINES) + "\n")
    index.run([str(tiny_base), "corpus.jsonl", "--output", "my.index", "--keep", "lang", "year"])


def found(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, tuple[str, dict[str, object]]]:
    capsys.readouterr()
    search.run(["my.index", "a cat", "-k", "9", "--json", *words])
    hits = map(json.loads, capsys.readouterr().out.splitlines())
    return {hit["id"]: (hit["text"], hit["metadata"]) for hit in hits}


def test_texts_are_replaced_added_and_deleted_in_one_step(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    assert found(capsys, "--where", "year >= 1") == {"a": ("a cat", {"lang": "en", "year": 1})}
    Path("new.jsonl").write_text('{"id": "b", "text": "le chien", "lang": "fr"}\n{"id": "c", "text": "a boat"}\n')
    update.run(["my.index", "new.jsonl", "--delete", "a"])
    assert found(capsys) == {"b": ("le chien", {"lang": "fr"}), "c": ("a boat", {})}
    assert "my.index: 1 added, 1 replaced, 1 deleted: 2 texts" in caplog.text
    Path("gone.txt").write_text("b\n\n")
    update.run(["my.index", "--delete-from", "gone.txt", "--compact"])
    assert found(capsys) == {"c": ("a boat", {})}


def test_texts_without_ids_are_numbered_on(capsys: pytest.CaptureFixture[str]) -> None:
    Path("more.txt").write_text("the red boat\n")
    update.run(["my.index", "more.txt"])
    update.run(["my.index", "more.txt"])
    assert sorted(found(capsys)) == ["2", "3", "a", "b"]


def test_what_cannot_be_done_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("my.index/index.json").read_bytes()
    for words, error, line in (
        (["my.index"], UsageError, "nothing to do: give INPUT"),
        (["my.index", "--delete", "z"], SearchError, "the first is 'z'"),
        (["my.index", "corpus.jsonl", "--keep", "lnag"], DataError, "unknown column to keep 'lnag'"),
        (["other.index", "corpus.jsonl"], SearchError, "no index here"),
        (["my.index", "corpus.jsonl", "--delete", "z"], SearchError, "the first is 'z'"),
    ):
        with pytest.raises(error, match=line):
            update.run(words)
    assert Path("my.index/index.json").read_bytes() == before
    assert main(["update", "my.index", "--delete-from", "no.txt"]) == 2
    assert main(["search", "my.index", "cat", "--where", "lang = de"]) == 2
    assert "character 8: a value was expected: 'de' (a text stands in quotes)" in capsys.readouterr().err
    assert sorted(path.name for path in Path().iterdir()) == ["corpus.jsonl", "my.index"]


def test_all_other_columns_can_be_kept(tiny_base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index.run([str(tiny_base), "corpus.jsonl", "--output", "my.index", "--keep", "all", "--overwrite"])
    assert found(capsys)["a"] == ("a cat", {"lang": "en", "year": 1})
    with pytest.raises(DataError, match="unknown column to keep 'id'"):
        index.run([str(tiny_base), "corpus.jsonl", "--output", "other", "--keep", "id"])
