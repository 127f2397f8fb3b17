"""Show the recipes, suites and corpora at hand.

simemb list [recipes|suites|corpora]
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import tyro
from tyro.conf import Positional

from simemb.commands.parsing import parse


@dataclass(frozen=True)
class List:
    """Show what is at hand."""

    what: Positional[Annotated[Literal["all", "recipes", "suites", "corpora"], tyro.conf.arg(metavar="WHAT")]] = "all"
    """all, recipes, suites or corpora."""


def run(words: list[str]) -> None:
    """`simemb list [recipes|suites|corpora]`."""
    options = parse(List, words, prog="simemb list")
    from simemb.report import listing

    lists = {"recipes": recipes, "suites": _suites, "corpora": _corpora}
    for what, rows in lists.items():
        if options.what in ("all", what):
            listing.print_list(what, rows())


def recipes() -> list[tuple[str, ...]]:
    """Name, authors, year and summary of each recipe."""
    from simemb.cookbook import RECIPES, card, names

    cards = map(card, names(RECIPES))
    return [(recipe.name, recipe.paper, recipe.year, recipe.summary) for recipe in cards]


def _suites() -> list[tuple[str, str]]:
    from simemb.evaluation import evaluate

    suites = map(evaluate.find, evaluate.names())
    return [(suite.name, suite.description + _tasks([task.name for task in suite.tasks])) for suite in suites]


def _tasks(names: list[str]) -> str:
    """The tasks that can be picked, as in `--suite sts/stsb`."""
    return f"; tasks: {', '.join(names)}" if len(names) > 1 else ""


def _corpora() -> list[tuple[str, str]]:
    from simemb.corpus import sources

    return [(name, sources.get(name).description) for name in sources.corpora()]
