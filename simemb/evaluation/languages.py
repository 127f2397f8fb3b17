"""The suites for a language: one to choose checkpoints on, and one to report."""

from typing import NamedTuple

from simemb.corpus.language import CHINESE, ENGLISH


class Suites(NamedTuple):
    """dev: the suite that chooses a checkpoint. test: the suite of the final score."""

    dev: str
    test: str


SUITES = {ENGLISH: Suites("stsb_dev", "sts"), CHINESE: Suites("zh_stsb_dev", "zh")}
"""By language. There are no others."""


def suites_for(language: str) -> Suites | None:
    """The suites for texts of this language; those of English if no text has a letter; None if there are none."""
    return SUITES.get(language or ENGLISH)


def final_suite(language: str) -> str:
    """What to score a model of this language on: a suite, or a file of the user's where there is none."""
    suites = suites_for(language)
    return suites.test if suites else "my_pairs.tsv"
