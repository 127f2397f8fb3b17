"""What texts say about the vocabulary of a static model: how probable its tokens are, and which words it lacks."""

import json
from collections import Counter
from collections.abc import Sequence
from itertools import chain, islice
from typing import Any

import numpy as np
from jaxtyping import Float64

from simemb.corpus.rows import Rows
from simemb.errors import DataError, ModelError
from simemb.texts import whole

TOGETHER = 1024
"""Texts that are tokenized at once."""


def corpus_probabilities(rows: Rows, tokenizer: Any, count: int) -> Float64[np.ndarray, "tokens"]:
    """The share of each of `count` tokens in the texts. Raises `DataError` for texts without any token."""
    counts = np.zeros(count, np.int64)
    texts = map(whole, chain.from_iterable(rows.texts()))
    while some := list(islice(texts, TOGETHER)):
        encodings = tokenizer.encode_batch_fast(some, add_special_tokens=False)
        ids = np.fromiter(chain.from_iterable(encoding.ids for encoding in encodings), np.int64)
        counts += np.bincount(ids, minlength=count)
    if not counts.any():
        raise DataError(f"{rows.name}: there is no token to count")
    return counts / counts.sum()


def added_words(rows: Rows, tokenizer: Any, most: int) -> list[str]:
    """The most frequent words of the texts that are no token, as the tokenizer's normalizer writes them.

    Raises `ModelError` for a tokenizer that is not of WordPiece: in others a new token is not taken as a whole.
    """
    kind = type(tokenizer.model).__name__
    if kind != "WordPiece":
        raise ModelError(f"words are added to WordPiece tokenizers, and the teacher's is a {kind}: leave --words out")
    counts: Counter[str] = Counter()
    known = tokenizer.get_vocab()
    longest = tokenizer.model.max_input_chars_per_word
    for text in map(whole, chain.from_iterable(rows.texts())):
        normal = tokenizer.normalizer.normalize_str(text) if tokenizer.normalizer else text
        counts.update(word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal))
    return list(islice((word for word, _ in counts.most_common() if word not in known and len(word) <= longest), most))


def with_words(tokenizer: Any, words: Sequence[str]) -> Any:
    """The tokenizer with these words as further tokens, numbered from the end of its vocabulary on."""
    from tokenizers import Tokenizer

    if not words:
        return tokenizer
    content = json.loads(tokenizer.to_str())
    first = tokenizer.get_vocab_size(with_added_tokens=True)
    content["model"]["vocab"] |= {word: first + number for number, word in enumerate(words)}
    return Tokenizer.from_str(json.dumps(content))
