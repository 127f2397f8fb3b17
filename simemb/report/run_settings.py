"""The settings of the runs in a report: recipe, data and what was seen of each, environment; what differs first."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from simemb.report.model import ReportedModel

SECTIONS = ("recipe", "run", "data", "versions", "machine", "git")
"""Parts of recipe.json in the order in which they are shown; the command is shown separately."""


class Row(NamedTuple):
    """A setting: its path, and its value in every run, empty for a run without it."""

    name: str
    values: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether all runs have the same value."""
        return len(set(self.values)) == 1


class RunSettings(NamedTuple):
    """The settings of some runs.

    runs: those with a recipe.json. differing, same: their settings; those of a single run are all the same.
    """

    runs: list[ReportedModel]
    differing: list[Row]
    same: list[Row]


def run_settings(models: Sequence[ReportedModel]) -> RunSettings:
    """The settings of the models that are runs."""
    runs = [reported for reported in models if reported.recipe is not None]
    leaves = [dict(_leaves(_shown(run.recipe or {}))) | (run.history.seen if run.history else {}) for run in runs]
    names = _together(name for each in leaves for name in each)
    rows = [Row(name, tuple(each.get(name, "") for each in leaves)) for name in names]
    return RunSettings(runs, [row for row in rows if not row.same], [row for row in rows if row.same])


def _shown(recipe: dict[str, Any]) -> dict[str, Any]:
    return {name: recipe[name] for name in SECTIONS if name in recipe}


def _together(names: Iterable[str]) -> list[str]:
    """Each name once, in order, with the names of one part of a recipe (`recipe.head`) together."""
    parts: dict[str, dict[str, None]] = {}
    for name in names:
        parts.setdefault(".".join(name.split(".")[:2]), {})[name] = None
    return [name for part in parts.values() for name in part]


def _leaves(content: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every value of nested JSON with its path; a list of plain values is one value."""
    if isinstance(content, dict):
        for name, value in content.items():
            yield from _leaves(value, f"{path}.{name}".lstrip("."))
    elif isinstance(content, list) and any(isinstance(item, dict | list) for item in content):
        for place, value in enumerate(content):
            yield from _leaves(value, f"{path}.{place}")
    else:
        yield path, content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
