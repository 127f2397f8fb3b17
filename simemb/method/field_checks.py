"""Checks of single fields of a recipe and its nouns: closed lists of values, and ranges of numbers.

Messages name a field by its command-line option. `simemb.method.recipe` checks combinations of fields.
"""

from dataclasses import fields, is_dataclass
from math import inf
from typing import Any, Literal, get_args, get_origin

from simemb.errors import RecipeError, unknown


def check_choices(noun: Any, path: str = "") -> None:
    """Raise `RecipeError` for a field whose value is not in its closed list, in nested nouns too."""
    for field in fields(noun):
        value, name = getattr(noun, field.name), path + field.name
        allowed = get_args(field.type)
        if get_origin(field.type) is Literal and value not in allowed:
            raise RecipeError(unknown(f"value of {name}", value, allowed))
        children = {f"{name}.{place}": item for place, item in enumerate(value)} if isinstance(value, tuple) else {}
        for where, item in (children or {name: value}).items():
            if is_dataclass(item):
                check_choices(item, f"{where}.")


def check_nouns(noun: Any) -> None:
    """Check each noun inside again, as when it was made: that may have been put off (`simemb.method.deferral`)."""
    for field in fields(noun):
        value = getattr(noun, field.name)
        for item in value if isinstance(value, tuple) else (value,):
            if is_dataclass(item):
                getattr(item, "__post_init__", lambda: None)()
                check_nouns(item)


def check_at_least(low: float, values: dict[str, float | None]) -> None:
    """Raise `RecipeError` for a value below `low`; None stands for a default."""
    for name, value in values.items():
        if value is not None and not value >= low:
            raise RecipeError(f"{option(name)} must be at least {low}, not {value}")


def check_fraction(values: dict[str, float | None]) -> None:
    """Raise `RecipeError` for a value outside [0, 1); None stands for a default."""
    for name, value in values.items():
        if value is not None and not 0 <= value < 1:
            raise RecipeError(f"{option(name)} must be in [0, 1), not {value}")


def check_positive(values: dict[str, float]) -> None:
    """Raise `RecipeError` for a value that is not above 0, or infinite."""
    for name, value in values.items():
        if not 0 < value < inf:
            raise RecipeError(f"{option(name)} must be above 0, not {value}")


def option(field: str) -> str:
    """The command-line option that sets a field.

    >>> option("learning_rate")
    '--learning-rate'
    """
    return "--" + field.replace("_", "-")
