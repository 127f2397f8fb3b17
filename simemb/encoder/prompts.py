"""Prompts: texts of a model that are put before every text, as sentence-transformers does.

A model that was trained with prompts (E5: "query: " and "passage: ") needs them. They have names, and one may be the
default. Queries and documents get those of `ROLES`.
"""

import logging
from collections.abc import Mapping
from functools import cache
from itertools import islice
from typing import Any, Literal

from simemb.errors import ModelError, unknown

log = logging.getLogger("simemb")

SHOWN = 10
"""Names of prompts that are shown."""

Role = Literal["text", "query", "document"]
"""What a text is to a task: a query or a document of a search, or neither."""
ROLES: Mapping[Role, tuple[str, ...]] = {"text": (), "query": ("query",), "document": ("document", "passage", "corpus")}
"""The names of the prompts for a role; the first that a model has is taken, or its default."""


def resolve(
    prompts: Mapping[str, str], default: str | None, prompt: str | None = None, prompt_name: str | None = None
) -> str:
    """The prompt of a call: the text itself, the one of this name, or the default; empty if there is none.

    Raises `ModelError` if there is no prompt of that name, or if both are given.
    """
    if prompt is not None and prompt_name is not None:
        raise ModelError(f"prompt and prompt_name ({prompt_name!r}) exclude each other: give one of them")
    if prompt is not None:
        return prompt
    name = default if prompt_name is None else prompt_name
    if name is None:
        return ""
    if name not in prompts:
        raise ModelError(unknown("prompt", name, prompts))
    return prompts[name]


def prompt_for(encoder: Any, role: Role) -> str:
    """The prompt that an encoder puts before texts of a role; empty for an encoder without prompts."""
    prompts: Mapping[str, str] = getattr(encoder, "prompts", {})
    name = next((name for name in ROLES[role] if name in prompts), None)
    return resolve(prompts, getattr(encoder, "default_prompt", None), prompt_name=name)


def prompted(encoder: Any, role: Role) -> dict[str, Any]:
    """The keyword of `encode` for texts of a role; none for an encoder without prompts, which may not have it."""
    return {"prompt": prompt_for(encoder, role)} if getattr(encoder, "prompts", {}) else {}


def used(encoder: Any, *roles: Role) -> dict[str, str]:
    """The prompts that are put before texts of these roles; empty for an encoder without any."""
    prompts: Mapping[str, str] = getattr(encoder, "prompts", {})
    return {role: prompt_for(encoder, role) for role in roles} if any(prompts.values()) else {}


def announce(encoder: Any, *roles: Role) -> dict[str, str]:
    """Say once which prompts are put before texts of these roles, if the encoder has any prompts; returns them."""
    taken = used(encoder, *roles)
    if taken:
        names = [*islice(encoder.prompts, SHOWN), *["..."] * (len(encoder.prompts) > SHOWN)]
        _say(f"{encoder.name} has prompts ({', '.join(names)}): {in_words(taken)}")
    return taken


def in_words(prompts: Mapping[str, str]) -> str:
    """Prompts by the roles of the texts that they are put before, in words.

    >>> in_words({"query": "query: ", "document": ""})
    "'query: ' before queries, nothing before documents"
    """
    parts = (f"{prompt!r}" if prompt else "nothing" for prompt in prompts.values())
    return ", ".join(f"{part} before {_PLURALS.get(role, role)}" for part, role in zip(parts, prompts, strict=True))


_PLURALS: Mapping[str, str] = {"text": "texts", "query": "queries", "document": "documents"}


@cache
def _say(message: str) -> None:
    log.warning("%s", message)
