"""The texts of views with prompts: each column after its prompt, tokenized as one text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simemb.corpus.rows import Rows
from simemb.encoder.encoder import Encoder
from simemb.encoder.tokenizer import prompt_length, tokenize
from simemb.errors import RecipeError
from simemb.method.recipe import Recipe
from simemb.method.token_augmentations import Numbers, Sentence
from simemb.training.several_tables import text_columns
from simemb.training.token_table import TokenTable, token_table


@dataclass(frozen=True)
class PromptedTexts:
    """Columns of the data after a prompt, as token ids.

    columns: by (column of the data, prompt), the table and its column. spans: by prompt, the places of its tokens in
    every text, behind a special token.
    """

    columns: Mapping[tuple[int, str], tuple[TokenTable, int]]
    spans: Mapping[str, slice]

    def ids(self, column: int, prompt: str, texts: Sequence[int]) -> list[NDArray[np.int32]]:
        """Token ids of some texts of a column after a prompt."""
        table, place = self.columns[column, prompt]
        return table.ids(place, texts)


def prompted_texts(
    recipe: Recipe, rows: Rows, encoder: Encoder, max_length: int, *, progress: bool
) -> PromptedTexts | None:
    """The texts after the prompts of the recipe's views, tokenized unless they are cached; None without prompts.

    max_length counts the tokens of the prompt. Raises `RecipeError` for one that leaves no room for text.
    """
    texts = text_columns(rows)
    views = [view for view in recipe.views if view.prompt and view.column < len(texts)]
    pairs = sorted({(view.column, view.prompt) for view in views})
    if not pairs:
        return None
    spans = {prompt: _span(prompt, encoder) for _, prompt in pairs}
    for prompt, span in spans.items():
        if span.stop + 1 >= max_length:
            raise RecipeError(
                f"--max-length {max_length} leaves no room for text after the {span.stop - span.start} tokens of "
                f"{prompt!r} (allowed: {span.stop + 2} to {encoder.max_length})"
            )
    columns: dict[tuple[int, str], tuple[TokenTable, int]] = {}
    for part in dict.fromkeys(part for part, _ in texts):
        of_part = [pair for pair in pairs if texts[pair[0]][0] is part]
        if of_part:
            asked = [(texts[column][1], prompt) for column, prompt in of_part]
            table = token_table(part, encoder.tokenizer, max_length=max_length, prompted=asked, progress=progress)
            columns |= {pair: (table, place) for place, pair in enumerate(of_part)}
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
