"""Training data are read again: those that went or changed are named, what was found once is remembered."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from simemb.comparison import training_texts
from simemb.comparison.contamination import TaskOverlap
from simemb.comparison.training_texts import check
from simemb.corpus import sources
from simemb.corpus.rows import open_rows

EVALUATED = {"stsb": ["it rains", "a dog", "a cat"]}


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.tsv"
    path.write_text("anchor\tpositive\nIt rains.\ta cat\nA bird.\tanything\n", encoding="utf-8")
    return path


def record(data: Path | str, *, read: tuple[str, ...] = ("anchor",), warning: str = "") -> dict[str, Any]:
    """What the record of a run on these data says of them."""
    rows = open_rows(data)
    return {
        "name": rows.name,
        "columns": list(rows.columns),
        "read": list(read),
        "digest": rows.digest(),
        "rows": sum(1 for _ in rows.texts()),
        "warning": warning,
    }


def test_only_the_columns_that_the_recipe_reads_are_looked_into(texts: Path) -> None:
    found = check([record(texts)], EVALUATED)
    assert found.data == (str(texts),)
    assert found.tasks == {"stsb": TaskOverlap(3, 0, 1, (("it rains", "It rains."),))}
    both = check([record(texts, read=("anchor", "positive"))], EVALUATED)
    assert (both.tasks["stsb"].exact, both.tasks["stsb"].normalized) == (1, 1)


def test_every_negative_of_a_row_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "several.jsonl"
    rows = (
        {"anchor": "x", "positive": "y", "negative": ["z", "a cat"]},
        {"anchor": "A dog", "positive": "y", "negative": []},
    )
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    known = open_rows(path)
    names = list(known.columns)
    data = {"name": str(path), "columns": names, "read": names, "digest": known.digest(), "rows": 2, "warning": ""}
    assert check([data], EVALUATED).tasks["stsb"].occurring == 2


def test_tasks_that_do_not_tell_their_texts_are_named(texts: Path) -> None:
    found = check([record(texts)], EVALUATED | {"mteb": []})
    assert found.tasks == check([record(texts)], EVALUATED).tasks
    assert found.not_looked_at == ("mteb",)
    nothing = check([record(texts)], {"mteb": []})
    assert (nothing.tasks, nothing.not_looked_at) == ({}, ("mteb",))


def test_the_data_of_several_runs_are_read_one_after_the_other(tmp_path: Path, texts: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("a dog\n", encoding="utf-8")
    found = check([record(other, read=("sentence",), warning="mind"), record(texts, warning="mind")], EVALUATED)
    assert found.data == (str(other), str(texts))
    assert found.tasks["stsb"].occurring == 2
    assert found.warning == "mind"


def test_data_that_are_gone_or_changed_are_named_and_looked_into_when_they_are_back(texts: Path) -> None:
    data, content = record(texts), texts.read_text(encoding="utf-8")
    texts.write_text(content + "one more\trow\n", encoding="utf-8")
    assert check([data], EVALUATED).unknown == f"the training data ({texts}) are no longer what they were"
    texts.unlink()
    gone = check([data], EVALUATED)
    assert gone.unknown == f"the training data ({texts}) are not at hand"
    assert gone.tasks == {}
    texts.write_text(content, encoding="utf-8")
    assert check([data], EVALUATED).tasks["stsb"].occurring == 1


def test_what_is_at_hand_is_looked_into_though_the_rest_is_gone(tmp_path: Path, texts: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("a dog\n", encoding="utf-8")
    both = [record(other, read=("sentence",)), record(texts)]
    other.unlink()
    found = check(both, EVALUATED)
    assert found.tasks["stsb"].occurring == 1
    assert "other.txt) are not at hand" in found.unknown


def test_what_was_found_is_remembered_though_the_data_go(texts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = record(texts)
    before = check([data], EVALUATED)
    texts.unlink()
    monkeypatch.setattr(training_texts, "overlap", None)
    assert check([data], EVALUATED) == before


def test_other_texts_or_other_data_are_not_mistaken_for_what_is_remembered(texts: Path) -> None:
    assert check([record(texts)], EVALUATED).tasks["stsb"].occurring == 1
    assert check([record(texts)], {"stsb": ["a dog"]}).tasks["stsb"].occurring == 0
    texts.write_text("anchor\tpositive\na dog\ta cat\n", encoding="utf-8")
    assert check([record(texts)], EVALUATED).tasks["stsb"].exact == 1


@pytest.mark.parametrize("broken", ["{", "[]", '{"tasks": {"stsb": 3}}'])
def test_a_damaged_memory_is_made_anew(tmp_path: Path, texts: Path, broken: str) -> None:
    before = check([record(texts)], EVALUATED)
    (kept,) = (tmp_path / "cache" / "overlap").glob("*.json")
    kept.write_text(broken, encoding="utf-8")
    assert check([record(texts)], EVALUATED) == before
    kept.write_text(kept.read_text(encoding="utf-8").replace("1", "0"), encoding="utf-8")
    assert check([record(texts)], EVALUATED) == before


def test_a_cache_that_cannot_be_written_is_no_reason_to_stop(
    tmp_path: Path, texts: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache").write_text("a file", encoding="utf-8")
    with caplog.at_level(logging.WARNING, "simemb"):
        assert check([record(texts)], EVALUATED).tasks["stsb"].occurring == 1
    assert "cannot be cached" in caplog.text


def test_a_corpus_is_found_by_its_name_and_a_file_of_that_name_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = record("sample", read=("sentence",))
    (sentence,) = next(open_rows("sample").texts())
    assert check([data], {"task": [sentence]}).tasks["task"].exact == 1
    (tmp_path / "sample").write_text("something else\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert check([data], {"task": [sentence, "another"]}).unknown.startswith("the training data (sample) are")


@pytest.mark.parametrize("name", ["nli", "sts_texts"])
def test_nothing_is_fetched_from_the_hub(texts: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a download was tried")

    monkeypatch.setattr(sources, "_download", refuse)
    monkeypatch.delenv("SIMEMB_DATA", raising=False)
    data = {**record(texts), "name": name}
    assert check([data], EVALUATED).unknown == f"the training data ({name}) are not at hand"


@pytest.mark.parametrize("name", ["standard input", "the list", "the dataset"])
def test_data_without_a_name_of_their_own_are_not_at_hand(texts: Path, name: str) -> None:
    assert "are not at hand" in check([{**record(texts), "name": name}], EVALUATED).unknown


def test_sentences_of_nli_that_are_in_the_test_of_stsb_are_found(shared_data: Path, monkeypatch) -> None:
    monkeypatch.setenv("SIMEMB_DATA", str(shared_data))
    test = [text for pair in open_rows("stsb_test").texts() for text in pair]
    found = check([record("nli", read=("anchor", "positive", "negative"))], {"stsb": test}).tasks["stsb"]
    nli = {text for row in open_rows("nli").texts() for text in row}
    assert found.exact == len(nli & set(test)) > 0
    assert found.normalized > 0


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", ""])
def test_a_name_that_no_file_can_have_is_not_at_hand(texts: Path, name: str) -> None:
    found = check([{**record(texts), "name": name, "parts": []}], EVALUATED)
    assert found.unknown == f"the training data ({name}) are not at hand"


def test_a_column_that_is_not_there_is_not_looked_for(texts: Path) -> None:
    found = check([record(texts, read=("anchor", "sentence"))], EVALUATED)
    assert "no longer what they were" in found.unknown
