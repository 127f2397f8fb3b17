"""From texts to token ids, and what a tokenizer is made of."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from simemb.errors import ModelError

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerBase


def tokenize(
    texts: Sequence[str], tokenizer: "PreTrainedTokenizerBase", max_length: int
) -> tuple[list[list[int]], int]:
    """Token ids of each text, special tokens included, cut to `max_length`, and how many texts had to be cut.

    A text that gives no token at all becomes the unknown token.
    """
    encoded = tokenizer(
        list(texts),
        truncation=True,
        max_length=max_length,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,
    )
    ids: list[list[int]] = encoded["input_ids"]
    if encoded.encodings is not None:
        truncated = sum(bool(encoding.overflowing) for encoding in encoded.encodings)
    else:  # a tokenizer in Python keeps no overflow, so those that fill the length are asked again
        full = [text for text, row in zip(texts, ids, strict=True) if len(row) == max_length]
        truncated = sum(len(tokenizer(text)["input_ids"]) > max_length for text in full)
    if not all(ids):
        ids = [row or [_filler(tokenizer)] for row in ids]
    return ids, truncated


def _filler(tokenizer: "PreTrainedTokenizerBase") -> int:
    """The id that stands for a text without any token, since no encoder can pool nothing."""
    for filler in (tokenizer.unk_token_id, tokenizer.pad_token_id):
        if isinstance(filler, int):
            return filler
    raise ModelError("a text gives no token, and the tokenizer has neither an unknown nor a padding token")


def content(tokenizer: "PreTrainedTokenizerBase") -> str:
    """All that decides which ids a text gets, as text: equal for equal tokenizers, whatever they did before."""
    model: Any
    if tokenizer.is_fast:
        backend = cast("Tokenizer", tokenizer.backend_tokenizer)
        # A call leaves its truncation and padding behind in the tokenizer, which would change the key.
        model = {**json.loads(backend.to_str()), "truncation": None, "padding": None}
    else:
        model = [type(tokenizer).__name__, tokenizer.get_vocab(), tokenizer.init_kwargs]
    settings = [tokenizer.truncation_side, tokenizer.unk_token_id, tokenizer.pad_token_id]
    return json.dumps([model, settings], sort_keys=True, default=repr)
