"""The cookbook by name: what lies in the packages `simemb.train`, `simemb.eval` and `simemb.data`.

The file system is the registry, and nothing is imported to look into it, so that a list is there at once.
"""

import ast
import re
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

RECIPES, SUITES, CORPORA = "simemb.train", "simemb.eval", "simemb.data"

NAME = r"(?:(?:van|von|de|den|der|la) )*[A-Z][\w'’-]+"
REFERENCE = re.compile(rf"({NAME}(?:(?:, | & | and ){NAME})*(?: et al\.)?), ((?:19|20)\d\d), (https?://\S*[\w/])")
"""Authors, year and address: "Gao et al., 2021, https://arxiv.org/abs/2104.08821"."""


@dataclass(frozen=True)
class Card:
    """What the docstring of a recipe says first.

    name: of the recipe. summary: its first line. paper, year, url: of the first reference "Authors et al., YEAR,
    https://..." in it, by convention where the second paragraph begins; empty if there is none.
    """

    name: str
    summary: str
    paper: str = ""
    year: str = ""
    url: str = ""


def names(package: str) -> list[str]:
    """The modules of a package, sorted; packages inside it are not counted."""
    return sorted(module.name for module in iter_modules(import_module(package).__path__) if not module.ispkg)


def summary(package: str, name: str) -> str:
    """The first line of a module's docstring, read without importing it.

    >>> summary(RECIPES, "simcse")
    'Unsupervised SimCSE: a sentence is its own positive, encoded twice with different dropout masks.'
    """
    return docstring(package, name).partition("\n")[0]


def card(name: str) -> Card:
    """The card of a recipe of the cookbook, read without importing it.

    >>> card("simcse").paper, card("simcse").year, card("simcse").url
    ('Gao et al.', '2021', 'https://arxiv.org/abs/2104.08821')
    """
    return read_card(name, docstring(RECIPES, name))


def read_card(name: str, text: str) -> Card:
    """The card of a docstring `text`; a reference may run over the end of a line."""
    reference = REFERENCE.search(" ".join(text.split()))
    return Card(name, text.partition("\n")[0], *(reference.groups() if reference else ()))


def docstring(package: str, name: str) -> str:
    """The docstring of a module, read without importing it."""
    source = Path(next(iter(import_module(package).__path__)), f"{name}.py").read_text(encoding="utf-8")
    return ast.get_docstring(ast.parse(source)) or ""
