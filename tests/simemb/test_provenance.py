"""What is known of an encoder's training: of a run, of a run upon a run, where data went, where records are broken."""

import json
import logging
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simemb import sources, trained_on
from simemb.outcomes import Outcomes
from simemb.provenance import judge, lineage, notes, trained
from simemb.rows import open_rows
from simemb.scores import Correlation, Scores, SimilarityScores

TRANSDUCTIVE = "contains test texts; runs on it are transductive"


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.tsv"
    path.write_text("anchor\tpositive\nA cat sat.\tnever read\nit rains\tnever read\n", encoding="utf-8")
    return path


def make_run(directory: Path, data: Path | str, *, model: str = "bundled", warning: str = "", column: int = 0) -> Path:
    """A run directory as `fit` leaves it, without the encoder."""
    rows = open_rows(data)
    record = {
        "recipe": {"kind": "Recipe", "views": [{"kind": "View", "column": column}, {"kind": "View", "column": 7}]},
        "run": {
            "model": model,
            "fingerprint": "abc",
            "pooling": "cls",
            "data": rows.name,
            "columns": list(rows.columns),
            "dev": "none",
            "metric": "spearman",
            "seed": 3,
            "precision": "no",
            "warning": warning or rows.warning,
        },
        "data": {"digest": rows.digest(), "rows": sum(1 for _ in rows.texts())},
        "versions": {"simemb": "0.1.0"},
        "git": None,
        "command": ["simemb", "train", "simcse"],
    }
    (directory / "best").mkdir(parents=True)
    (directory / "recipe.json").write_text(json.dumps(record), encoding="utf-8")
    return directory


def scores(*texts: str) -> Scores:
    """Scores of a suite with one task of these texts."""
    undefined = Correlation(0.0, 0.0)
    pairs = [(text, "a sentence that nobody was trained on") for text in texts]
    task = SimilarityScores(undefined, undefined, undefined, len(pairs), {})
    units = Outcomes(pairs, np.zeros(len(pairs)), None, ["test"] * len(pairs))
    return Scores(
        model="a run",
        fingerprint="f",
        suite="sts",
        tasks={"stsb": task},
        average=task.average([task]),
        geometry=None,
        data={},
        versions={},
        date="2026-01-01T00:00:00+00:00",
        outcomes={"stsb": units},
    )


def test_a_run_its_best_and_its_twin_tell_how_they_were_trained(tmp_path: Path, texts: Path) -> None:
    run = make_run(tmp_path / "run", texts)
    (run / "twin").mkdir()
    found = trained(run)
    assert found is not None
    assert found["seed"] == 3
    assert found["base"] == {"model": "bundled", "fingerprint": "abc"}
    assert found["data"]["name"] == str(texts)
    assert (found["data"]["columns"], found["data"]["read"]) == (["anchor", "positive"], ["anchor"])
    assert (found["data"]["rows"], len(found["data"]["digest"])) == (2, 64)
    assert found["command"] == ["simemb", "train", "simcse"]
    assert trained(run / "best") == trained(str(run / "twin")) == found


@pytest.mark.parametrize("model", ["bundled", "", "somebody/something"])
def test_other_models_tell_nothing(model: str) -> None:
    assert trained(model) is None


def test_a_directory_that_is_no_run_tells_nothing(tmp_path: Path) -> None:
    assert trained(tmp_path) is None


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"recipe": {"views": [{}]}, "run": {}, "data": {}}', '"text"'])
def test_a_damaged_record_is_named_and_no_reason_to_stop(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "recipe.json").write_text(content, encoding="utf-8")
    with caplog.at_level(logging.WARNING, "simemb"):
        assert trained(tmp_path) is None
    assert "is damaged" in caplog.text


def test_a_run_upon_a_run_is_followed_back_and_a_circle_ends(tmp_path: Path, texts: Path) -> None:
    first = make_run(tmp_path / "first", texts, model=str(tmp_path / "second"))
    second = make_run(tmp_path / "second", texts, model=str(first))
    assert [found["base"]["model"] for found in lineage(trained(second))] == [str(first), str(second)]


def test_scores_of_a_run_say_what_it_was_trained_on_and_which_texts_it_saw(tmp_path: Path, texts: Path) -> None:
    judged = judge(scores("a cat sat", "it rains", "a dog", "never read"), make_run(tmp_path / "run", texts))
    assert judged.trained is not None
    assert judged.trained["data"]["name"] == str(texts)
    assert judged.overlap is not None
    assert judged.overlap["tasks"]["stsb"] == {
        "texts": 5,
        "exact": 1,
        "normalized": 1,
        "examples": [["a cat sat", "A cat sat."], ["it rains", "it rains"]],
    }
    assert judged.overlap["transductive"] is False
    assert notes(judged) == [f"a run: 2 of 5 texts of stsb (1 exactly) occur in the training data ({texts})"]
    assert "overlap" in judged.to_json()


