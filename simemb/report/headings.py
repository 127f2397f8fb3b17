"""What rows and columns of scores are called."""

from collections.abc import Sequence

from simemb.evaluation.scores import AVERAGE, Scores


def model(scores: Scores) -> str:
    """The model, and how many of its dimensions were scored if not all."""
    return scores.model + (f", {scores.truncate_dim} dims" if scores.truncate_dim else "")


def average(tasks: Sequence[str], missing: Sequence[str], left_out: Sequence[str]) -> str:
    """What an average is of, if some tasks of the suite were not asked for.

    >>> average(["stsb"], [], []), average(["stsb", "sickr"], [], ["sts12"])
    ('average', 'average of 2 of 3')
    """
    whole = len(tasks) + len(missing) + len(left_out)
    return f"{AVERAGE} of {len(tasks)} of {whole}" if left_out else AVERAGE
