"""How the models of a report were made: recipe, settings, data and environment of every run, what differs in front."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from simemb.report.model import Subject

SECTIONS = ("recipe", "run", "data", "versions", "machine", "git")
"""Parts of recipe.json, in the order they are shown; the command stands by itself."""


class Row(NamedTuple):
    """A setting: where it is, and its value in every run, empty where a run does not have it."""

    name: str
    values: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether all runs have it alike."""
        return len(set(self.values)) == 1


class Made(NamedTuple):
    """The settings of some runs.

    runs: those with a recipe.json. differing, same: their settings; those of a single run are all the same.
    """

    runs: list[Subject]
    differing: list[Row]
    same: list[Row]


def made(subjects: Sequence[Subject]) -> Made:
    """The settings of the models that are runs."""
    runs = [subject for subject in subjects if subject.recipe is not None]
    leaves = [dict(_leaves(_shown(run.recipe or {}))) for run in runs]
    names = _together(name for each in leaves for name in each)
    rows = [Row(name, tuple(each.get(name, "") for each in leaves)) for name in names]
    return Made(runs, [row for row in rows if not row.same], [row for row in rows if row.same])


def _shown(recipe: dict[str, Any]) -> dict[str, Any]:
    return {name: recipe[name] for name in SECTIONS if name in recipe}


def _together(names: Iterable[str]) -> list[str]:
    """Each name once, in order, but those of one part of a recipe (`recipe.head`) together."""
    parts: dict[str, dict[str, None]] = {}
    for name in names:
        parts.setdefault(".".join(name.split(".")[:2]), {})[name] = None
    return [name for part in parts.values() for name in part]


def _leaves(content: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every value of nested JSON with the path that leads to it; a short list of plain values is one value."""
    if isinstance(content, dict):
        for name, value in content.items():
            yield from _leaves(value, f"{path}.{name}".lstrip("."))
    elif isinstance(content, list) and any(isinstance(item, dict | list) for item in content):
        for place, value in enumerate(content):
            yield from _leaves(value, f"{path}.{place}")
    else:
        yield path, content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