def test_scores_of_any_other_model_stay_as_they_are() -> None:
    before = scores("it rains")
    assert judge(before, "bundled") is before
    assert notes(before) == []


def test_a_run_on_the_test_texts_is_transductive(tmp_path: Path, texts: Path) -> None:
    judged = judge(scores("A cat sat.", "it rains"), make_run(tmp_path / "run", texts, warning=TRANSDUCTIVE))
    assert judged.overlap is not None
    assert judged.overlap["transductive"] is True
    assert notes(judged) == [
        f"a run: transductive: trained on the test texts of stsb, which are in the training data ({texts})"
    ]


def test_the_data_of_the_run_before_count_too(tmp_path: Path, texts: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("a dog\n", encoding="utf-8")
    first = make_run(tmp_path / "first", texts)
    judged = judge(scores("it rains", "a dog"), make_run(tmp_path / "second", other, model=str(first)))
    assert judged.overlap is not None
    assert judged.overlap["data"] == [str(other), str(texts)]
    assert judged.overlap["tasks"]["stsb"]["exact"] == 2


def test_data_that_are_gone_or_changed_are_named_and_looked_into_when_they_are_back(
    tmp_path: Path, texts: Path
) -> None:
    run = make_run(tmp_path / "run", texts)
    content = texts.read_text(encoding="utf-8")
    texts.write_text(content + "one more\trow\n", encoding="utf-8")
    assert "are no longer what they were" in notes(judge(scores("it rains"), run))[0]
    texts.unlink()
    gone = judge(scores("it rains"), run)
    assert gone.overlap is not None
    assert gone.overlap["tasks"] == {}
    assert "is not known: the training data" in notes(gone)[0]
    texts.write_text(content, encoding="utf-8")
    assert "1 of 3 texts" in notes(judge(scores("it rains", "a dog"), run))[0]


def test_what_was_found_is_remembered_though_the_data_go(
    tmp_path: Path, texts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path / "cache"))
    run = make_run(tmp_path / "run", texts)
    before = judge(scores("it rains"), run)
    texts.unlink()
    monkeypatch.setattr(trained_on, "overlap", None)
    assert notes(judge(scores("it rains"), run)) == notes(before)
    assert judge(scores("it rains"), run).to_json() == before.to_json()


def test_a_damaged_memory_is_made_anew(tmp_path: Path, texts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path / "cache"))
    run = make_run(tmp_path / "run", texts)
    before = judge(scores("it rains"), run)
    (kept,) = (tmp_path / "cache" / "overlap").glob("*.json")
    for broken in ("{", "[]", '{"tasks": {"stsb": 3}}'):
        kept.write_text(broken, encoding="utf-8")
        assert judge(scores("it rains"), run).overlap == before.overlap


def test_a_corpus_is_found_by_its_name_and_a_file_of_that_name_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path / "run", "sample")
    sentence = next(open_rows("sample").texts())[0]
    assert "1 of 3 texts" in notes(judge(scores(sentence, "a dog"), run))[0]
    (tmp_path / "sample").write_text("something else\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert "the training data (sample) are" in notes(judge(scores(sentence, "another text"), run))[0]


def test_nothing_is_fetched_from_the_hub(tmp_path: Path, texts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a download was tried")

    monkeypatch.setattr(sources, "_download", refuse)
    monkeypatch.delenv("SIMEMB_DATA", raising=False)
    run = make_run(tmp_path / "run", texts)
    record = json.loads((run / "recipe.json").read_text(encoding="utf-8"))
    record["run"]["data"] = "nli"
    (run / "recipe.json").write_text(json.dumps(record), encoding="utf-8")
    assert "the training data (nli) are not at hand" in notes(judge(scores("it rains"), run))[0]


def test_a_cache_that_cannot_be_written_is_no_reason_to_stop(
    tmp_path: Path, texts: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache").write_text("a file", encoding="utf-8")
    monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path / "cache"))
    with caplog.at_level(logging.WARNING, "simemb"):
        assert notes(judge(scores("it rains"), make_run(tmp_path / "run", texts))) != []
    assert "cannot be kept" in caplog.text


def test_units_of_scores_without_texts_are_no_trouble(tmp_path: Path, texts: Path) -> None:
    judged = judge(replace(scores("it rains"), outcomes={}), make_run(tmp_path / "run", texts))
    assert judged.trained is not None
    assert judged.overlap is not None
    assert notes(judged) == []


def test_a_run_that_was_moved_still_knows_its_training(tmp_path: Path, texts: Path) -> None:
    run = make_run(tmp_path / "run", texts)
    before = trained(run)
    shutil.move(run, tmp_path / "elsewhere")
    assert trained(tmp_path / "elsewhere" / "best") == before
