"""The names of the models that ship, and how a directory is told from them.

Nothing heavy is imported here, since tables and records need the names too.
"""

from pathlib import Path
from typing import TypeGuard

MINI, BASE = "mini", "base"
"""The two models that ship with the package: a finished encoder, and the language model that it was made from."""
BUNDLED = (MINI, BASE)
FORMER = {"bundled": MINI}
"""What a name of an earlier release stands for now."""


def is_bundled(model: str | Path) -> TypeGuard[str]:
    """Whether this names a model that ships: the word itself, not a path, so ./mini is a directory."""
    return isinstance(model, str) and model in (*BUNDLED, *FORMER)


def as_typed(model: str | Path) -> str:
    """A model as it is typed: a name as it is, a directory as its path, which is ./mini where it would be a name."""
    return f"./{model}" if isinstance(model, Path) and is_bundled(str(model)) else str(model)
