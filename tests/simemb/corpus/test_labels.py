"""Pairs with labels: which are positives, which are hard negatives, which are left out."""

import logging

import pytest

from simemb.corpus.labels import numbered, positives
from simemb.corpus.rows import Rows, open_rows
from simemb.errors import DataError

PAIRS = [("a", "yes", "entailment"), ("a", "no", "contradiction"), ("a", "maybe", "neutral"), ("a", "eh", "-"),
         ("b", "sure", "entailment"), ("a", "never", "contradiction")]  # fmt: skip
NUMBERS = {"entailment": "0", "neutral": "1", "contradiction": "2", "-": "-1"}


def labeled(tmp_path, rows, header="premise\thypothesis\tgold_label") -> Rows:
    path = tmp_path / "nli.tsv"
    path.write_text("\n".join([header, *("\t".join(row) for row in rows)]) + "\n", encoding="utf-8")
    return open_rows(path)


@pytest.mark.parametrize("numbers", [False, True])
def test_entailments_are_positives_and_contradictions_their_negatives(tmp_path, caplog, numbers: bool):
    rows = labeled(tmp_path, [(a, b, NUMBERS[label] if numbers else label) for a, b, label in PAIRS])
    with caplog.at_level(logging.WARNING, "simemb"):
        made = positives(rows, "InfoNCE", negatives=True)
    assert made.columns == ("premise", "hypothesis", "negative")
    assert list(made.texts()) == [("a", "yes", "no"), ("a", "yes", "never")]
    assert "2 positives, 2 contradictions, 1 neither, 1 without a label; they make 2 triplets" in caplog.text
    assert "3 pairs are left out" in caplog.text
    assert list(positives(rows, "InfoNCE").texts()) == [("a", "yes"), ("b", "sure")]


def test_duplicates_are_positives(tmp_path):
    rows = labeled(tmp_path, [("0", "a", "b", "1"), ("1", "c", "d", "0")], "id\tquestion1\tquestion2\tis_duplicate")
    assert list(positives(rows, "InfoNCE", negatives=True).texts()) == [("a", "b")]


@pytest.mark.parametrize("label", ["4.5", "odd"])
def test_other_labels_are_refused_with_their_values(tmp_path, label: str):
    rows = labeled(tmp_path, [("a", "b", label), ("c", "d", "0")], "s1\ts2\tlabel")
    if label == "4.5":
        rows = open_rows([("a", "b", 4), ("c", "d", 0)])
    with pytest.raises(DataError, match=r"InfoNCE takes every pair as a positive, and column .*0, .*; --columns"):
        positives(rows, "InfoNCE")


def test_a_classifier_gets_numbers(tmp_path):
    made = numbered(labeled(tmp_path, PAIRS), 3)
    assert [score for *_, score in made.scored()] == [0, 2, 1, 0, 2]
    with pytest.raises(DataError, match="column gold_label holds entailmint: allowed are 0 to 2, or entailment"):
        numbered(labeled(tmp_path, [("a", "b", "entailmint")]), 3)
