"""The type checker of the tests: beartype, on the functions whose annotations name the shape of an array.

jaxtyping applies it to the packages listed in pyproject.toml. Functions without shapes are left alone: tests hand them
wrong values on purpose, to see them refused by the library's own words.
"""

from typing import Any

from beartype import BeartypeConf, beartype

_beartype = beartype(conf=BeartypeConf(is_pep484_tower=True))  # an int is a float, as PEP 484 has it


def checked(function: Any) -> Any:
    """The function, checked at every call if one of its annotations has a shape."""
    annotations = getattr(function, "__annotations__", {}).values()
    return _beartype(function) if any("jaxtyping" in repr(kind) for kind in annotations) else function
