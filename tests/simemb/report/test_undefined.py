"""What a table says about a number that does not exist."""

from math import nan

from simemb.evaluation.scores import Correlation, Scores, SimilarityScores
from simemb.report import undefined


def scores(model: str, **points: float) -> Scores:
    tasks = {
        task: SimilarityScores(*(Correlation(value, value) for _ in range(3)), 2, {}) for task, value in points.items()
    }
    average = SimilarityScores.average(list(tasks.values()))
    return Scores(model, "0", "mine", dict(tasks), average, None, {}, {}, "2026-01-01")


def test_the_note_names_models_and_tasks_without_the_number():
    flat, fine = scores("flat", a=nan, b=1.0, c=nan), scores("fine", a=1.0, b=2.0, c=3.0)
    assert undefined.note([flat, fine], "spearman").endswith(": flat on a, c; an average of it does not exist either")
    assert undefined.note([fine], "spearman").endswith("or nothing is positive")
