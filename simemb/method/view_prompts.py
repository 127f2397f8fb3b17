"""The prompts of a recipe's views: which text stands before which view, and what the trained encoder calls it.

E5 (Wang et al., 2022, https://arxiv.org/abs/2212.03533, section 4.1) puts "query: " and "passage: " before its texts;
INSTRUCTOR (Su et al., 2023, https://arxiv.org/abs/2212.09741, section 2.1) an instruction, whose tokens its mean
leaves out.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from simemb.encoder import tokenizer
from simemb.encoder.encoder import Encoder
from simemb.encoder.prompts import Role, in_words
from simemb.errors import RecipeError, unknown
from simemb.method.lessons import views_of
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
    if "document" in prompts and not any(view.column for views in views_of(recipe) for view in views):
        raise RecipeError(
            "--prompts document: all views read the first text column; text=... is put before all of them"
        )

    def of(view: View) -> str:
        return prompts.get("text", prompts.get("document" if view.column else "query", view.prompt))

    return _with_prompts(recipe, of)


def resolved(recipe: Recipe, encoder: Encoder) -> Recipe:
    """The recipe with the texts of prompts in place of their names (`with_texts`).

    Raises `RecipeError` for three prompts in one lesson: an encoder has one for queries and one for documents.
    """
    recipe = with_texts(recipe, encoder)
    for prompts in map(_distinct, views_of(recipe)):
        if len(prompts) > 2:
            shown = ", ".join(map(repr, prompts))
            count = len(prompts)
            raise RecipeError(f"the views have {count} prompts ({shown}): queries have one, and documents another")
    if recipe.include_prompt is not None and not of_run(recipe):
        raise RecipeError("--include-prompt: no view has a prompt (--prompts, or View(prompt=...))")
    return recipe


def with_texts(recipe: Recipe, encoder: Encoder) -> Recipe:
    """The same, of a recipe that may be that of one source.

    A prompt is the name of one that the encoder has, or otherwise the text itself. Raises `RecipeError` for a bare
    word that is no such name.
    """
    return _with_prompts(recipe, lambda view: _text(view.prompt, encoder))


def of_run(recipe: Recipe) -> dict[str, str]:
    """The prompts of a run by the names under which the trained encoder has them; empty without any.

    A lesson without prompts has no say. Where the lessons have more than two in all (an instruction of its own for each
    source), the encoder has those of the first.
    """
    prompted = [views for views in views_of(recipe) if any(view.prompt for view in views)]
    together = [view for views in prompted for view in views]
    return named(together if len(_distinct(together)) <= 2 else prompted[0])


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
    if names := of_run(recipe):
        default = "query" if names["query"] == names["document"] else encoder.default_prompt
        encoder.set_prompts({**encoder.prompts, **names}, default=default, include_prompt=recipe.include_prompt)


def skips(views: Sequence[View], encoder: Encoder, max_length: int, sizes: Sequence[int]) -> int | Tensor:
    """The tokens at the beginning of each text that are not pooled: those of its view's prompt, if any.

    sizes: the number of texts of each view, one view after the other.
    """
    length = min(max_length, encoder.max_length)
    counts = [tokenizer.unpooled(view.prompt, encoder, length) for view in views]
    return torch.tensor(counts).repeat_interleave(torch.tensor(sizes)) if any(counts) else 0


def announcement(recipe: Recipe) -> str:
    """What is put before the texts of a run, in words; empty without prompts."""
    return in_words(of_run(recipe))


def _with_prompts(recipe: Recipe, of: Callable[[View], str]) -> Recipe:
    def renewed(views: Sequence[View]) -> tuple[View, ...]:
        return tuple(replace(view, prompt=of(view)) for view in views)

    lessons = tuple(replace(lesson, views=renewed(lesson.views)) for lesson in recipe.lessons)
    return replace(recipe, views=renewed(recipe.views), lessons=lessons)


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
