"""The prompts of a recipe's views: which text stands before which view, and what the trained encoder calls it.

E5 (Wang et al., 2022, https://arxiv.org/abs/2212.03533, section 4.1) puts "query: " and "passage: " before its texts;
INSTRUCTOR (Su et al., 2023, https://arxiv.org/abs/2212.09741, section 2.1) an instruction, whose tokens its mean
leaves out.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from simemb.encoder.encoder import Encoder
from simemb.encoder.prompts import Role, in_words
from simemb.errors import RecipeError, unknown
from simemb.method.recipe import Recipe
from simemb.method.views import View

NAMES = ("query", "document", "text")
"""Whose prompt it is: of views of the first text column, of all others, or of all views."""

_WORD = re.compile(r"[\w.-]+", re.ASCII)
"""A bare word, which would melt into the text behind it: it is taken for a name."""


def assigned(recipe: Recipe, prompts: Mapping[str, str]) -> Recipe:
    """The recipe with a prompt for each view, by `NAMES`. Raises `RecipeError` for another name, or one of no view."""
    for name, text in prompts.items():
        if name not in NAMES:
            raise RecipeError(unknown("prompt", name, NAMES))
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise RecipeError(f"prompts must be texts by name, not {name}: {text!r:.40}")
    if "text" in prompts and len(prompts) > 1:
        raise RecipeError("--prompts text is put before all texts: leave query and document out, or give those two")
    if "document" in prompts and not any(view.column for view in recipe.views):
        raise RecipeError(
            "--prompts document: all views read the first text column; text=... is put before all of them"
        )

    def of(view: View) -> str:
        return prompts.get("text", prompts.get("document" if view.column else "query", view.prompt))

    return replace(recipe, views=tuple(replace(view, prompt=of(view)) for view in recipe.views))


def resolved(recipe: Recipe, encoder: Encoder) -> Recipe:
    """The recipe with the texts of prompts in place of their names.

    A prompt is the name of one that the encoder has, or otherwise the text itself. Raises `RecipeError` for a bare
    word that is no such name, and for three prompts: an encoder has one for queries and one for documents.
    """
    recipe = replace(recipe, views=tuple(replace(view, prompt=_text(view.prompt, encoder)) for view in recipe.views))
    prompts = _distinct(recipe.views)
    if len(prompts) > 2:
        shown = ", ".join(map(repr, prompts))
        raise RecipeError(f"the views have {len(prompts)} prompts ({shown}): queries have one, and documents another")
    if recipe.include_prompt is not None and not any(prompts):
        raise RecipeError("--include-prompt: no view has a prompt (--prompts, or View(prompt=...))")
    return recipe


def named(views: Sequence[View]) -> dict[str, str]:
    """The prompts by the names under which the trained encoder has them; empty without any.

    views: with the texts of their prompts. The first prompt, in the order of the columns, is that of queries.

    >>> named((View(prompt="query: "), View(1, prompt="passage: ")))
    {'query': 'query: ', 'document': 'passage: '}
    """
    prompts = _distinct(views)
    return {"query": prompts[0], "document": prompts[-1]} if any(prompts) else {}


def roles(views: Sequence[View]) -> list[Role]:
    """What the text of each view is to other encoders, which have prompts of their own.

    >>> roles((View(prompt="query: "), View(1))), roles((View(), View(1)))
    (['query', 'document'], ['text', 'text'])
    """
    prompts = _distinct(views)
    if len(prompts) == 1:
        return ["text"] * len(views)
    return ["query" if view.prompt == prompts[0] else "document" for view in views]


def give(encoder: Encoder, recipe: Recipe) -> None:
    """Give an encoder the prompts with which it is trained, beside those that it has.

    A prompt of all views becomes the default prompt too.
    """
    if names := named(recipe.views):
        default = "query" if names["query"] == names["document"] else encoder.default_prompt
        encoder.set_prompts({**encoder.prompts, **names}, default=default, include_prompt=recipe.include_prompt)


def announcement(views: Sequence[View]) -> str:
    """What is put before the texts of a run, in words; empty without prompts."""
    return in_words(named(views))


def _text(prompt: str, encoder: Encoder) -> str:
    if prompt in encoder.prompts:
        return encoder.prompts[prompt]
    if _WORD.fullmatch(prompt):
        raise RecipeError(
            f"{unknown('prompt', prompt, encoder.prompts)}; a text of its own ends in a blank or a sign: '{prompt}: '"
        )
    return prompt


def _distinct(views: Sequence[View]) -> list[str]:
    return list(dict.fromkeys(view.prompt for view in sorted(views, key=lambda view: view.column)))
