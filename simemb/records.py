"""The shapes of JSON: a file of ours is checked against the dataclass that declares what a reader takes from it.

A shape is an annotation: a dataclass for an object, `tuple[X, ...]` for a list, `Mapping[str, X]` for an object with
any keys, a union, `Any`, or a plain type as `simemb.arguments` knows them. Keys that a shape does not name are left
out, so that a later release may write more.
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from simemb.arguments import kind_of, read, shown
from simemb.errors import ArgumentError

Shape = TypeVar("Shape")


def shaped(content: Any, shape: type[Shape]) -> Shape:
    """The content of a JSON file in its shape. Raises `ValueError` that names the place of what does not fit.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Run:
    ...     steps: int
    >>> shaped({"steps": 5, "more": True}, Run)
    Run(steps=5)
    >>> shaped({"steps": "five"}, Run)
    Traceback (most recent call last):
    ValueError: steps must be a whole number, not 'five'
    """
    try:
        return _fit(content, shape, "")
    except ArgumentError as error:
        raise ValueError(str(error)) from None


def _fit(value: Any, shape: Any, name: str) -> Any:
    origin, inside = get_origin(shape), get_args(shape)
    if is_dataclass(shape):
        return _object(value, shape, name)
    if origin in (Union, UnionType):
        return _either(value, inside, name)
    if origin is tuple and inside[1:] == (...,) and isinstance(value, list):
        return tuple(_fit(item, inside[0], f"{name}[{place}]") for place, item in enumerate(value))
    if origin in (Mapping, dict):
        if not isinstance(value, dict):
            raise ArgumentError(f"{name or 'it'} must be an object, not {shown(value)}")
        return {key: _fit(item, inside[1], _inside(name, key)) for key, item in value.items()}
    kind = kind_of(shape)
    return value if kind is None else read(kind, value, name or "it")


def _object(value: Any, shape: Any, name: str) -> Any:
    if not isinstance(value, dict):
        raise ArgumentError(f"{name or 'it'} must be an object, not {shown(value)}")
    hints, given = get_type_hints(shape), dict[str, Any]()
    for field in fields(shape):
        if field.name in value:
            given[field.name] = _fit(value[field.name], hints[field.name], _inside(name, field.name))
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ArgumentError(f"{_inside(name, field.name)} is missing")
    return shape(**given)


def _either(value: Any, shapes: tuple[Any, ...], name: str) -> Any:
    """The first shape that fits. If none does, the complaint is about the first, which is the usual one."""
    complaints: list[ArgumentError] = []
    for shape in shapes:
        try:
            return _fit(value, shape, name)
        except ArgumentError as error:
            complaints.append(error)
    raise complaints[0]


def _inside(name: str, key: str) -> str:
    return f"{name}.{key:.60}".lstrip(".")
