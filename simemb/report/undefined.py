"""Numbers that do not exist, such as a correlation with equal cosines: how a table shows and explains them."""

from collections.abc import Sequence
from math import isnan, nan

from simemb.evaluation.scores import Scores
from simemb.report import headings

UNDEFINED = "-"


def note(scores_list: Sequence[Scores], name: str) -> str:
    """What does not exist and why, with the models and tasks without the number `name`."""
    lacking = [
        f"{model} on {_tasks(scores, name)}"
        for model, scores in zip(headings.models(scores_list), scores_list, strict=True)
        if isnan(scores.number(name))
    ]
    where = f": {'; '.join(lacking)}; an average of it does not exist either" if lacking else ""
    return f"{UNDEFINED} undefined: all cosines are equal (collapsed vectors), or nothing is positive{where}"


def _tasks(scores: Scores, name: str) -> str:
    return ", ".join(task for task, of_task in scores.tasks.items() if isnan(of_task.numbers().get(name, nan)))
