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
    ids, truncated = (_in_rust if tokenizer.is_fast else _in_python)(list(texts), tokenizer, max_length)
    if not all(ids):
        ids = [row or [_filler(tokenizer)] for row in ids]
    return ids, truncated


def _in_rust(texts: list[str], tokenizer: "PreTrainedTokenizerBase", max_length: int) -> tuple[list[list[int]], int]:
    """What calling the tokenizer gives, without the lists of it that nobody reads."""
    backend = cast("Tokenizer", tokenizer.backend_tokenizer)
    backend.enable_truncation(max_length, direction=tokenizer.truncation_side)
    backend.no_padding()
    backend.encode_special_tokens = tokenizer.split_special_tokens
    encodings = backend.encode_batch_fast(texts)
    return [encoding.ids for encoding in encodings], sum(bool(encoding.overflowing) for encoding in encodings)


def _in_python(texts: list[str], tokenizer: "PreTrainedTokenizerBase", max_length: int) -> tuple[list[list[int]], int]:
    """It keeps no overflow, so texts that fill the length are asked again."""
    ids: list[list[int]] = tokenizer(
        texts,
        truncation=True,
        max_length=max_length,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,
    )["input_ids"]
    full = [text for text, row in zip(texts, ids, strict=True) if len(row) == max_length]
    return ids, sum(len(tokenizer(text)["input_ids"]) > max_length for text in full)


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
