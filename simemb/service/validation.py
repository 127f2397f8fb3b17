"""A value of JSON read by its schema: the schemas of the OpenAPI document are what requests are checked with.

Of JSON Schema these words are known: type, enum, minimum, maximum, minItems, maxItems, items, properties,
required, anyOf and default. `title` says in messages what a value should be. Keys that a schema does not name are left
out, as OpenAI's clients expect.
"""

import re
from collections.abc import Mapping
from typing import Any

from simemb.arguments import shown
from simemb.errors import unknown
from simemb.service.refusals import INVALID, TOO_LARGE, Kind, Refusal

Schema = Mapping[str, Any]

_PLACES = re.compile(r"\[(\d+)\]")
"""The places in lists of `input[3][0]`."""

WORDS = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def read(value: Any, schema: Schema, name: str = "") -> Any:
    """The value as its schema has it, with defaults in the place of what is absent. Raises `Refusal`.

    >>> read({"k": 3.0}, {"type": "object", "properties": {"k": {"type": "integer"}, "n": {"default": 5}}})
    {'k': 3, 'n': 5}
    """
    if "anyOf" in schema:
        return _any_of(value, schema, name)
    types = _types(schema)
    kind = next((kind for kind in types if _is(value, kind)), None)
    if types and kind is None:
        raise _wrong(value, schema, name)
    if value is None:
        return schema.get("default")
    if "enum" in schema and value not in schema["enum"]:
        allowed = [word for word in schema["enum"] if word is not None]
        raise _outside(INVALID, unknown(name, value, allowed), name)
    if kind == "integer":
        value = int(value)
    if kind in ("integer", "number"):
        _check_range(value, schema, name)
    if kind == "array":
        return _list(value, schema, name)
    return _object(value, schema, name) if kind == "object" else value


def _types(schema: Schema) -> tuple[str, ...]:
    stated = schema.get("type", ())
    return (stated,) if isinstance(stated, str) else tuple(stated)


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer":
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    python = {"string": str, "number": (int, float), "array": list, "object": dict, "null": type(None)}
    return kind in python and isinstance(value, python[kind])


def _any_of(value: Any, schema: Schema, name: str) -> Any:
    """By the first alternative that fits; if none does, the complaint is of the one that got furthest in a list."""
    complaints: list[Refusal] = []
    for alternative in schema["anyOf"]:
        if any(_is(value, kind) for kind in _types(alternative)):
            try:
                return read(value, alternative, name)
            except Refusal as complaint:
                complaints.append(complaint)
    if not complaints:
        raise _wrong(value, schema, name)
    raise max(complaints, key=_progress)


def _progress(complaint: Refusal) -> tuple[bool, list[int]]:
    """How far a value was read: what is too large fits otherwise."""
    return complaint.kind is TOO_LARGE, [int(place) for place in _PLACES.findall(complaint.param or "")]


def _list(value: list[Any], schema: Schema, name: str) -> list[Any]:
    items = schema.get("items", {})
    if value:  # of the right kind, before there may be too many
        read(value[0], items, f"{name}[0]")
    for word, beyond, kind in (("minItems", len(value).__lt__, INVALID), ("maxItems", len(value).__gt__, TOO_LARGE)):
        if word in schema and beyond(schema[word]):
            allowed = f"{schema[word]} {'or more' if word == 'minItems' else 'at most'}"
            raise _outside(kind, f"{name} has {len(value)} items (allowed: {allowed})", name)
    return [read(item, items, f"{name}[{place}]") for place, item in enumerate(value)]


def _object(value: dict[str, Any], schema: Schema, name: str) -> dict[str, Any]:
    properties: Mapping[str, Schema] = schema.get("properties", {})
    for key in schema.get("required", ()):
        if key not in value:
            raise Refusal(INVALID, f"{_inside(name, key)} is missing", _inside(name, key))
    return {
        key: read(value[key], inside, _inside(name, key)) if key in value else inside.get("default")
        for key, inside in properties.items()
    }


def _check_range(value: float, schema: Schema, name: str) -> None:
    low, high = schema.get("minimum"), schema.get("maximum")
    if (low is not None and value < low) or (high is not None and value > high):
        raise _outside(INVALID, f"{name} must be in {low} to {high}, not {value:.15g}", name)


def _wrong(value: Any, schema: Schema, name: str) -> Refusal:
    allowed = schema.get("title") or " or ".join(WORDS[kind] for kind in _types(schema))
    return Refusal(INVALID, f"{name or 'the body'} must be {allowed}, not {shown(value)}", _param(name))


def _outside(kind: Kind, message: str, name: str) -> Refusal:
    return Refusal(kind, message, _param(name))


def _param(name: str) -> str | None:
    return name or None


def _inside(name: str, key: str) -> str:
    return f"{name}.{key}".lstrip(".")
