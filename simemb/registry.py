"""The cookbook by name: what lies in the packages `simemb.train`, `simemb.eval` and `simemb.data`.

The file system is the registry, and nothing is imported to look into it, so that a list is there at once.
"""

import ast
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

RECIPES, SUITES, CORPORA = "simemb.train", "simemb.eval", "simemb.data"


def names(package: str) -> list[str]:
    """The modules of a package, sorted; packages inside it are not counted."""
    return sorted(module.name for module in iter_modules(import_module(package).__path__) if not module.ispkg)


def summary(package: str, name: str) -> str:
    """The first line of a module's docstring, read without importing it.

    >>> summary(RECIPES, "simcse")
    'Unsupervised SimCSE: a sentence is its own positive, seen twice through different dropout masks.'
    """
    source = Path(next(iter(import_module(package).__path__)), f"{name}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
