"""The texts of views with prompts or changes: each column as the view reads it, tokenized as one text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simemb.corpus.rows import Rows
from simemb.encoder.encoder import Encoder
from simemb.encoder.tokenizer import prompt_length, tokenize
from simemb.errors import RecipeError
from simemb.method.recipe import Recipe
from simemb.method.token_augmentations import Numbers, Sentence
from simemb.method.views import View
from simemb.training.several_tables import text_columns
from simemb.training.token_table import Reading, TokenTable, token_table


@dataclass(frozen=True)
class PromptedTexts:
    """Columns of the data after a prompt, or changed, as token ids.

    columns: by what is read of the data, the table and its column. spans: by prompt, the places of its tokens in every
    text, behind a special token.
    """

    columns: Mapping[Reading, tuple[TokenTable, int]]
    spans: Mapping[str, slice]

    def ids(self, reading: Reading, texts: Sequence[int]) -> list[NDArray[np.int32]]:
        """Token ids of some texts, as they are read."""
        table, place = self.columns[reading]
        return table.ids(place, texts)


def reading_of(view: View) -> Reading:
    """How a view reads its column."""
    return Reading(view.column, view.prompt, view.changes)


def prompted_texts(
    recipe: Recipe, rows: Rows, encoder: Encoder, max_length: int, *, progress: bool
) -> PromptedTexts | None:
    """The texts after prompts and changes of the recipe's views, tokenized unless they are cached; None without any.

    max_length counts the tokens of the prompt. Raises `RecipeError` for one that leaves no room for text.
    """
    texts = text_columns(rows)
    views = [view for view in recipe.views if (view.prompt or view.changes) and view.column < len(texts)]
    readings = sorted({reading_of(view) for view in views}, key=repr)
    if not readings:
        return None
    spans = {reading.prompt: _span(reading.prompt, encoder) for reading in readings if reading.prompt}
    for prompt, span in spans.items():
        if span.stop + 1 >= max_length:
            raise RecipeError(
                f"--max-length {max_length} leaves no room for text after the {span.stop - span.start} tokens of "
                f"{prompt!r} (allowed: {span.stop + 2} to {encoder.max_length})"
            )
    columns: dict[Reading, tuple[TokenTable, int]] = {}
    for part in dict.fromkeys(part for part, _ in texts):
        of_part = [reading for reading in readings if texts[reading.column][0] is part]
        if of_part:
            asked = [replace(reading, column=texts[reading.column][1]) for reading in of_part]
            table = token_table(part, encoder.tokenizer, max_length=max_length, readings=asked, progress=progress)
            columns |= {reading: (table, place) for place, reading in enumerate(of_part)}
    return PromptedTexts(columns, spans)


def _span(prompt: str, encoder: Encoder) -> slice:
    (ids,), _ = tokenize([prompt], encoder.tokenizer, encoder.longest)
    first = int(ids[0] in encoder.tokenizer.all_special_ids)
    return slice(first, prompt_length(prompt, encoder.tokenizer, encoder.longest))


def without_prompt(ids: Numbers, prompt: slice) -> Sentence:
    """What augmentations see of a text: its tokens without those of its prompt. prompt: the places of these."""
    kept = np.delete(ids, prompt)
    return Sentence(kept, np.arange(len(kept)))


def with_prompt(sentence: Sentence, ids: Numbers, prompt: slice) -> Sentence:
    """An augmented text with the prompt of `ids` in its places again."""
    places = np.arange(prompt.start, prompt.stop)
    moved = sentence.positions + len(places) * (sentence.positions >= prompt.start)
    return Sentence(np.insert(sentence.ids, prompt.start, ids[prompt]), np.insert(moved, prompt.start, places))
