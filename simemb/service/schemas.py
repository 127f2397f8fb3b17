"""What each route takes and gives, as JSON Schema: the OpenAPI document shows it, and requests are read by it.

The bounds are those of the served models, so a request that fits is not refused for its form.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from simemb.service.engine import Engine
from simemb.service.limits import Limits
from simemb.service.validation import Schema

MOST_QUERIES = 32
"""The most queries of a request to `/search`."""
MOST_HITS = 1000
"""The most hits of a query, and how many of the nearest texts are looked at for those that contain something."""

STRING: Schema = {"type": "string"}
NUMBERS: Schema = {"type": "array", "items": {"type": "number"}}


def optional(schema: Schema, default: Any = None) -> Schema:
    """The same, or null, which is `default` as the absence of the field is."""
    kinds = schema["type"]
    null: dict[str, Any] = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, **null, "type": [*([kinds] if isinstance(kinds, str) else kinds), "null"], "default": default}


def record(properties: Mapping[str, Schema], required: Sequence[str] = ()) -> Schema:
    """An object with these fields."""
    return {"type": "object", "properties": properties, "required": list(required)}


def inputs(engine: Engine, limits: Limits) -> Schema:
    """One text or several, as strings or as token ids of the model with its special tokens."""
    several: dict[str, Any] = {"type": "array", "minItems": 1, "maxItems": limits.max_texts}
    if not engine.vocabulary:
        return {"anyOf": [STRING, {**several, "items": STRING}], "title": "a string or a list of strings"}
    number = {"type": "integer", "minimum": 0, "maximum": engine.vocabulary - 1}
    ids = {"type": "array", "minItems": 1, "maxItems": engine.longest, "items": number}
    return {
        "anyOf": [STRING, ids, {**several, "items": STRING}, {**several, "items": ids}],
        "title": "a string, a list of strings, a list of token ids, or a list of such lists",
    }


def dimensions(engine: Engine) -> Schema:
    """How many of the first dimensions are kept."""
    return optional({"type": "integer", "minimum": 1, "maximum": engine.dim})


def prompt_name(engine: Engine) -> Schema:
    """The prompt that is put before each text."""
    return optional({"type": "string", "enum": engine.prompt_names})


def embeddings(engine: Engine, limits: Limits) -> Schema:
    """The body of `POST /v1/embeddings`."""
    fields = {
        "input": inputs(engine, limits),
        "model": optional(STRING),
        "encoding_format": optional({"type": "string", "enum": ["float", "base64"]}, "float"),
        "dimensions": dimensions(engine),
        "user": optional(STRING),
        "prompt_name": prompt_name(engine),
    }
    return record(fields, ["input"])


def embed(engine: Engine, limits: Limits) -> Schema:
    """The body of `POST /embed`."""
    return record({"inputs": inputs(engine, limits), **_how(engine), "dimensions": dimensions(engine)}, ["inputs"])


def similarity(engine: Engine, limits: Limits) -> Schema:
    """The body of `POST /similarity`."""
    sentences = {"type": "array", "items": STRING, "minItems": 1, "maxItems": max(1, limits.max_texts - 1)}
    pair = record({"source_sentence": STRING, "sentences": sentences}, ["source_sentence", "sentences"])
    how = {name: schema for name, schema in _how(engine).items() if name != "normalize"}
    return record({"inputs": pair, "parameters": optional(record(how), {})}, ["inputs"])


def _how(engine: Engine) -> dict[str, Schema]:
    return {
        "normalize": optional({"type": "boolean"}, True),
        "truncate": optional({"type": "boolean"}),
        "truncation_direction": optional({"type": "string", "enum": ["Right", "right"]}, "Right"),
        "prompt_name": prompt_name(engine),
    }


def search(indexes: Sequence[str]) -> Schema:
    """The body of `POST /search`."""
    queries = {"type": "array", "items": STRING, "minItems": 1, "maxItems": MOST_QUERIES}
    fields = {
        "query": {"anyOf": [STRING, queries], "title": "a string or a list of strings"},
        "k": optional({"type": "integer", "minimum": 1, "maximum": MOST_HITS}, 5),
        "index": optional({"type": "string", "enum": list(indexes)}),
        "contains": optional(STRING),
        "where": optional(STRING),
        "place": optional({"type": "boolean"}, False),
    }
    return record(fields, ["query"])


def corpus_map(indexes: Sequence[str]) -> Schema:
    """The body of `POST /map`."""
    return record({"index": optional({"type": "string", "enum": list(indexes)})})
