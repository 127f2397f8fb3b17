"""How the vectors of sentences lie: alignment and uniformity, the singular spectrum, a map."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from simemb.evaluation.geometry import singular_spectrum
from simemb.evaluation.scores import Scores
from simemb.report.figures import map as drawn_map
from simemb.report.figures import plane as drawn_plane
from simemb.report.figures import spectrum as drawn_spectrum
from simemb.report.figures.panel import Panel
from simemb.report.figures.style import BASE, Look, look
from simemb.report.report import Report

SAMPLE = 1500
"""Sentences on a map."""
GROUPS = 7
"""Colors on a map; what more groups there are share gray."""
FEWEST = 3
"""Sentences without which there is no map."""
OTHERS = Look(BASE, "-", "o")


def plane(report: Report) -> list[Panel]:
    """Everyone on the plane of alignment and uniformity, with arrows from what runs started from."""
    for suite in report.suites:
        scores_list = report.scores(suite)
        if all(scores.geometry for scores in scores_list):
            return [_plane(report, scores_list)]
    return []


def _plane(report: Report, scores_list: Sequence[Scores]) -> Panel:
    all_models, points = report.all_models, list[drawn_plane.Point]()
    for reported, scores in zip(all_models, scores_list, strict=True):
        base = report.base_of(reported)
        geometry = scores.geometry
        assert geometry is not None
        place = None if base is None else all_models.index(base)
        points.append(drawn_plane.Point(reported.label, reported.look, geometry.uniformity, geometry.alignment, place))
    measured = scores_list[0].geometry
    assert measured is not None
    arrows = " Arrows come from what a run started from." if any(p.base is not None for p in points) else ""
    told = "; ".join(f"{p.label}: uniformity {p.uniformity:.2f}, alignment {p.alignment:.2f}" for p in points)
    return Panel(
        key="plane",
        title="Alignment and uniformity",
        caption=f"Alignment of the {measured.positives:,} pairs of {measured.task} with a gold score of "
        f"{measured.threshold:g} or more, uniformity of its {measured.vectors:,} sentences.{arrows} After Wang & "
        "Isola, 2020.",
        description=f"Points in a plane, horizontal uniformity, vertical alignment. {told}.",
        draw=partial(drawn_plane.draw, points=points),
        height=2.6,
    )


def spectrum(report: Report) -> list[Panel]:
    """The singular values of all_models's vectors of all sentences of a suite."""
    suite, every = origins(report)
    texts = list(every)
    if len(texts) < FEWEST:
        return []
    spectra = [
        drawn_spectrum.Spectrum(reported.label, reported.look, singular_spectrum(reported.vectors(texts)))
        for reported in report.all_models
    ]
    spectra = [each for each in spectra if np.isfinite(each.values).all()]
    if not spectra:
        return []
    told = "; ".join(f"{each.label}: {_half(each.values)} of {len(each.values)} directions" for each in spectra)
    return [
        Panel(
            key="spectrum",
            title="Singular spectrum",
            caption=f"Singular values of the centered unit vectors of {len(texts):,} sentences of "
            f"{suite}. The flatter, the more directions are in use.",
            description=f"Falling curves on a logarithmic axis. Directions that hold half of the variance: {told}.",
            draw=partial(drawn_spectrum.draw, spectra=spectra),
            height=2.4,
        )
    ]


def _half(values: NDArray[np.float64]) -> int:
    """The number of largest singular values that hold half of the variance."""
    shares = np.cumsum(np.square(values)) / np.square(values).sum()
    return int(np.searchsorted(shares, 0.5) + 1)


def maps(report: Report) -> list[Panel]:
    """One map for each model, of the same sentences."""
    suite, every = origins(report)
    if len(every) < FEWEST:
        return []
    texts, names = list(every), list(every.values())
    chosen = np.sort(np.random.default_rng(0).permutation(len(texts))[:SAMPLE])
    sample = [texts[row] for row in chosen]
    groups = _groups([names[row] for row in chosen])
    scores_list: list[Panel] = []
    for place, reported in enumerate(report.all_models):
        places, explained = project(reported.vectors(sample))
        drawn = [drawn_map.Group(name, shown, places[rows]) for name, shown, rows in groups]
        scores_list.append(
            Panel(
                key=f"map-{place}",
                title=reported.label,
                caption=f"{len(sample):,} of {len(texts):,} sentences of {suite}, by their two main components.",
                description=f"Scatter plot of sentence vectors, colored by origin ({', '.join(g[0] for g in groups)}); "
                f"the two axes hold {100 * sum(explained):.1f} % of the variance.",
                draw=partial(drawn_map.draw, groups=drawn, explained=explained),
                height=3.0,
            )
        )
    return scores_list


def origins(report: Report) -> tuple[str, dict[str, str]]:
    """The first suite that keeps its sentences, and where each is from: the task, or of a single task the subset."""
    for suite in report.suites:
        outcomes = report.scores(suite)[0].outcomes
        scores_list: dict[str, str] = {}
        for task, units in outcomes.items():
            for texts, subset in zip(units.texts, units.subsets, strict=True):
                for text in texts:
                    scores_list.setdefault(text, subset if len(outcomes) == 1 else task)
        if scores_list:
            return suite.name, scores_list
    return "", {}


def project(vectors: NDArray[np.float32]) -> tuple[NDArray[np.float64], tuple[float, float]]:
    """Principal components 1 and 2 of unit vectors [texts, 2], and their shares of the variance, in [0, 1].

    By singular value decomposition. A component may as well point the other way; here its largest entry is positive.
    """
    unit = vectors.astype(np.float64)
    unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-12)
    left, values, right = np.linalg.svd(unit - unit.mean(axis=0), full_matrices=False)
    signs = np.sign(right[np.arange(2), np.abs(right[:2]).argmax(axis=1)])
    shares = np.square(values) / max(float(np.square(values).sum()), 1e-12)
    return left[:, :2] * values[:2] * signs, (float(shares[0]), float(shares[1]))


def _groups(names: Sequence[str]) -> list[tuple[str, Look, list[int]]]:
    """Rows by name, the largest groups with a look of their own."""
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        rows.setdefault(name, []).append(row)
    largest = sorted(rows, key=lambda name: -len(rows[name]))[:GROUPS]
    scores_list = [
        (name, look(place), rows[name]) for place, name in enumerate(name for name in rows if name in largest)
    ]
    rest = [row for name in rows if name not in largest for row in rows[name]]
    return [*scores_list, *([("others", OTHERS, rest)] if rest else [])]
