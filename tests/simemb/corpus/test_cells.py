"""What is a score, and one line for what is none."""

import math
from decimal import Decimal
from pathlib import Path

import pytest

from simemb.corpus.cells import score_of
from simemb.corpus.rows import open_rows
from simemb.corpus.table import MISSING
from simemb.errors import DataError


@pytest.mark.parametrize("value", ["4.5", " 4.5 ", 4.5, Decimal("4.5")])
def test_a_number_is_a_score_however_it_is_written(value: object) -> None:
    assert score_of(value, "a.csv, line 2") == 4.5


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "null where a score is needed"),
        (MISSING, "nothing where a score is needed"),
        ("", "nothing where a score is needed"),
        (10**400, r"'1000.*\.\.\. \(401 characters\) is not a finite number"),
        ("9" * 400, r"'9999.*\.\.\. \(400 characters\) is not a finite number"),
        pytest.param(10**5000, "an integer of thousands of digits is not a finite number", id="thousands"),
        (math.inf, "'inf' is not a finite number"),
        (True, "'True' is not a finite number"),
        ([1], "'.1.' is not a finite number"),
    ],
)
def test_what_is_no_score_is_named_in_one_short_line(value: object, message: str) -> None:
    with pytest.raises(DataError, match=f"^a.csv, line 2: {message}$") as caught:
        score_of(value, "a.csv, line 2")
    assert len(str(caught.value)) < 120


def test_a_long_integer_among_scores_of_json_lines_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"sentence1": "a", "sentence2": "b", "score": {"9" * 400}}}\n')
    with pytest.raises(DataError, match=r"line 1, column 'score': .* is not a finite number"):
        list(open_rows(path).scored())
