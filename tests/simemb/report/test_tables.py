"""The tables of a report."""

import json
from pathlib import Path

import numpy as np
import pytest

from simemb.evaluation.suite import Suite
from simemb.evaluation.tasks import Similarity
from simemb.report import tables
from simemb.report.panels.scores import scores as score_panels
from simemb.report.report import Report


def test_scores_are_those_of_the_record_with_their_intervals(report: Report):
    (suite,) = report.suites
    table = tables.score_table(report, suite)
    assert (table.columns, table.headline) == (["dev"], "spearman")
    assert (table.title, table.decimals) == ("spearman x 100", 2)
    for row, scores in zip(table.rows, report.scores(suite), strict=True):
        assert row.cells[0].value == scores.to_json()["tasks"]["dev"]["all"]["spearman"]
        assert row.cells[0].interval == report.intervals(suite)[report.all_models.index(row.reported)]["dev"]
        assert row.geometry == scores.geometry
    best = max(row.cells[0].value for row in table.rows)
    assert [row.cells[0].best for row in table.rows] == [row.cells[0].value == best for row in table.rows]


def test_the_gain_is_what_training_added(report: Report):
    (suite,) = report.suites
    rows = tables.score_table(report, suite).rows
    points = {row.reported.label: row.cells[0].value for row in rows}
    assert rows[0].gain == pytest.approx(points["first"] - points["tiny-bert (base)"])
    assert rows[1].gain is None


def test_all_other_numbers_are_there_too(report: Report):
    (suite,) = report.suites
    table = tables.score_table(report, suite)
    numbers = report.scores(suite)[0].tasks["dev"].numbers()
    shown = {detail.name: detail.values for detail in table.details if detail.label == "first"}
    assert shown == {name: [value] for name, value in numbers.items() if name != "spearman"}


def test_several_tasks_have_an_average_and_a_single_model_is_not_the_best(tiny_base: Path, dev_file: Path):
    tasks = tuple(Similarity(name, {"test": dev_file}) for name in ("one", "two"))
    suite = Suite("both", "", tasks, geometry=None)
    report = Report([str(tiny_base)], [suite])
    (row,) = tables.score_table(report, suite).rows
    assert tables.score_table(report, suite).columns == ["one", "two", "average"]
    assert [cell.value for cell in row.cells] == [report.scores(suite)[0].points] * 3
    assert (row.geometry, row.gain) == (None, None)
    assert not any(cell.best for cell in row.cells)
    assert all(cell.interval for cell in row.cells)


def test_an_average_of_some_tasks_says_of_how_many(tiny_base: Path, dev_file: Path):
    tasks = tuple(Similarity(name, {"test": dev_file}) for name in ("one", "two"))
    suite = Suite("some", "", tasks, geometry=None, left_out=("three",))
    report = Report([str(tiny_base)], [suite])
    assert tables.score_table(report, suite).columns == ["one", "two", "average of 2 of 3"]
    (panel,) = score_panels(report)
    assert ", average of 2 of 3 " in panel.description
    record = report.scores(suite)[0].to_json()
    assert tables.record_table("some", {"one": record}).columns == ["one", "two", "average of 2 of 3"]


def test_records_of_other_suites_show_the_headline_of_their_tasks(own_run: Path, dev_file: Path):
    report = Report([str(own_run)], [str(dev_file)], base=False)
    record = {
        "suite": "transfer",
        "headline": "accuracy",
        "tasks": {"mr": {"accuracy": 70.5}, "cr": {"accuracy": None}},
        "average": {"accuracy": 70.5},
        "fingerprint": report.models[0].fingerprint,
        "date": "2030-01-01",
    }
    similar = record | {
        "suite": "zh",
        "headline": "spearman",
        "tasks": {"lcqmc": {"all": {"spearman": 60.25}}},
        "average": {"all": {"spearman": 60.25}},
    }
    (own_run / "scores").mkdir()
    for kept in (record, similar):
        (own_run / "scores" / f"{kept['suite']}.json").write_text(json.dumps(kept))
    transfer, zh = tables.record_tables(report)
    assert transfer.columns == ["mr", "cr", "average"]
    assert transfer.rows == [("own", [70.5, None, 70.5], "2030-01-01")]
    assert zh.rows == [("own", [60.25, 60.25], "2030-01-01")]


def test_the_worst_pairs_come_first(report: Report):
    assert report.pairs is not None
    pairs = report.pairs[1][0]
    worst = tables.worst_pairs(pairs, 5)
    assert sorted(pair.ahead for pair in worst) == sorted([*np.sort(pairs.ahead)[:5], *np.sort(pairs.ahead)[-5:]])
    assert [abs(pair.ahead) for pair in worst] == sorted((abs(pair.ahead) for pair in worst), reverse=True)
    row = pairs.texts.index(worst[0].texts)
    assert (worst[0].gold, worst[0].cosine) == (pairs.gold[row], pairs.cosine[row])


def test_biases_are_measured_for_everyone(report: Report):
    assert report.pairs is not None
    rows = tables.bias_rows(report, report.pairs[1])
    assert [reported for reported, _ in rows] == report.all_models
    assert {"length_bias", "overlap_bias_given_gold"} <= set(rows[0][1])


def test_variants_of_a_number_have_its_decimals():
    assert [tables.decimals(name) for name in ("whitened.alignment>=4", "dominance_3", "approximate.map")] == [4, 4, 2]
