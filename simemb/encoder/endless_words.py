"""The middle of a word that WordPiece takes for unknown because of its length need not be tokenized.

WordPiece makes one unknown token of a word with more characters than `max_input_chars_per_word`. So of a longer run of
letters the middle can be left out, wherever the run stands, if both ends are kept and

- each character of the run is a letter to this tokenizer: its normalizer makes one or more characters of it, and two of
  it stand in one word. BERT's normalizer and splitter look at one character at a time, so that holds for any run;
- no added token can lie inside a run: each has a blank, a bracket or another mark of ASCII, which no letter becomes,
  and the ends are as long as the longest of them.
"""

import re
from typing import Any

_BY_CHARACTER = ("NoneType", "BertNormalizer", "Lowercase", "BertPreTokenizer", "WhitespaceSplit")
"""Normalizers and splitters that look at one character at a time."""
_MARK = re.compile(r"[\x00-\x7f](?<![A-Za-z0-9])")
"""What is no letter, in ASCII."""


def without_endless_words(text: str, backend: Any) -> str:
    """The text without the middle of words that are too long to be known; its tokens are the same.

    backend: a `tokenizers.Tokenizer` of any kind.
    """
    model = backend.model
    if type(model).__name__ != "WordPiece" or len(text) <= 2 * model.max_input_chars_per_word:
        return text
    if not _looks_at_characters(backend):
        return text
    added = [token.content for token in backend.get_added_tokens_decoder().values()]
    added += [_normalized(token, backend) for token in added]
    end = max(model.max_input_chars_per_word, *map(len, added), 1)
    if len(text) <= 2 * end or not all(map(_MARK.search, filter(None, added))):
        return text
    letters = {character for character in set(text) if character.isalnum() and _is_letter(character, backend)}
    if not letters:
        return text
    run = f"[{re.escape(''.join(sorted(letters)))}]{{{2 * end + 1},}}"
    return re.sub(run, lambda found: found[0][:end] + found[0][-end:], text)


def _looks_at_characters(backend: Any) -> bool:
    """Whether the normalizer and the splitter are known to look at one character at a time."""
    normalizer = backend.normalizer
    steps = list(normalizer) if type(normalizer).__name__ == "Sequence" else [normalizer]
    return all(type(step).__name__ in _BY_CHARACTER for step in (*steps, backend.pre_tokenizer))


def _is_letter(character: str, backend: Any) -> bool:
    """Whether a character is never lost, and never a border of words."""
    words = backend.pre_tokenizer.pre_tokenize_str(_normalized(2 * character, backend))
    return len(words) == 1 and len(words[0][0]) >= 2


def _normalized(text: str, backend: Any) -> str:
    return backend.normalizer.normalize_str(text) if backend.normalizer else text
