"""A vocabulary that does not know the texts: all of them look alike to the model, and nothing else would say so."""

import logging
from collections.abc import Sequence
from typing import Any
from weakref import WeakSet

log = logging.getLogger("simemb")

SHARE, LEAST = 0.5, 3
"""The share of the tokens of some texts, and their number, from which on unknown tokens are worth a warning."""
SAMPLE = 1000
"""Texts that are looked at where they are tokenized for this alone."""

_warned: WeakSet[Any] = WeakSet()


class UnknownTokens:
    """Counts the unknown tokens of the texts of one call, and warns once for each tokenizer in a process.

    The rule: of all tokens so far, without special tokens, `SHARE` or more are unknown, and they are `LEAST` or more.
    So a few odd texts among many give no warning. Byte-level tokenizers, and those that fall back to bytes or know all
    letters, have no unknown tokens, and models that run through sentence-transformers tokenize by themselves: neither
    is judged.
    """

    def __init__(self, encoder: Any) -> None:
        """encoder: any; one without a tokenizer of transformers is left alone."""
        self._name = str(getattr(encoder, "name", ""))
        self._tokenizer: Any = getattr(encoder, "tokenizer", None)
        self._unknown_id = _unknown_id(self._tokenizer)
        self._special = 0 if self._unknown_id is None else int(self._tokenizer.num_special_tokens_to_add())
        self._tokens = self._unknown = self._most = 0
        self._example = ""

    def add(self, texts: Sequence[str], token_ids: Sequence[Sequence[int]]) -> None:
        """Count the tokens of some texts, special tokens included."""
        if self._unknown_id is None or self._tokenizer in _warned:
            return
        for text, ids in zip(texts, token_ids, strict=True):
            unknown = ids.count(self._unknown_id)
            if unknown and not text.strip():
                continue  # the unknown token stands for a text without any
            self._tokens += max(len(ids) - self._special, unknown)
            self._unknown += unknown
            if unknown > self._most:
                self._most, self._example = unknown, text
        if self._unknown >= max(LEAST, SHARE * self._tokens):
            self._warn()

    def _warn(self) -> None:
        _warned.add(self._tokenizer)
        log.warning(
            "%s: its vocabulary does not know these texts: %.0f %% of their tokens are unknown, for example in %s, and "
            "all unknown tokens are the same to it; take a model for their language or a multilingual one, or make "
            "one with a vocabulary of your own (`simemb new`)",
            self._name,
            100 * self._unknown / self._tokens,
            _short(self._example),
        )


def look(encoder: Any, texts: Sequence[str]) -> None:
    """Count the unknown tokens in up to `SAMPLE` of the texts, for callers that have no tokens of them."""
    if _unknown_id(getattr(encoder, "tokenizer", None)) is not None:
        sample = texts[:: max(1, len(texts) // SAMPLE)]
        UnknownTokens(encoder).add(sample, encoder.tokenize(sample)[0])


def _unknown_id(tokenizer: Any) -> int | None:
    """The id of the unknown token; None if there is none, or if it has another use (GPT-2's ends a text)."""
    unknown = getattr(tokenizer, "unk_token_id", None)
    names = ("bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id", "pad_token_id", "mask_token_id")
    shared = any(getattr(tokenizer, name, None) == unknown for name in names)
    return unknown if isinstance(unknown, int) and not shared else None


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:39]}…")
