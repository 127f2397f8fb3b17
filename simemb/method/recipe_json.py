"""A recipe as JSON and back; the recipe and each of its nouns carry the name of their class."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from simemb.errors import RecipeError, unknown
from simemb.method import (
    auxiliaries,
    embedding_augmentations,
    heads,
    lessons,
    memory,
    objectives,
    sampled_dropout,
    targets,
    text_augmentations,
    token_augmentations,
    trained_parts,
    views,
)

BASES = (
    text_augmentations.TextAugmentation,
    token_augmentations.TokenAugmentation,
    embedding_augmentations.EmbeddingAugmentation,
    auxiliaries.Auxiliary,
    objectives.Objective,
    objectives.Composed,
)
"""Base classes of nouns; they are not nouns themselves."""

CLASSES = (
    *(views.View, lessons.Lesson, embedding_augmentations.Adversarial, sampled_dropout.SampledDropout),
    *(heads.Projector, heads.MLP, memory.Queue, memory.Bank, memory.Noise, trained_parts.LoRA),
    *(targets.StopGradient, targets.EMA, targets.Twin, targets.Frozen, objectives.FalseNegatives),
)


def noun_classes() -> dict[str, Any]:
    """The classes of nouns by name, including those that recipe files have defined so far."""
    nouns = [*CLASSES, *(kind for base in BASES for kind in _subclasses(base) if kind not in BASES)]
    return {kind.__name__: kind for kind in nouns}


def _subclasses(base: type) -> list[type]:
    children = base.__subclasses__()
    return children + [kind for child in children for kind in _subclasses(child)]


def to_json(noun: Any) -> dict[str, Any]:
    """A noun as plain JSON; it and every noun inside carry their class name as `kind`."""
    content: dict[str, Any] = {"kind": type(noun).__name__}
    for field in fields(noun):
        value = getattr(noun, field.name)
        if isinstance(value, tuple):
            content[field.name] = [to_json(item) if is_dataclass(item) else item for item in value]
        else:
            content[field.name] = to_json(value) if is_dataclass(value) else value
    return content


def from_json(content: Mapping[str, Any], kinds: Mapping[str, Any]) -> Any:
    """The inverse of `to_json`, given the classes by name. Raises `RecipeError` for an unknown field or kind."""
    values = dict(content)
    kind = values.pop("kind", None)
    if not isinstance(kind, str) or kind not in kinds:
        raise RecipeError(unknown("kind of noun", kind, kinds))
    allowed = [field.name for field in fields(kinds[kind])]
    for name, value in values.items():
        if name not in allowed:
            raise RecipeError(unknown(f"field of {kind}", name, allowed))
        if isinstance(value, list):
            values[name] = tuple(from_json(item, kinds) if isinstance(item, dict) else item for item in value)
        elif isinstance(value, dict):
            values[name] = from_json(value, kinds)
    try:
        return kinds[kind](**values)
    except TypeError as error:
        raise RecipeError(f"this {kind} is not whole: {error}") from error
