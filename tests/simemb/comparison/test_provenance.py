"""What is known of an encoder's training: of a run, of a run upon a run, and where the record is damaged."""

import json
import logging
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from simemb.comparison.provenance import WHITENING, judge, lineage, notes, pooling_notes, trained
from simemb.corpus.rows import open_rows
from simemb.evaluation.scores import Correlation, Scores, SimilarityScores

TRANSDUCTIVE = "contains test texts; runs on it are transductive"


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.tsv"
    path.write_text("anchor\tpositive\nA cat sat.\tnever read\nit rains\tnever read\n", encoding="utf-8")
    return path


def make_run(directory: Path, data: Path | str, *, model: str = "base", warning: str = "", column: int = 0) -> Path:
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
    task = SimilarityScores(undefined, undefined, undefined, len(texts), {})
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
        texts={"stsb": [*texts, "a sentence that nobody was trained on"]},
    )


def test_a_run_its_best_and_its_twin_tell_how_they_were_trained(tmp_path: Path, texts: Path) -> None:
    run = make_run(tmp_path / "run", texts)
    (run / "twin").mkdir()
    found = trained(run)
    assert found is not None
    assert found["seed"] == 3
    assert found["base"] == {"model": "base", "fingerprint": "abc"}
    assert found["data"]["name"] == str(texts)
    assert (found["data"]["columns"], found["data"]["read"]) == (["anchor", "positive"], ["anchor"])
    assert (found["data"]["rows"], len(found["data"]["digest"])) == (2, 64)
    assert found["command"] == ["simemb", "train", "simcse"]
    assert trained(run / "best") == trained(str(run / "twin")) == found


@pytest.mark.parametrize("model", ["base", "", "somebody/something"])
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
    assert judge(before, "base") is before
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


@pytest.mark.parametrize("unknown", [{}, {"stsb": []}])
def test_of_a_task_that_does_not_tell_its_texts_it_is_said_that_they_were_not_looked_at(
    tmp_path: Path, texts: Path, unknown: dict[str, list[str]]
) -> None:
    judged = judge(replace(scores("it rains"), texts=unknown), make_run(tmp_path / "run", texts))
    assert judged.trained is not None
    assert judged.overlap is not None
    assert (judged.overlap["tasks"], judged.overlap["not_looked_at"]) == ({}, ["stsb"])
    assert judged.overlap["transductive"] is None
    assert notes(judged) == [
        f"a run: the texts of stsb were not looked at: they may occur in the training data ({texts})"
    ]


def whitened(directory: Path, data: Path, base: dict[str, object]) -> Path:
    """What `simemb whiten` leaves beside the encoder."""
    rows = open_rows(data)
    columns = list(rows.columns)
    told = {"name": rows.name, "columns": columns, "read": columns, "digest": rows.digest(), "rows": 1, "warning": ""}
    directory.mkdir(parents=True, exist_ok=True)
    (directory / WHITENING).write_text(json.dumps({"whitening": {"dims": 2}, "base": base, "data": told}))
    return directory


def test_of_a_whitened_run_the_training_data_and_the_whitening_texts_are_looked_at(tmp_path: Path, texts: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("a dog\n", encoding="utf-8")
    run = make_run(tmp_path / "run", texts)
    white = whitened(tmp_path / "white", other, {"model": "run", "fingerprint": "f", "trained": trained(run)})
    judged = judge(scores("it rains", "a dog"), white)
    assert judged.overlap is not None
    assert judged.overlap["data"] == [str(other), str(texts)]
    assert judged.overlap["tasks"]["stsb"]["exact"] == 2
    assert judged.overlap["transductive"] is True
    further = make_run(tmp_path / "further", texts, model=str(white))
    assert [found["data"]["name"] for found in lineage(trained(further))] == [str(texts), str(other), str(texts)]


def test_a_whitened_encoder_in_the_place_of_a_best_one_is_known_by_either_name(tmp_path: Path, texts: Path) -> None:
    run = make_run(tmp_path / "run", texts)
    before = trained(run)
    whitened(run / "best", texts, {"model": "run", "fingerprint": "f", "trained": before})
    assert trained(run) == trained(run / "best") != before
    assert [*lineage(trained(run))][1:] == [before]


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"base": {}, "data": {"name": "x"}}', '{"base": 3, "data": {}}'])
def test_a_damaged_record_of_a_whitening_is_named(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / WHITENING).write_text(content, encoding="utf-8")
    with caplog.at_level(logging.WARNING, "simemb"):
        assert trained(tmp_path) is None
    assert "whitening.json is damaged" in caplog.text


def test_a_run_that_was_moved_still_knows_its_training(tmp_path: Path, texts: Path) -> None:
    run = make_run(tmp_path / "run", texts)
    before = trained(run)
    shutil.move(run, tmp_path / "elsewhere")
    assert trained(tmp_path / "elsewhere" / "best") == before


# ---- poolings ------------------------------------------------------------------------------------


def test_encoders_read_by_different_poolings_are_told_apart() -> None:
    assert pooling_notes({"base": "mean", "run": "cls", "other": "mean"}) == [
        "different poolings (base: mean, run: cls, other: mean) may explain part of the difference; --pooling sets "
        "one for all"
    ]


@pytest.mark.parametrize("poolings", [{}, {"a": "mean"}, {"a": "mean", "b": "mean"}, {"a": "mean", "b": ""}])
def test_one_pooling_or_an_unknown_one_is_no_reason_for_a_note(poolings: dict[str, str]) -> None:
    assert pooling_notes(poolings) == []


@pytest.mark.parametrize("model", ["x" * 5000, "a\0b"])
def test_a_name_that_no_directory_can_have_tells_nothing(model: str) -> None:
    assert trained(model) is None
