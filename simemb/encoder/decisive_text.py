"""The part of a long text that decides its tokens: of a book, the model reads the first page.

A tokenizer reads a text whole before it cuts it at the model's length, in a hundred bytes of memory for a character.
So of a text that is far too long only the part is tokenized that holds the tokens which are kept. It is right where

- the kept tokens belong to words that are whole: two words of the part stand between them and the cut. A tokenizer
  cuts a text into words (`Encoding.word_ids`) by what stands before a place and next to it, and the pieces of a word
  depend on that word alone; or
- the text is one word without end, as Chinese is to some tokenizers, the model chooses pieces by what is near (BPE,
  unigrams), and a part twice as long gives the same tokens, with `MARGIN` tokens behind them.

Otherwise a longer part is looked at, in the end the whole text. Of a word that is too long for WordPiece, only the ends
are (`simemb.encoder.endless_words`).
"""

from collections.abc import Callable
from typing import Any

from simemb.encoder.endless_words import without_endless_words

FIRST = 4096
"""Characters of the first part, or more where the tokens that are kept are many."""
CHARACTERS = 16
"""Characters for each token that is kept: twice as many as a long word has."""
GROWTH = 4
"""How many times longer the next part is."""
MARGIN = 64
"""Tokens between those that are kept and the cut, in a word without end."""
_LOCAL = ("BPE", "Unigram")


def decisive_text(text: str, backend: Any, max_length: int) -> str:
    """The text, or a part of it that gives the same tokens when they are cut to `max_length`, and is cut too.

    backend: a `tokenizers.Tokenizer` whose truncation is set to `max_length`.
    """
    from_left = backend.truncation["direction"] == "right"

    def decides(part: str, longer: str) -> bool:
        encoding = backend.encode(part)
        return _is_whole(encoding, from_left=from_left) or (
            type(backend.model).__name__ in _LOCAL
            and sum(len(rest.ids) for rest in encoding.overflowing) > MARGIN + encoding.special_tokens_mask.count(1)
            and encoding.ids == backend.encode(longer).ids
        )

    if len(text) > 2 * max(FIRST, CHARACTERS * max_length):
        text = without_endless_words(text, backend)
    return _shortest(text, max_length, from_left=from_left, decides=decides)


def decisive_plain(text: str, ids_of: Callable[[str], list[int]], max_length: int, *, from_left: bool = True) -> str:
    """As `decisive_text`, for a tokenizer in Python, which does not tell its words: two parts give the same tokens.

    ids_of: the token ids of a text, cut to `max_length`.
    """

    def decides(part: str, longer: str) -> bool:
        ids = ids_of(part[: len(part) // 2] if from_left else part[len(part) // 2 :])
        return len(ids) == max_length and ids == ids_of(part) == ids_of(longer)

    return _shortest(text, max_length, from_left=from_left, decides=decides)


def _shortest(text: str, max_length: int, *, from_left: bool, decides: Callable[[str, str], bool]) -> str:
    size = max(FIRST, CHARACTERS * max_length)
    while 2 * size < len(text):
        part, longer = (text[:size], text[: 2 * size]) if from_left else (_end(text, size), _end(text, 2 * size))
        if len(part) < len(text) and decides(part, longer):
            return part
        size *= GROWTH
    return text


def _end(text: str, size: int) -> str:
    """The end of a text from a blank between words on, since a word is cut from its beginning; else the text."""
    places = range(len(text) - size, max(0, len(text) - 2 * size), -1)
    start = next((place for place in places if text[place] == " " and text[place - 1].isalnum()), 0)
    return text[start:]


def _is_whole(encoding: Any, *, from_left: bool) -> bool:
    """Whether two words stand between the tokens that are kept and the cut."""
    if not encoding.overflowing:
        return False
    kept = [word for word in encoding.word_ids if word is not None]
    rest = [word for part in encoding.overflowing for word in part.word_ids if word is not None]
    if not kept or not rest:
        return False
    return max(rest) - max(kept) > 2 if from_left else min(kept) - min(rest) > 2
