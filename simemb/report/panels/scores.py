"""Scores of all models on the tasks of a suite, with their intervals."""

from collections.abc import Mapping
from functools import partial
from math import nan

import numpy as np

from simemb.evaluation.scores import AVERAGE, Scores
from simemb.evaluation.suite import Suite
from simemb.report.figures import scores as drawn
from simemb.report.figures.panel import Panel
from simemb.report.headings import average
from simemb.report.intervals import Interval
from simemb.report.model import ReportedModel
from simemb.report.numbers import in_text, in_words
from simemb.report.report import Report

CAPTION = (
    "Intervals hold 95 % of the scores of resampled {units} (bootstrap). They say how far a score may be off by chance "
    "in what was tested; two that overlap may belong to models that clearly differ on the same {units}, which "
    "simemb compare tests."
)


def scores(report: Report) -> list[Panel]:
    """One panel for each suite."""
    return [scores_of(report, suite) for suite in report.suites]


def scores_of(report: Report, suite: Suite) -> Panel:
    """The headline of every task and its average."""
    scores_list = report.scores(suite)
    tasks = list(scores_list[0].tasks)
    names = [*tasks, AVERAGE] if len(tasks) > 1 else tasks
    models = [
        _scored(reported, scores, names, intervals)
        for reported, scores, intervals in zip(report.all_models, scores_list, report.intervals(suite), strict=True)
    ]
    shown = [*tasks, average(tasks, scores_list[0].missing, scores_list[0].left_out)][: len(names)]
    certain = any(np.isfinite(model.low).any() for model in models)
    pairs = all(scores.outcomes[task].gold is not None for scores in scores_list for task in scores.outcomes)
    return Panel(
        key=f"scores-{''.join(letter for letter in suite.name if letter.isalnum())}",
        title=f"Scores on {suite.name}",
        caption=CAPTION.format(units="pairs" if pairs else "units") if certain else "These scores have no intervals.",
        description="Dot plot. " + " ".join(_told(model, shown) for model in models),
        draw=partial(
            drawn.draw, tasks=shown, models=models, xlabel=in_words(scores_list[0].headline), average=len(tasks) > 1
        ),
        height=0.75 + len(names) * max(0.2, 0.085 * len(models) + 0.06),
    )


def _scored(
    reported: ReportedModel, scores: Scores, names: list[str], intervals: Mapping[str, Interval]
) -> drawn.Scored:
    points = [
        scores.points if name == AVERAGE else scores.tasks[name].numbers().get(scores.headline, nan) for name in names
    ]
    low, high = zip(*(intervals.get(name, Interval(nan, nan)) for name in names), strict=True)
    return drawn.Scored(reported.label, reported.look, points, low, high)


def _told(model: drawn.Scored, names: list[str]) -> str:
    parts = [
        f"{name} {in_text(point)}" + (f" ({low:.2f} to {high:.2f})" if np.isfinite(low) else "")
        for name, point, low, high in zip(names, model.points, model.low, model.high, strict=True)
    ]
    return f"{model.label}: {', '.join(parts)}."
