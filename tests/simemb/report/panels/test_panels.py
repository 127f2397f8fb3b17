"""Every figure shows the numbers of its models: what is drawn is compared with what was measured."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simemb.evaluation.metrics import cosine
from simemb.evaluation.suite import Suite
from simemb.evaluation.tasks import Similarity
from simemb.evaluation.tasks.geometry import VectorGeometry
from simemb.report.figures.panel import Panel
from simemb.report.panels import FIGURES
from simemb.report.panels.pairs import gold_bins
from simemb.report.panels.space import GROUPS, _groups, origins, project
from simemb.report.report import Report


def axes_of(panel: Panel) -> Axes:
    axes = Figure().add_subplot()
    panel.draw(axes)
    return axes


def lines(panel: Panel) -> dict[str, np.ndarray]:
    """What is drawn under each name of the legend."""
    handles, labels = axes_of(panel).get_legend_handles_labels()
    return {
        label: getattr(handle, "lines", [handle])[0].get_xydata() for handle, label in zip(handles, labels, strict=True)
    }


@pytest.mark.parametrize("figure", list(FIGURES))
def test_every_figure_says_what_it_shows_to_who_cannot_see_it(figure: str, report: Report):
    panels = FIGURES[figure](report)
    assert len({panel.key for panel in panels}) == len(panels) > 0
    for panel in panels:
        assert all((panel.title, panel.caption.endswith("."), panel.description.endswith(".")))
        axes_of(panel)


def test_scores_are_drawn_where_they_are(report: Report):
    (panel,) = FIGURES["scores"](report)
    drawn = lines(panel)
    for reported, scores in zip(report.all_models, report.scores(report.suites[0]), strict=True):
        assert drawn[reported.label][:, 0].tolist() == [scores.points]
    assert f"{report.scores(report.suites[0])[0].points:.2f}" in panel.description


def test_curves_are_the_lines_of_metrics_jsonl(report: Report):
    panels = {panel.key: panel for panel in FIGURES["curves"](report)}
    assert list(panels) == [
        "curve-loss",
        "curve-dev-score",
        "curve-dev-alignment",
        "curve-dev-uniformity",
        "curve-positive",
        "curve-negative",
    ]
    history = report.models[0].history
    assert history is not None
    for key, name in (("curve-dev-score", "dev_spearman"), ("curve-dev-uniformity", "dev_uniformity")):
        assert lines(panels[key])["first"].T.tolist() == [each.tolist() for each in history.series(name)]
    assert "300 sentences of dev" in panels["curve-dev-alignment"].caption


def test_the_plane_has_everyone_and_the_way_of_the_training(report: Report):
    plane, way = FIGURES["plane"](report)
    drawn = lines(plane)
    for reported, scores in zip(report.all_models, report.scores(report.suites[0]), strict=True):
        geometry = scores.geometry
        assert geometry is not None
        assert drawn[reported.label].tolist() == [[geometry.uniformity, geometry.alignment]]
    (arrow,) = [text for text in axes_of(plane).texts if not text.get_text()]
    assert arrow.xy == tuple(drawn["first"][0])
    assert arrow.xyann == tuple(drawn["tiny-bert (base)"][0])
    assert len(lines(way)["first"]) == 3


def test_histograms_share_their_bins_and_hold_every_pair(report: Report):
    panels = FIGURES["histogram"](report)
    assert [panel.title for panel in panels] == [reported.label for reported in report.all_models]
    edges = {tuple(axes_of(panel).patches[0].get_data().edges) for panel in panels}
    assert len(edges) == 1
    assert report.pairs is not None
    assert min(edges)[0] <= min(pairs.cosine.min() for pairs in report.pairs[1])


def test_gold_bins_are_five_or_no_and_yes():
    def bins(scale: tuple[float, float], *, binary: bool) -> tuple[list[float], list[str]]:
        fake: Any = type("Pairs", (), {"scale": scale, "binary": binary})
        return gold_bins(fake)

    assert bins((0, 5), binary=False) == (
        [0, 1, 2, 3, 4, 5],
        ["0 to 1", "1 to 2", "2 to 3", "3 to 4", "4 to 5"],
    )
    assert bins((0, 1), binary=True) == ([0, 0.5, 1], ["0", "1"])


def test_a_spectrum_is_that_of_all_sentences(report: Report):
    (panel,) = FIGURES["spectrum"](report)
    reported = report.models[0]
    texts = list(origins(report)[1])
    vectors = reported.vectors(texts).astype(float)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    values = np.linalg.svd(unit - unit.mean(axis=0), compute_uv=False)
    drawn = lines(panel)[reported.label][:, 1]
    present = ~np.isnan(drawn)
    assert drawn[present] == pytest.approx((values / values[0])[: len(drawn)][present], rel=1e-4)
    assert f"{len(texts):,} sentences" in panel.caption


def test_maps_show_the_same_sentences_and_say_how_many(report: Report):
    panels = FIGURES["map"](report)
    assert [panel.title for panel in panels] == [reported.label for reported in report.all_models]
    counts = {sum(len(line.get_xdata()) for line in axes_of(panel).get_lines()) for panel in panels}
    (count,) = counts
    texts = len(origins(report)[1])
    assert count == texts
    assert f"{count:,} of {texts:,} sentences of dev" in panels[0].caption


def test_a_map_keeps_as_much_of_the_variance_as_two_directions_can():
    dice = np.random.default_rng(0)
    vectors = dice.normal(size=(50, 4)).astype(np.float32)
    places, explained = project(vectors)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    total = np.square(unit - unit.mean(axis=0)).sum()
    assert np.square(places).sum(axis=0) / total == pytest.approx(explained, rel=1e-5)
    assert explained[0] >= explained[1]
    assert project(vectors)[0].tolist() == places.tolist()
    # of a flat cloud nothing is lost: distances stay what they are
    flat = np.zeros((3, 4), np.float32)
    flat[:, :2] = [[1, 0], [0, 1], [-1, 0]]
    assert np.linalg.norm(np.diff(project(flat)[0], axis=0), axis=1) == pytest.approx([2**0.5, 2**0.5])
    assert cosine(flat[:1], flat[2:]) == pytest.approx([-1])


def test_the_largest_groups_have_colors_and_the_rest_share_gray():
    names = [str(group) for group in range(GROUPS + 2) for _ in range(GROUPS + 2 - group)]
    found = _groups(names)
    assert [name for name, _, _ in found] == [*map(str, range(GROUPS)), "others"]
    assert sorted(row for _, _, rows in found for row in rows) == list(range(len(names)))
    assert len({(look.color, look.marker) for _, look, _ in found}) == GROUPS + 1


def test_models_without_a_run_have_no_learning_curves(tiny_base: Path, dev_file: Path):
    report = Report([str(tiny_base)], [str(dev_file)])
    assert FIGURES["curves"](report) == []
    assert [panel.key for panel in FIGURES["plane"](report)] == ["plane"]


def test_a_run_that_never_evaluated_has_curves_of_its_batches_alone(own_run: Path, dev_file: Path):
    (own_run / "metrics.jsonl").write_text('{"step": 1, "loss": 2.0, "negative": null}\n{"step": 9, "loss": 1.0}\n')
    report = Report([str(own_run)], [str(dev_file)])
    assert [panel.key for panel in FIGURES["curves"](report)] == ["curve-loss"]


def test_runs_with_different_dev_suites_share_no_picture_of_them(run: Path, own_run: Path, dev_file: Path):
    text = (own_run / "metrics.jsonl").read_text().replace("dev_spearman", "mine_spearman")
    (own_run / "metrics.jsonl").write_text(text.replace("dev_pearson", "mine_pearson"))
    report = Report([str(run), str(own_run)], [str(dev_file)])
    keys = [panel.key for panel in FIGURES["curves"](report)]
    assert keys[:4] == ["curve-loss", "curve-dev-score", "curve-dev-alignment", "curve-dev-uniformity"]
    assert keys[4:7] == ["curve-mine-score", "curve-mine-alignment", "curve-mine-uniformity"]


def test_a_suite_that_was_scored_beside_the_one_that_chose_has_a_curve(own_run: Path, dev_file: Path):
    record = json.loads((own_run / "recipe.json").read_text())
    record["dev"] = {"suites": ["dev", "other"]}
    (own_run / "recipe.json").write_text(json.dumps(record))
    lines = [json.loads(line) for line in (own_run / "metrics.jsonl").read_text().splitlines()]
    lines = [line | ({"other_spearman": 50.0 + line["step"]} if "dev_spearman" in line else {}) for line in lines]
    (own_run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    panels = {panel.key: panel for panel in FIGURES["curves"](Report([str(own_run)], [str(dev_file)]))}
    assert {"curve-dev-score", "curve-other-beside"} <= panels.keys()
    beside = panels["curve-other-beside"]
    assert (beside.title, "chooses" in beside.caption) == ("Score on other", True)
    assert "from 50 at step 0" in beside.description
    assert ", kept " in beside.description


def test_a_suite_that_keeps_no_sentences_has_no_map_and_no_spectrum(tiny_base: Path, dev_file: Path):
    pairs = Similarity("dev", {"test": dev_file})
    suite = Suite("shape", "", (VectorGeometry("dev", pairs),), geometry=None, headline="uniformity")
    report = Report([str(tiny_base)], [suite])
    present = [name for name, figure in FIGURES.items() if figure(report)]
    assert present == ["scores"]
    assert "no intervals" in FIGURES["scores"](report)[0].caption
