"""The paper of a recipe in BibTeX, as papers.bib of the cookbook has it; no recipe names it a second time.

A recipe does not know its name: it may have been changed by options, or written in Python. So it is known by its
nouns, as the recipe of the cookbook that has the same ones; of several, the one from which the fewest settings differ.
"""

import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from simemb.cookbook import RECIPES, card, names
from simemb.method.recipe import Recipe
from simemb.method.recipe_files import find

FILE = "papers.bib"
ENTRY = re.compile(r"^@\w+\{.*?^\}$", re.DOTALL | re.MULTILINE)
URL = re.compile(r"^\s*url = \{(.*?)\}", re.MULTILINE)
_NOUN = re.compile(r"(^|\.)kind$|^views\.\d+\.(column|online|target|offset)$")
"""The settings that make a recipe another method: what its parts are, and which text each view reads."""


def entries() -> dict[str, str]:
    """The entries of papers.bib by the address of the paper."""
    path = Path(next(iter(import_module(RECIPES).__path__)), FILE)
    found = ENTRY.findall(path.read_text(encoding="utf-8"))
    return {match[1]: entry for entry in found if (match := URL.search(entry))}


def of(recipe: Recipe) -> str:
    """The BibTeX of the method, empty for one that is none of the cookbook's."""
    name = nearest(recipe)
    return entries().get(card(name).url, "") if name else ""


def nearest(recipe: Recipe) -> str | None:
    """The name of the cookbook's recipe with these nouns, or None."""
    own = _leaves(recipe.to_json())
    differing: dict[str, int] = {}
    for name in names(RECIPES):
        other = _leaves(find(name).to_json())
        different = {path for path in own.keys() | other.keys() if own.get(path) != other.get(path)}
        if not any(map(_NOUN.search, different)):
            differing[name] = len(different)
    return min(differing, key=lambda name: differing[name], default=None)


def _leaves(content: Any, path: str = "") -> dict[str, Any]:
    """Every value of nested JSON by its path."""
    if isinstance(content, Mapping):
        inner = [_leaves(value, f"{path}.{name}".lstrip(".")) for name, value in content.items()]
    elif isinstance(content, list):
        inner = [_leaves(value, f"{path}.{place}".lstrip(".")) for place, value in enumerate(content)]
    else:
        return {path: content}
    return {name: value for leaves in inner for name, value in leaves.items()}
