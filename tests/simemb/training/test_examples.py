"""The examples of a run: only the columns that the recipe reads need to be there, and class labels are kept in mind."""

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simemb.cli import main
from simemb.comparison import provenance
from simemb.corpus.rows import Rows, open_rows
from simemb.encoder.encoder import Encoder
from simemb.errors import DataError
from simemb.evaluation.evaluate import evaluate
from simemb.method.recipe_files import find
from simemb.method.views import View
from simemb.training.examples import open_examples


def opened(path: Path, *records: dict[str, Any], recipe: str = "two_tower") -> Rows:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    rows, _ = open_examples(find(recipe), path, None, delimiter=None, header=True)
    return rows


FIRST: dict[str, Any] = {"query": "a", "pos": "b"}


@pytest.mark.parametrize(
    "records",
    [
        (FIRST, {"query": "c", "pos": "d", "neg": "e"}),
        ({**FIRST, "neg": []}, {"query": "c", "pos": "d", "neg": ["e"]}),
        ({**FIRST, "neg": []}, {"query": "c", "pos": "d", "neg": []}),
    ],
)
def test_negatives_that_no_view_reads_may_be_missing(tmp_path: Path, caplog: Any, records: Any):
    with caplog.at_level(logging.WARNING, "simemb"):
        assert list(opened(tmp_path / "a.jsonl", *records).texts()) == [("a", "b"), ("c", "d")]
    assert "not used: column neg" in caplog.text
    rows = opened(tmp_path / "a.jsonl", *records, recipe="simcse_sup")
    assert list(rows.texts()) == [("a", "b"), ("c", "d")]
    assert list(rows.listed["neg"].texts()) == [(text,) for record in records for text in record.get("neg", [])]


def test_a_notice_says_that_each_positive_makes_a_row(tmp_path: Path, caplog: Any):
    with caplog.at_level(logging.WARNING, "simemb"):
        opened(tmp_path / "a.jsonl", {"query": "a", "pos": ["b"], "neg": ["c", "d"]}, recipe="simcse_sup")
    assert "each text of pos makes a row, with the other texts of its record" in caplog.text


def test_a_view_that_is_compared_needs_its_text_in_every_row(tmp_path: Path):
    recipe = replace(find("two_tower"), views=(View(0), View(1), View(2)))
    path = tmp_path / "a.jsonl"
    path.write_text('{"query": "a", "pos": "b", "neg": ["c"]}\n{"query": "a", "pos": "b", "neg": []}')
    rows, _ = open_examples(recipe, open_rows([("a", "b", "c", "d")]), None, delimiter=None, header=True)
    assert list(rows.texts()) == [("a", "b", "c"), ("a", "b", "d")]
    with pytest.raises(DataError, match=r"line 2 has no neg"):
        open_examples(recipe, path, None, delimiter=None, header=True)


def test_too_few_columns_are_shown_with_an_example_each(tmp_path: Path):
    with pytest.raises(DataError, match=r"it has 1 \(query\) among query \('a'\), passage \('b'\); name others"):
        opened(tmp_path / "a.jsonl", {"query": "a", "passage": "b"})


def test_class_labels_are_found_again_by_who_repeats_the_run_and_by_who_looks_into_its_data(
    tiny_base: Path, sentences_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    texts = sentences_file.read_text(encoding="utf-8").splitlines()
    rows = "".join(f"{place},{text},{text.split()[-1]}\n" for place, text in enumerate(texts))
    Path("intents.csv").write_text(f"label,utterance,intent\n{rows}", encoding="utf-8")
    words = f"train triplet --model {tiny_base} --dev none --max-steps 2 --batch-size 12 --output run"
    assert main([*words.split(), "--data", "intents.csv", "--columns", "utterance", "intent"]) == 0
    record = json.loads(Path("run/recipe.json").read_text())["run"]
    assert (record["columns"], record["labels"]) == (["utterance"], "intent")
    assert main(["train", "--resume", "run"]) == 0
    assert main(["train", "run/recipe.json", "--output", "again"]) == 0
    assert Path("again/best/model.safetensors").read_bytes() == Path("run/best/model.safetensors").read_bytes()
    scores = evaluate(Encoder.load("run"), [(texts[0], "nothing like it", 1.0), ("x", "y", 0.0)])
    overlap = provenance.judge(scores, "run").overlap
    assert overlap is not None
    assert [task["exact"] for task in overlap["tasks"].values()] == [1]
