"""The names of the models that ship, and how a directory is told from them.

Nothing heavy is imported here, since tables and records need the names too.
"""

from pathlib import Path
from typing import TypeGuard

MINI, BASE = "mini", "base"
"""The two models that ship with the package: a finished encoder, and the language model that it was made from."""
BUNDLED = (MINI, BASE)


def is_bundled(model: str | Path) -> TypeGuard[str]:
    """Whether this names a model that ships: the word itself, not a path, so ./mini is a directory."""
    return isinstance(model, str) and model in BUNDLED


def as_typed(directory: Path) -> str:
    """A directory as it is typed where a model is expected: ./mini, since `mini` is the model that ships."""
    return f"./{directory}" if str(directory) in BUNDLED else str(directory)
