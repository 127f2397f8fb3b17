"""What rows and columns of scores are called."""

from collections.abc import Sequence

from simemb.comparison.names import labels
from simemb.evaluation.scores import AVERAGE, Scores


def models(scores_list: Sequence[Scores]) -> list[str]:
    """The models, told apart, each with how many of its dimensions were scored if not all."""
    names = labels([scores.model for scores in scores_list])
    sizes = [f", {scores.truncate_dim} dims" if scores.truncate_dim else "" for scores in scores_list]
    return [name + size for name, size in zip(names, sizes, strict=True)]


def average(tasks: Sequence[str], missing: Sequence[str], left_out: Sequence[str]) -> str:
    """What an average is of, if some tasks of the suite were not asked for.

    >>> average(["stsb"], [], []), average(["stsb", "sickr"], [], ["sts12"])
    ('average', 'average of 2 of 3')
    """
    whole = len(tasks) + len(missing) + len(left_out)
    return f"{AVERAGE} of {len(tasks)} of {whole}" if left_out else AVERAGE
