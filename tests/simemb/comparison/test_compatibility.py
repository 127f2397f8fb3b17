"""Records that may stand side by side, and those that may not."""

from typing import Any

import pytest

from simemb.comparison.compatibility import check, difference, series
from simemb.errors import DataError

GEOMETRY = {"task": "stsb", "threshold": 4.0, "alpha": 2.0, "t": 2.0, "alignment": 0.2, "uniformity": -2.0}
RECORD: dict[str, Any] = {
    "model": "runs/first",
    "suite": "sts",
    "headline": "spearman",
    "tasks": {"sts12": {}, "stsb": {}},
    "data": {"sts/sts12.tsv": "ab" * 32, "stsb_test": "cd" * 32},
    "versions": {"simemb": "0.1.0", "torch": "2.6"},
    "geometry": GEOMETRY,
}


def record(**changes: Any) -> dict[str, Any]:
    return {**RECORD, **changes}


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "runs/second", "fingerprint": "ef", "date": "2030-01-01", "command": ["simemb"]},
        {"versions": {"simemb": "0.1.7", "torch": "2.9"}},
        {"geometry": None},
        {"data": RECORD["data"] | {"stsb_train": "01" * 32}},
        {"average": {"all": {"spearman": 1.0}}},
    ],
    ids=["model", "patch release", "no geometry", "more data for the geometry", "scores"],
)
def test_what_belongs_to_the_model_or_changes_no_score_may_differ(changes: dict[str, Any]):
    assert difference(record(), record(**changes)) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"headline": "pearson"}, "the headline is spearman in the first and pearson in the second"),
        ({"tasks": {"stsb": {}}}, "the second lacks sts12"),
        ({"tasks": RECORD["tasks"] | {"sickr": {}}}, "the first lacks sickr"),
        (
            {"data": RECORD["data"] | {"stsb_test": "ee" * 32}},
            "stsb_test is not the same file (sha256 cdcdcdcdcdcd and eeeeeeeeeeee)",
        ),
        (
            {"data": {"sts/sts12.tsv": "ab" * 32, "mine.tsv": "cd" * 32}},
            "the first was scored on stsb_test, the second on mine.tsv",
        ),
        ({"versions": {"simemb": "0.2.0"}}, "simemb 0.1.0 scored the first and 0.2.0 the second"),
        ({"versions": {"simemb": "1.0"}}, "simemb 0.1.0 scored the first and 1.0 the second"),
        ({"versions": {"simemb": "0.1.0", "mteb": "2.27"}}, "mteb - scored the first and 2.27 the second"),
        (
            {"geometry": GEOMETRY | {"threshold": 3.0}},
            "threshold of alignment and uniformity is 4.0 in the first and 3.0 in the second",
        ),
    ],
)
def test_what_changes_a_score_is_named(changes: dict[str, Any], reason: str):
    assert difference(record(), record(**changes)) == reason


def test_a_refusal_names_both_records_and_says_how_to_mend_it():
    records = {"first": record(), "runs/b/scores/sts.json": record(tasks={"stsb": {}})}
    with pytest.raises(DataError) as refused:
        check(records)
    assert str(refused.value) == (
        "first and runs/b/scores/sts.json cannot be compared on sts: the second lacks sts12; score both anew: "
        "simemb eval MODEL --suite sts"
    )


def test_every_pair_of_records_is_looked_at():
    more, other = RECORD["data"] | {"a": "00"}, RECORD["data"] | {"a": "11"}
    with pytest.raises(DataError, match="a is not the same file"):
        check({"first": record(data=more), "second": record(), "third": record(data=other)})


def test_records_of_different_suites_are_never_mixed_and_need_not_agree():
    check({"first": record(), "second": record(suite="zh", tasks={"afqmc": {}}, data={})})
    check({})


@pytest.mark.parametrize(("release", "expected"), [("0.1.0", "0.1"), ("1.4.2", "1"), ("2", "2"), ("?", "?")])
def test_releases_whose_scores_may_differ(release: str, expected: str):
    assert series(release) == expected
