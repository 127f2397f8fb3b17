"""Going on with a run by its directory alone: its recipe, settings and data, as its recipe.json has them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simemb.corpus import sources
from simemb.errors import DataError
from simemb.method.recipe_files import find, settings


def arguments(record: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `simemb.fit` by which a run began, those that are given now in their place.

    Raises `DataError` if its data are not given and no longer at hand, `RecipeError` for a record that is damaged.
    """
    recorded = settings(str(record))
    names = recorded.pop("data", ())
    if "data" not in given:
        check_data(record, names)
    recorded |= {"recipe": find(str(record)), "data": list(map(Path, names))}
    return {**{name: value for name, value in recorded.items() if value != ""}, **given}


def check_data(record: Path, names: Sequence[str]) -> None:
    """Raise `DataError` unless the data of a run are files or corpora: they may have been in memory, or moved."""
    missing = [name for name in names if not (Path(name).exists() or name in sources.corpora())]
    if missing:
        raise DataError(f"{record}: the data of the run, {missing[0]!r}, are no file here; give the same data again")
