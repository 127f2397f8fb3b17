"""Tables: plain where nobody watches, whole in every width, and with every text as it is."""

import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from simemb.errors import DataError
from simemb.evaluation.metrics import Geometry
from simemb.evaluation.scores import (
    BinaryScores,
    Correlation,
    Scores,
    SimilarityScores,
    TaskScores,
)
from simemb.evaluation.tasks.geometry import GeometryMeasures, VectorGeometryScores
from simemb.report import terminal
from simemb.training import seeds


def scores(spearman: float, model: str = "model", suite: str = "sts", *, geometry: bool = True) -> Scores:
    points = Correlation(spearman, spearman - 1)
    every = SimilarityScores(points, points, points, 10, {})
    spread = Geometry("stsb", 0.25, -2.5, 12.34, 2, 2, 4, 10, 40) if geometry else None
    return Scores(model, "0", suite, {"stsb": every}, every, spread, {}, {}, "today")


def result(
    after: Scores | None, seed: int = 1, control: tuple[float, float] | None = None, language: str = "English"
) -> Any:
    before_control, after_control = (
        (scores(points, suite="stsb_dev") for points in control) if control else (None, None)
    )
    return SimpleNamespace(
        directory=Path("runs", f"seed-{seed}"),
        before=after and scores(50.0),
        after=after,
        steps=7,
        best_step=4,
        seconds=3.0,
        sentences_per_second=1234.5,
        control_before=before_control,
        control_after=after_control,
        language=language,
        seen=(),
        others_before=(),
        others_after=(),
    )


def test_a_model_with_markup_in_its_name_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_table(terminal.scores_table([scores(70.123, "runs/[bold]x"), scores(1.0, "[/]")]))
    output = capsys.readouterr().out
    assert "  [bold]x " in output
    assert "  ] " in output
    assert "70.12" in output


