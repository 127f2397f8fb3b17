"""Learning curves, and the way of a training through the plane of alignment and uniformity."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from simemb.report.figures import curves as drawn
from simemb.report.figures import plane as drawn_plane
from simemb.report.figures.panel import Panel
from simemb.report.history import History, Series, in_words
from simemb.report.model import ReportedModel
from simemb.report.report import Report

Runs = Sequence[tuple[ReportedModel, History]]

# Of every batch that was logged: name in metrics.jsonl, title, caption.
BATCHES = (
    (
        "loss",
        "Training loss",
        "The loss of single batches. It depends on batch size, temperature and objective: compare it within a run, or "
        "between runs of one recipe.",
    ),
    (
        "positive",
        "Cosine of positives",
        "Mean cosine of the two views of a sentence, in single batches.",
    ),
    (
        "negative",
        "Cosine of negatives",
        "Mean cosine of different sentences of a batch. Near 1, the vectors have collapsed.",
    ),
)


def curves(report: Report) -> list[Panel]:
    """Loss, dev score, alignment, uniformity, cosines of positives and of negatives, where runs logged them."""
    runs = _runs(report)
    batches = [_batches(runs, *measure) for measure in BATCHES]
    evaluations = [panel for dev, group in _by_dev(runs).items() for panel in _evaluations(dev, group)]
    return [panel for panel in (*batches[:1], *evaluations, *_beside(runs), *batches[1:]) if panel is not None]


def ways(report: Report) -> list[Panel]:
    """Alignment and uniformity of every evaluation of a training, one panel for each dev suite."""
    return [_ways(dev, group) for dev, group in _by_dev(_runs(report)).items()]


def _runs(report: Report) -> Runs:
    return [(reported, reported.history) for reported in report.models if reported.history is not None]


def _by_dev(runs: Runs) -> dict[str, Runs]:
    """Runs that evaluated on the same suite: numbers on different sentences do not belong in one figure."""
    groups: dict[str, list[tuple[ReportedModel, History]]] = {}
    for reported, history in runs:
        if history.score is not None and len(history.way[0]):
            groups.setdefault(history.dev.rpartition(" ")[0], []).append((reported, history))
    return dict(groups)


def _batches(runs: Runs, name: str, title: str, caption: str) -> Panel | None:
    series = [(reported, history.series(name), None) for reported, history in runs]
    return _panel(f"curve-{name}", title, title.lower(), caption, series)


def _evaluations(dev: str, runs: Runs) -> list[Panel]:
    first = runs[0][1]
    on = f"on {first.vectors:,} sentences of {dev}" if first.vectors else f"on {dev}"
    metric = first.dev.rpartition(" ")[2]
    scores = _series(runs, [history.score or "" for _, history in runs])
    panels = [
        _panel(
            f"curve-{_slug(dev)}-score",
            f"Score on {dev}",
            f"{metric} x 100",
            "The score that chooses the checkpoint; the one that was kept is marked. Step 0 is the model that training "
            "began with.",
            scores,
        )
    ]
    for name, title in (("alignment", "Alignment"), ("dev_uniformity", "Uniformity")):
        series = _series(runs, [name] * len(runs))
        caption = f"{title} {on}; lower is better. The checkpoint that was kept is marked."
        panels.append(_panel(f"curve-{_slug(dev)}-{title.lower()}", title, title.lower(), caption, series))
    return [panel for panel in panels if panel is not None]


def _beside(runs: Runs) -> Iterator[Panel | None]:
    """A panel for each dev suite that was scored beside the one that chose."""
    for name in dict.fromkeys(name for _, history in runs for name in history.others):
        dev, _, metric = in_words(name).rpartition(" ")
        caption = "Scored beside the suite that chooses the checkpoint; the one that was kept is marked."
        group = [(reported, history) for reported, history in runs if name in history.others]
        series = _series(group, [name] * len(group))
        yield _panel(f"curve-{_slug(dev)}-beside", f"Score on {dev}", f"{metric} x 100", caption, series)


def _series(runs: Runs, names: Sequence[str]) -> list[tuple[ReportedModel, Series, int | None]]:
    """A number of each run's evaluations, and the place of the one that was kept."""
    found = [(reported, history, history.series(name)) for (reported, history), name in zip(runs, names, strict=True)]
    return [(reported, series, history.kept(series)) for reported, history, series in found]


def _panel(
    key: str, title: str, ylabel: str, caption: str, series: Sequence[tuple[ReportedModel, Series, int | None]]
) -> Panel | None:
    present = [each for each in series if each[1]]
    if not present:
        return None
    lines = [
        drawn.Curve(reported.label, reported.look, steps, values, kept) for reported, (steps, values), kept in present
    ]
    return Panel(
        key=key,
        title=title,
        caption=caption,
        description="Line chart over training steps. " + " ".join(map(_told, lines)),
        draw=partial(drawn.draw, curves=lines, ylabel=ylabel),
        height=2.0,
    )


def _told(curve: drawn.Curve) -> str:
    """A curve in words."""
    low, high = int(np.argmin(curve.values)), int(np.argmax(curve.values))

    def at(place: int) -> str:
        return f"{curve.values[place]:.3g} at step {curve.steps[place]:.0f}"

    kept = "" if curve.kept is None else f", kept {at(curve.kept)}"
    return f"{curve.label}: from {at(0)} to {at(-1)}, lowest {at(low)}, highest {at(high)}{kept}."


def _ways(dev: str, runs: Runs) -> Panel:
    drawn_ways = [drawn_plane.Way(reported.label, reported.look, *history.way) for reported, history in runs]
    vectors = runs[0][1].vectors
    on = f"{vectors:,} sentences of {dev}" if vectors else dev
    return Panel(
        key=f"way-{_slug(dev)}",
        title="While training",
        caption=f"Every evaluation of a training, on {on}: from the ring, where it began, to the filled marker. After "
        "Gao et al., 2021, figure 2.",
        description="Lines in a plane, horizontal uniformity, vertical alignment. "
        + " ".join(
            f"{way.label}: from uniformity {way.uniformity[0]:.2f} and alignment {way.alignment[0]:.2f} to "
            f"{way.uniformity[-1]:.2f} and {way.alignment[-1]:.2f}."
            for way in drawn_ways
        ),
        draw=partial(drawn_plane.draw_ways, ways=drawn_ways),
        height=2.6,
    )


def _slug(name: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name)
