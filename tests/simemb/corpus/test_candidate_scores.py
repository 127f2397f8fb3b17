"""Scores of a reranker beside the texts: every way to write them, and what does not fit."""

import json
from pathlib import Path
from typing import Any

import pytest

from simemb.corpus.candidate_scores import ScoreColumns, candidate_scores
from simemb.corpus.listed import apart, is_uneven
from simemb.corpus.rows import Rows, open_rows
from simemb.errors import DataError

LISTS = {"query": "q", "pos": ["p"], "neg": ["m", "n"]}


def opened(data: Any) -> Rows:
    rows = open_rows(data)
    return apart(rows, rows.columns[-1]) if is_uneven(rows, rows.columns[-1]) else rows


def found(*objects: dict[str, Any]) -> tuple[list[float], list[float]]:
    rows = opened(list(objects))
    columns = ScoreColumns.of(rows)
    assert columns is not None
    positives, negatives = candidate_scores(rows, columns)
    return positives.tolist(), negatives.tolist()


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ({"scores": [9, 1, 2.5]}, ([9], [1, 2.5])),
        ({"pos_scores": [9], "neg_scores": [1, 2.5]}, ([9], [1, 2.5])),
        ({"label": [9, 1, 2.5]}, ([9], [1, 2.5])),
        ({"label": [8, 6.5]}, ([0], [-8, -6.5])),
        ({"Positive_Score": 9, "negative_score_1": 1, "negative_score_2": 2.5}, ([9], [1, 2.5])),
    ],
)
def test_scores_come_as_lists_columns_or_margins(scores: dict[str, Any], expected: Any):
    assert found({**LISTS, **scores}) == expected


def test_a_triplet_has_a_number_as_its_margin():
    triplet = {"anchor": "a", "positive": "b", "negative": "c"}
    assert found({**triplet, "score": 3.5}, {**triplet, "score": -1.0}) == ([0, 0], [-3.5, 1])


def test_rows_may_have_several_positives_and_no_negative(tmp_path: Path):
    objects = [
        {"query": "q", "pos": ["p", "o"], "neg": ["m"], "pos_scores": [5, 4], "neg_scores": [1]},
        {"query": "q", "pos": ["p"], "neg": [], "pos_scores": [3], "neg_scores": []},
        {"query": "q", "pos": ["p"], "neg": ["m", "n"], "pos_scores": [2], "neg_scores": [0, -1]},
    ]
    assert found(*objects) == ([5, 4, 3, 2], [1, 0, -1])
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, objects)))
    rows = opened([tmp_path / "a.jsonl", tmp_path / "a.jsonl"])
    positives, negatives = candidate_scores(rows, ScoreColumns.of(rows))
    assert (positives.tolist(), negatives.tolist()) == ([5, 4, 3, 2] * 2, [1, 0, -1] * 2)


def test_a_table_of_text_has_numbers_as_text(tmp_path: Path):
    (tmp_path / "a.tsv").write_text(
        "anchor\tpositive\tnegative_1\tnegative_2\tpositive_score\tnegative_score_1\tnegative_score_2\n"
        "a\tb\tc\td\t5\t1e-1\t2\na\tb\tc\t\t5\t3\t\n"
    )
    rows = opened(tmp_path / "a.tsv")
    positives, negatives = candidate_scores(rows, ScoreColumns.of(rows))
    assert positives.tolist() == [5, 5]
    assert negatives.tolist() == pytest.approx([0.1, 2, 3])


def test_without_a_column_of_scores_there_are_none():
    assert ScoreColumns.of(opened([LISTS])) is None


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (
            {"scores": [1]},
            "row 1, column 'scores': 1 scores of 1 positives and 2 negatives (allowed: 3, one",
        ),
        ({"pos_scores": [1], "neg_scores": [1]}, "column 'pos_scores': 1 and 1 scores of 1 and 2 texts"),
        ({"scores": [1, 2, float("nan")]}, "column 'scores': 'nan' is not a finite number"),
        ({"scores": None}, "column 'scores': null where a score is needed"),
        ({"pos_scores": [1]}, "column pos_scores holds scores, and the negatives (neg_scores) have none"),
        ({"scores": [1, 2, 3], "label": 1}, "scores, label could each be the scores: keep one"),
    ],
)
def test_what_does_not_fit_is_said_with_its_place(scores: dict[str, Any], message: str):
    with pytest.raises(DataError) as raised:
        found({**LISTS, **scores})
    assert message in str(raised.value)


def test_scores_of_pairs_are_none_of_candidates():
    rows = open_rows([("a", "b", 0.5)])
    with pytest.raises(DataError, match="scores of candidates need a column of negatives"):
        candidate_scores(rows, ScoreColumns.of(rows))
