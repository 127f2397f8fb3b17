"""Expressions of `where` against the same conditions in Python, and what is said of those that are none."""

import operator
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simemb.errors import SearchError
from simemb.search.rows import Row, arrow_table, joined
from simemb.search.where import Where

ROWS: list[dict[str, Any]] = [
    {"lang": "de", "year": 2019, "score": 0.5, "seen": True, "count": "12"},
    {"lang": "fr", "year": 2020, "score": 1.5, "seen": False, "count": "7"},
    {"lang": "it's", "year": 2021, "score": -2.0, "seen": True, "count": "many"},
    {"year": 2022, "count": " 3.5 "},
    {"lang": "", "score": 0.0, "odd name": "x"},
]
TABLE = arrow_table([Row(str(number), f"text {number}", row) for number, row in enumerate(ROWS)], 0)


def found(expression: str) -> list[int]:
    return Where.read(expression).mask(TABLE).nonzero()[0].tolist()


@pytest.mark.parametrize(
    ("expression", "rows"),
    [
        ("lang = 'de'", [0]),
        ('lang == "de"', [0]),
        ("lang != 'de'", [1, 2, 4]),
        ("lang <> 'de'", [1, 2, 4]),
        ("lang = 'it''s'", [2]),
        ('lang = "it\'s"', [2]),
        ("lang = ''", [4]),
        ("year >= 2020", [1, 2, 3]),
        ("year<2020.5", [0, 1]),
        ("year = 2020.0", [1]),
        ("year = '2020'", [1]),
        ("score > -1e0 and score < 1", [0, 4]),
        ("score = -2", [2]),
        ("seen = true", [0, 2]),
        ("seen = 'true'", [0, 2]),
        ("seen = FALSE", [1]),
        ("seen = 1", []),
        ("count > 6", [0, 1]),
        ("count = 3.5", [3]),
        ("count = 'many'", [2]),
        ("lang in ('de', 'fr')", [0, 1]),
        ("year in (2019, '2022')", [0, 3]),
        ("lang not in ('de', 'fr')", [2, 4]),
        ("not lang in ('de', 'fr')", [2, 4]),
        ("not not lang = 'de'", [0]),
        ("lang = 'de' or lang = 'fr' and year = 2019", [0]),
        ("(lang = 'de' or lang = 'fr') and year = 2020", [1]),
        ("NOT (lang = 'de' OR year > 2020) AND score > -9", [1]),
        ("`odd name` = 'x'", [4]),
        ("id in ('1', '4') and text = 'text 4'", [4]),
        ("lang = 'de' or year = 2022", [0, 3]),
    ],
)
def test_an_expression_chooses_these_rows(expression: str, rows: list[int]) -> None:
    assert found(expression) == rows


@pytest.mark.parametrize(
    ("expression", "line"),
    [
        ("", "character 1: a column was expected"),
        ("lang", "character 5: a comparison (= == != <> <= >= < >, in, not in) was expected after lang"),
        ("lang = ", "character 7: a value was expected: 'text', a number, true or false"),
        ("lang = de", "character 8: a value was expected: 'de' (a text stands in quotes), a number"),
        ("lang = 'de", "character 8: the quote is not closed"),
        ("lang = 'de' year = 1", "character 13: 'year' where and, or or the end was expected"),
        ("(lang = 'de'", "character 13: the parenthesis of character 1 is not closed"),
        ("lang = 'de')", "character 12: ')' where and, or or the end was expected"),
        ("lang in 'de'", "character 9: in needs values in parentheses: in ('de', 'fr')"),
        ("lang in ()", "character 10: a value was expected"),
        ("lang in ('de' 'fr')", "character 15: a comma or ) was expected"),
        ("'de' = lang", "character 1: a comparison begins with a column"),
        ("lang = 'de' and", "character 16: a column was expected"),
        ("lang = 'de'; drop", "character 12: ';' has no meaning here"),
        ("__import__('os')", "character 11: a comparison"),
        ("year = 1_000", "character 8"),
        ("(" * 60 + "a = 1" + ")" * 60, "more than 50 levels"),
        ("not " * 60 + "a = 1", "more than 50 levels"),
    ],
)
def test_what_is_no_expression_is_refused_with_the_place(expression: str, line: str) -> None:
    with pytest.raises(SearchError) as caught:
        found(expression)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_column_that_is_not_there_is_named_with_its_nearest() -> None:
    with pytest.raises(SearchError, match=r"where \"lnag = 'de'\": unknown column 'lnag': did you mean 'lang'\?"):
        Where.read("lnag = 'de'").check(["id", "text", "lang"])


Condition = tuple[str, Callable[[dict[str, Any]], bool | None]]
SIGNS = {"=": operator.eq, "!=": operator.ne, "<": operator.lt, ">=": operator.ge}


def comparison(column: str, sign: str, value: int) -> Condition:
    def holds(row: dict[str, Any]) -> bool | None:
        return None if row.get(column) is None else SIGNS[sign](row[column], value)

    return f"{column} {sign} {value}", holds


def joined_by(word: str, left: Condition, right: Condition) -> Condition:
    def holds(row: dict[str, Any]) -> bool | None:  # Kleene's logic
        values = {left[1](row), right[1](row)}
        if (word == "or") in values:
            return word == "or"
        return None if None in values else word == "and"

    return f"({left[0]} {word} {right[0]})", holds


def negated(inner: Condition) -> Condition:
    def holds(row: dict[str, Any]) -> bool | None:
        value = inner[1](row)
        return None if value is None else not value

    return f"not {inner[0]}", holds


leaves = st.builds(comparison, st.sampled_from(["a", "b"]), st.sampled_from([*SIGNS]), st.integers(0, 3))
conditions = st.recursive(
    leaves,
    lambda inner: st.builds(joined_by, st.sampled_from(["and", "or"]), inner, inner) | st.builds(negated, inner),
    max_leaves=6,
)
numbers = st.none() | st.integers(0, 3)


@given(conditions, st.lists(st.fixed_dictionaries({"a": numbers, "b": numbers}), min_size=1, max_size=8))
def test_any_expression_is_what_python_says(condition: Condition, rows: list[dict[str, Any]]) -> None:
    table = arrow_table([Row("", "", row) for row in rows], 0)
    expected = [condition[1](row) is True for row in rows]
    assert Where.read(condition[0]).mask(table).tolist() == expected


def test_columns_of_several_types_and_tables_become_one() -> None:
    tables = [arrow_table([Row("1", "a", own)], 0) for own in ({"x": 1}, {"x": 1.5, "y": True}, {"y": "no"}, {})]
    whole = joined(tables)
    assert whole["x"].to_pylist() == [1.0, 1.5, None, None]
    assert whole["y"].to_pylist() == [None, "true", "no", None]
    odd = arrow_table([Row("1", "a", {"z": [1, "ä"]}), Row("2", "b", {"z": 2**70}), Row("3", "c", {"z": "t"})], 0)
    assert odd["z"].to_pylist() == ['[1, "ä"]', str(2**70), "t"]
    assert arrow_table([Row("1", "a", {"z": float("nan")}), Row("2", "b", {"z": 2})], 0)["z"].to_pylist() == [None, 2]
