"""Lines of metrics.jsonl as series."""

from pathlib import Path
from typing import Any

import pytest

from simemb.report.history import History

LINES: list[dict[str, Any]] = [
    {"step": 0, "my_dev_spearman": 10.0, "my_dev_pearson": 11.0, "alignment": 0.5, "dev_uniformity": -1.0}
    | {"geometry_vectors": 80},
    {"step": 1, "loss": 2.0, "positive": None, "uniformity": -1.1},
    {"step": 2, "my_dev_spearman": 9.0, "my_dev_pearson": 13.0, "alignment": 0.4, "dev_uniformity": -1.5},
    {"step": 4, "loss": 1.0, "positive": 0.9, "uniformity": -1.6},
    {"step": 4, "my_dev_spearman": 9.0, "my_dev_pearson": 12.0, "alignment": 0.3, "dev_uniformity": -1.7},
]


def test_a_series_is_a_number_at_the_steps_where_it_was_logged():
    history = History(LINES)
    assert [each.tolist() for each in history.series("loss")] == [[1, 4], [2, 1]]
    assert [each.tolist() for each in history.series("positive")] == [[4], [0.9]]
    assert not history.series("momentum")


def test_the_dev_score_is_found_by_the_metric_that_chose_the_checkpoint():
    assert (History(LINES).score, History(LINES).dev) == ("my_dev_spearman", "my_dev spearman")
    assert History(LINES, metric="pearson").score == "my_dev_pearson"
    assert History(LINES, metric="auc").score == "my_dev_spearman"
    assert History(LINES).vectors == 80


def test_the_checkpoint_that_was_kept_is_the_first_of_the_best_after_step_0():
    def kept(history: History) -> int | None:
        return history.kept(history.series("alignment"))

    assert kept(History(LINES)) == 1
    assert kept(History(LINES, metric="pearson")) == 1
    assert kept(History(LINES, keep="last")) == 2
    assert kept(History(LINES[:2])) is None


def test_an_evaluation_that_lacks_a_number_is_left_out_of_its_series_alone():
    damaged = [dict(line) for line in LINES]
    damaged[0].pop("alignment")
    history = History(damaged)
    assert history.kept(history.series("alignment")) == 0
    assert history.kept(history.series("my_dev_spearman")) == 1
    damaged[2].pop("alignment")
    assert history.kept(history.series("alignment")) is None
    assert [numbers.tolist() for numbers in history.way] == [[-1.7], [0.3]]


def test_a_run_without_evaluations_has_no_dev_score():
    history = History([LINES[1], LINES[3]])
    assert (history.score, history.dev, history.vectors) == (None, "", None)
    assert history.kept(history.series("loss")) is None


def test_a_directory_without_metrics_has_no_history(tmp_path: Path):
    assert History.of(tmp_path, None) is None
    (tmp_path / "metrics.jsonl").touch()
    assert History.of(tmp_path, None) is None


def test_a_line_that_a_crash_cut_short_is_left_out(tmp_path: Path):
    (tmp_path / "metrics.jsonl").write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "lo')
    history = History.of(tmp_path, None)
    assert history is not None
    assert history.series("loss").values.tolist() == [2]


def test_a_real_run_is_read(run: Path):
    history = History.of(run, None)
    assert history is not None
    assert history.dev == "dev spearman"
    assert history.series("alignment").steps.tolist() == [0, 2, 4]
    assert history.series("loss").steps.tolist() == [1]
    assert history.vectors == pytest.approx(300)
