"""The examples of a run: only the columns that the recipe reads need to be there."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from simemb.corpus.rows import Rows
from simemb.errors import DataError
from simemb.method.recipe_files import find
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
    with pytest.raises(DataError, match=r"line 1.*neg"):
        list(opened(tmp_path / "a.jsonl", *records, recipe="simcse_sup").texts())


def test_too_few_columns_are_shown_with_an_example_each(tmp_path: Path):
    with pytest.raises(DataError, match=r"it has 1 \(query\) among query \('a'\), passage \('b'\); name others"):
        opened(tmp_path / "a.jsonl", {"query": "a", "passage": "b"})