def test_a_number_that_rounds_to_zero_has_no_sign(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_table(terminal.scores_table([scores(-0.001, geometry=False)]))
    assert " 0.00" in (shown := capsys.readouterr().out)
    assert "-0.00" not in shown


def test_only_points_have_a_bar() -> None:
    spread = VectorGeometryScores(GeometryMeasures({"uniformity": -2.5}, (), ()), None, 0, 4.0, (), (), 5, 9)
    geometry = Scores(
        "model", "0", "geometry", {"stsb": spread}, spread.numbers(), None, {}, {}, "today", headline="uniformity"
    )
    assert len(terminal.scores_table([scores(50.0, geometry=False)], bars=True).columns) == 4
    assert len(terminal.scores_table([geometry], bars=True).columns) == 3


def test_one_run_shows_before_and_after_and_what_to_type_next(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_runs([result(scores(60.456))], [1])
    output = capsys.readouterr().out
    rows = {line.split()[0]: line.split()[1:] for line in output.splitlines() if line.strip()}
    assert rows["before"] == ["50.00", "49.00", "0.2500", "-2.5000", "12.3"]
    assert rows["after"] == ["60.46", "59.46", "0.2500", "-2.5000", "12.3"]
    assert "7 steps, 3 s, 1,234 sentences/s; the best encoder (step 4) is in runs/seed-1/best" in output
    assert "simemb eval runs/seed-1 --suite sts\n" in output
    assert "score >= 4" in output


def test_a_run_on_the_bundled_sample_is_sent_to_a_suite_that_needs_no_data(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_runs([result(scores(60.0, suite="sample_dev"))], [1])
    assert "--suite sample\n" in capsys.readouterr().out


@pytest.mark.parametrize(("language", "suite"), [("Chinese", "zh"), ("Cyrillic", "my_pairs.tsv")])
def test_a_run_is_sent_to_a_suite_in_the_language_of_its_data(
    language: str, suite: str, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.print_runs([result(None, language=language)], [1])
    assert f"simemb eval runs/seed-1 --suite {suite}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("after", "verdict"), [(52.0, "better"), (50.04, "unchanged"), (49.0, "worse; the sample is small")]
)
def test_what_became_of_pairs_by_people_is_said(after: float, verdict: str, capsys: pytest.CaptureFixture[str]) -> None:
    run = result(scores(60.0, suite="sample_dev"), control=(50.0, after))
    terminal.print_runs([run], [1])
    assert f"stsb_dev (pairs scored by people): 50.00 before, {after:.2f} after, {verdict}" in capsys.readouterr().out


def test_several_runs_show_mean_and_sample_deviation(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_runs([result(scores(60.0), 1), result(scores(62.0), 2)], [1, 2])
    output = capsys.readouterr().out
    assert "after, seed 2" in output
    assert "61.00 ± 1.41" in output
    assert "0.2500 ± 0.0000" in output


def test_a_run_without_evaluation_has_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_runs([result(None)], [1])
    output = capsys.readouterr().out
    assert "before" not in output
    assert output.startswith("7 steps")


def test_the_record_of_the_seeds_says_the_same_and_has_no_nan(tmp_path: Path) -> None:
    seeds.save(tmp_path, [result(scores(60.0), 1), result(scores(62.0, geometry=True), 2)], [1, 2])
    record = json.loads((tmp_path / "seeds.json").read_text())
    geometry = {"alignment": 0.25, "uniformity": -2.5, "effective_rank": 12.34}
    assert record["mean"] == {"spearman": 61.0, "pearson": 60.0} | geometry
    assert record["sd"]["spearman"] == pytest.approx(2**0.5)
    seeds.save(tmp_path, [result(scores(float("nan")), 1)], [1])
    record = json.loads((tmp_path / "seeds.json").read_text(), parse_constant=pytest.fail)
    assert record["mean"]["spearman"] is None
    assert "sd" not in record
    seeds.save(tmp_path, [result(None, 1), result(None, 2)], [1, 2])
    record = json.loads((tmp_path / "seeds.json").read_text())
    assert "mean" not in record
    assert [run["seed"] for run in record["runs"]] == [1, 2]


def test_a_bar_has_eighths_of_a_character_and_bounds() -> None:
    assert terminal.bar(100, width=4) == "████"
    assert terminal.bar(0, width=4) == terminal.bar(-3, width=4) == terminal.bar(float("nan"), width=4) == "    "
    assert terminal.bar(50, width=4) == "██  "
    assert terminal.bar(12.5, width=4) == "▌   "
    assert {len(terminal.bar(points / 10)) for points in range(-50, 1100)} == {20}


def binary(model: str) -> Scores:
    points = Correlation(50.0, 49.0)
    task = BinaryScores(points, points, points, 10, {}, 71.234, 62.0, 80.0, 0.5, 77.0, 0.4, 5)
    return Scores(model, "0", "same", {"lcqmc": task, "bq": task}, task, None, {}, {}, "today", headline="auc")


def test_numbers_that_the_table_has_no_place_for_follow_in_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_scores([binary("one")])
    shown = capsys.readouterr().out
    assert "same: auc" in shown
    assert re.search(r"auc +71\.23 +71\.23", shown)
    assert re.search(r"average precision +62\.00", shown)
    assert "spearman" not in shown
    assert terminal.details_tables([scores(50.0)]) == []


def test_several_models_have_a_table_of_details_for_each_task(capsys: pytest.CaptureFixture[str]) -> None:
    tables = terminal.details_tables([binary("one"), binary("two")])
    assert [table.title for table in tables] == ["lcqmc", "bq"]
    assert [column.header for column in tables[0].columns] == ["", "one", "two"]


def test_a_number_that_the_suite_does_not_measure_is_refused_with_the_nearest() -> None:
    with pytest.raises(DataError, match="unknown number of suite same 'aucc': did you mean 'auc'"):
        terminal.scores_table([binary("one")], number="aucc")


def test_variants_of_a_number_stand_in_columns_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    class Found(TaskScores):
        def numbers(self) -> dict[str, float]:
            return {"map": 50.0, "alignment>=4.5": 0.12345, "approximate.map": 49.0}

    found = Scores("m", "0", "s", {"set": Found()}, {}, None, {}, {}, "today", headline="map")
    (table,) = terminal.details_tables([found])
    assert [column.header for column in table.columns] == ["", "set", "set, approximate"]
    terminal.print_table(table)
    shown = capsys.readouterr().out
    assert re.search(r"map +50\.00 +49\.00", shown)
    assert re.search(r"alignment>=4\.5 +0\.1235 *\n", shown)


LONG = "/home/somebody/experiments/a-path-without-any-blank-in-it-which-is-longer-than-a-line/run"


@pytest.mark.parametrize("columns", ["60", "80", "120", None])
def test_a_long_name_is_folded_and_no_number_and_no_heading_is_cut(
    columns: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns) if columns else monkeypatch.delenv("COLUMNS", raising=False)
    one, two = scores(70.125, f"a{LONG}"), scores(61.5, f"b{LONG}")
    tasks = {f"task number {place}": one.tasks["stsb"] for place in range(9)}  # the same for both models
    terminal.print_table(terminal.scores_table([replace(one, tasks=tasks), replace(two, tasks=tasks)]))
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= int(columns or 80)
    assert "…" not in shown
    assert all(heading in shown for heading in (*tasks, "average", "alignment", "uniformity", "effective rank"))
    assert shown.count("70.12") == 2 * (len(tasks) + 1)
    folded = "".join(re.findall(r"^  (\S+)", shown.partition("average")[0], re.MULTILINE))
    assert f"a{LONG}" in folded
    assert f"b{LONG}" in folded


def test_models_whose_paths_end_alike_are_told_apart_and_keep_their_names_in_records(
    capsys: pytest.CaptureFixture[str],
) -> None:
    models = ["a/x/model", "b/x/model/best", "c/y/model", "mini", "./mini"]
    every = [scores(place + 1.0, model) for place, model in enumerate(models)]
    terminal.print_table(terminal.scores_table(every))
    shown = capsys.readouterr().out
    rows = [line.split()[0] for line in shown.splitlines() if re.search(r"  \d\.00 ", line)]
    assert rows == ["a/x/model", "b/x/model", "y/model", "mini", "./mini"]
    assert [each.to_json()["model"] for each in every] == models
    tables = terminal.details_tables([binary(model) for model in models])
    assert [column.header for column in tables[0].columns] == ["", *rows]
