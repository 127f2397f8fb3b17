"""What models make of scored pairs: similarities by gold score, and by how much the two sentences differ in length."""

from functools import partial
from itertools import pairwise
from math import inf, isinf

import numpy as np
from numpy.typing import NDArray

from simemb.evaluation.geometry import histogram
from simemb.evaluation.tasks.geometry import COSINE_EDGES
from simemb.report.disagreement import ScoredPairs
from simemb.report.figures import histogram as drawn_histogram
from simemb.report.figures import length as drawn_length
from simemb.report.figures.panel import Panel
from simemb.report.model import ReportedModel
from simemb.report.numbers import in_text
from simemb.report.report import Report

BINS = 5
WORDS = (0, 1, 2, 3, 5, 8, 13, inf)
"""Edges of the bins of length differences, in words."""
FEWEST = 20
"""Pairs that a bin of length differences must have to be shown."""


def histograms(report: Report) -> list[Panel]:
    """One panel for each model, all with the same bins."""
    if report.pairs is None:
        return []
    suite, pairs_list = report.pairs
    edges = _cosine_edges(pairs_list)
    return [
        _histogram(place, reported, pairs, suite.name, edges) for place, (reported, pairs) in _each(report, pairs_list)
    ]


def _each(report: Report, pairs_list: list[ScoredPairs]) -> list[tuple[int, tuple[ReportedModel, ScoredPairs]]]:
    return list(enumerate(zip(report.all_models, pairs_list, strict=True)))


def _cosine_edges(pairs_list: list[ScoredPairs]) -> NDArray[np.float64]:
    """Those of `simemb.evaluation.tasks.geometry`, without the bins that no model needs."""
    lowest = min(float(pairs.cosine.min()) for pairs in pairs_list)
    edges = np.array(COSINE_EDGES)
    return edges[max(int(np.searchsorted(edges, lowest, side="right")) - 1, 0) :]


def gold_bins(pairs: ScoredPairs) -> tuple[list[float], list[str]]:
    """Edges of the bins of gold scores, and their names: five of equal width, or one for no and one for yes."""
    low, high = pairs.scale
    if pairs.binary:
        return [low, (low + high) / 2, high], [f"{low:g}", f"{high:g}"]
    edges = np.linspace(low, high, BINS + 1).tolist()
    return edges, [f"{left:.3g} to {right:.3g}" for left, right in pairwise(edges)]


def _histogram(
    place: int, reported: ReportedModel, pairs: ScoredPairs, suite: str, edges: NDArray[np.float64]
) -> Panel:
    gold_edges, names = gold_bins(pairs)
    counts = histogram(pairs.cosine, pairs.gold, gold_edges=gold_edges, cosine_edges=edges.tolist())
    of_bin = np.clip(np.digitize(pairs.gold, gold_edges) - 1, 0, len(names) - 1)
    ridges = [
        drawn_histogram.Ridge(
            name,
            row / max(row.sum(), 1),
            float(pairs.cosine[of_bin == level].mean()) if (of_bin == level).any() else float("nan"),
        )
        for level, (name, row) in enumerate(zip(names, counts, strict=True))
    ]
    told = ", ".join(f"{in_text(ridge.mean)} for gold {ridge.label}" for ridge in ridges)
    return Panel(
        key=f"histogram-{place}",
        title=reported.label,
        caption=f"Cosines of {len(pairs.gold):,} pairs of {suite} by gold score, with the mean of each bin.",
        description=f"Histograms of the cosine, one for each bin of gold scores. Mean cosine: {told}.",
        draw=partial(drawn_histogram.draw, edges=edges, ridges=ridges, look=reported.look),
        height=0.7 + 0.34 * len(ridges),
    )


def length(report: Report) -> list[Panel]:
    """One panel for all models: how far cosines run ahead of gold scores, by the difference in length."""
    if report.pairs is None:
        return []
    suite, pairs_list = report.pairs
    of_bin = np.digitize(pairs_list[0].surface.difference, WORDS) - 1
    shown = [level for level in range(len(WORDS) - 1) if (of_bin == level).sum() >= FEWEST]
    if len(shown) < 2:
        return []
    names = [_bin_name(WORDS[level], WORDS[level + 1]) for level in shown]
    models = [
        drawn_length.Excess(
            reported.label,
            reported.look,
            np.array([pairs.ahead[of_bin == level].mean() for level in shown]),
            np.array([pairs.ahead[of_bin == level].std() / np.sqrt((of_bin == level).sum()) for level in shown]),
        )
        for _, (reported, pairs) in _each(report, pairs_list)
    ]
    return [
        Panel(
            key="length",
            title="Similarity and difference in length",
            caption="Percentile of the cosine less percentile of the gold score, over "
            f"{len(pairs_list[0].gold):,} pairs of "
            f"{suite.name}, by how many words one sentence is longer than the other; bars are two standard errors. A "
            "model without length bias stays at 0.",
            description="Line chart over the difference in length. "
            + " ".join(_told(model, names) for model in models),
            draw=partial(drawn_length.draw, bins=names, models=models),
            height=2.4,
        )
    ]


def _bin_name(low: float, high: float) -> str:
    if isinf(high):
        return f"{low:g}+"
    return f"{low:g}" if high == low + 1 else f"{low:g}–{high - 1:g}"


def _told(model: drawn_length.Excess, names: list[str]) -> str:
    return (
        f"{model.label}: "
        + ", ".join(f"{excess:+.1f} at {name} words" for excess, name in zip(model.excess, names, strict=True))
        + "."
    )
