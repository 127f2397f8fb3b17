"""A static model made of an encoder: its vector of every token of its vocabulary, shortened and weighted.

As Model2Vec does it (https://github.com/MinishLab/model2vec), which has no paper: a forward pass for each token,
principal components, and weights by frequency, for which smooth inverse frequency (Arora et al., 2017,
https://openreview.net/forum?id=SyK00v5xx, section 3) takes the probability of a token. No text is needed.
"""

import re
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Float64

from simemb.arguments import checked
from simemb.corpus.rows import open_rows
from simemb.encoder import saving, static_saving
from simemb.encoder.limits import check_dim
from simemb.encoder.models import Model, encoder_of
from simemb.encoder.static import StaticEncoder
from simemb.encoder.static_vocabulary import added_words, corpus_probabilities, with_words
from simemb.encoder.whitening import principal_components
from simemb.errors import DataError, ModelError
from simemb.progress import track

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from simemb.encoder.encoder import Encoder

DIM = 256
"""Dimensions by default, as in Model2Vec, where the encoder has so many."""
SIF = 1e-4
"""The constant of the weights by default, as in Model2Vec."""
BATCH = 1024
"""Tokens that are encoded at once."""
UNUSED = re.compile(r"\[unused\d+\]")
"""BERT's places for words to come: no text has them."""


@checked
def distil_static(
    teacher: Model,
    output: str | Path,
    *,
    dim: int | None = None,
    sif: float = SIF,
    data: Any = None,
    columns: Sequence[str] | None = None,
    words: int = 0,
    device: str | None = None,
    progress: bool | None = None,
    overwrite: bool = False,
) -> StaticEncoder:
    """Make a static model of an encoder and save it as a sentence-transformers directory.

    The vector of a text is the mean of w_t U'(f(t) - m) over its tokens t, scaled to length 1. f(t) is the teacher's
    vector of [CLS] t [SEP] before any Normalize, m the mean of all f, U their first `dim` principal components, and
    w_t = a / (a + p_t) for a token of probability p_t. Special tokens have the vector 0.

    Args:
        teacher: an `Encoder` with a fast tokenizer, a directory or a hub name.
        output: the directory, which is written atomically.
        dim: dimensions to keep, 1 to those of the teacher; by default 256, or the teacher's if it has fewer.
        sif: a, above 0: the larger, the more alike are the weights of frequent and rare tokens.
        data: texts that say how probable a token is, in any form that `open_rows` takes. By default p_t follows Zipf's
            law: the n-th ordinary token of the vocabulary has a probability proportional to 1 / (n + 1), since
            vocabularies are ordered by frequency.
        columns: the text columns of the data; by default all.
        words: so many of the most frequent words of the data that the vocabulary splits become tokens of their own,
            with the teacher's vector of the word. Needs `data`, and a WordPiece tokenizer.
        device: where the teacher computes, if it is given by name, as in `Encoder.load`.
        progress: a bar over the tokens; by default in a terminal.
        overwrite: replace an existing model.

    Returns:
        The saved model, loaded.

    Raises:
        ModelError: a teacher without layers of its own, or a directory that cannot be used.
        DataError: a number out of its range, or data that cannot be read.
    """
    if not 0 < sif < float("inf"):
        raise DataError(f"sif must be above 0 and finite, not {sif}")
    if words < 0 or (words and data is None):
        raise DataError(f"words must be 0 or more, and needs data to find them in, not {words} without data")
    path = Path(output)
    with saving.writing(path, overwrite=overwrite):
        encoder = _with_tokenizer(encoder_of(teacher, device, "float32"))
        check_dim(dim, encoder.dim, "dim")
        rows = None if data is None else open_rows(data, columns=columns)
        tokenizer: Tokenizer = static_saving.plain_tokenizer(encoder.tokenizer)
        new = added_words(rows, tokenizer, words) if rows is not None and words else []
        vectors = token_vectors(encoder, new, progress=progress)
        tokenizer = with_words(tokenizer, new)
        ordinary = _ordinary(encoder.tokenizer, len(vectors))
        chances = zipf(ordinary) if rows is None else corpus_probabilities(rows, tokenizer, len(vectors))
        kept = dim or min(DIM, encoder.dim)
        table = shortened(vectors, ordinary, kept) * (sif / (sif + chances))[:, None]
        made = {"dim": kept, "sif": sif, "tokens": len(table), "words": len(new), "data": rows and rows.name}
        static_saving.save(table.astype(np.float32), tokenizer, path, teacher=encoder, made=made, overwrite=overwrite)
    return StaticEncoder.load(path, name=str(output))


def token_vectors(
    encoder: "Encoder", words: Sequence[str] = (), *, progress: bool | None = None
) -> Float[np.ndarray, "tokens dim"]:
    """The encoder's vector of every token of its vocabulary between its special tokens, by id, then of some words.

    Their lengths are kept: an encoder that normalizes its vectors does not here. On STS that is better by half a point.
    """
    encoder = _without_normalize(encoder)
    before, after = _frame(encoder.tokenizer)
    count = len(encoder.tokenizer)
    vectors = np.empty((count + len(words), encoder.dim), np.float32)
    with track("encoding tokens", total=count, unit="tokens", shown=progress) as advance:
        for first in range(0, count, BATCH):
            ids = range(first, min(first + BATCH, count))
            vectors[first : ids.stop] = encoder.embed([[*before, token, *after] for token in ids])
            advance(len(ids))
    if words:
        vectors[count:] = encoder.encode(words, prompt="", progress=progress)
    return vectors


def shortened(
    vectors: Float[np.ndarray, "tokens dim"], ordinary: Bool[np.ndarray, "tokens"], dim: int
) -> Float64[np.ndarray, "tokens kept"]:
    """The first principal components of the vectors of ordinary tokens; those of others are 0."""
    table = np.zeros((len(vectors), dim))
    table[ordinary] = principal_components(vectors[ordinary], dim)
    return table


def zipf(ordinary: Bool[np.ndarray, "tokens"]) -> Float64[np.ndarray, "tokens"]:
    """Probabilities by Zipf's law: of the n-th ordinary token, n from 1, proportional to 1 / (n + 1); 0 of others.

    >>> zipf(np.array([False, True, True])).round(3).tolist()
    [0.0, 0.6, 0.4]
    """
    shares = np.zeros(len(ordinary))
    shares[ordinary] = 1 / np.arange(2, ordinary.sum() + 2)
    return shares / shares.sum()


def _ordinary(tokenizer: Any, count: int) -> Bool[np.ndarray, "tokens"]:
    """Which tokens stand for a piece of a text: neither a special token nor a place that is not used."""
    ordinary = np.ones(count, np.bool_)
    ordinary[tokenizer.all_special_ids] = False
    pieces = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    ordinary[: len(pieces)] &= [piece is not None and not UNUSED.fullmatch(piece) for piece in pieces]
    if ordinary.sum() < 2:
        raise ModelError("the vocabulary of the teacher has fewer than two tokens besides special ones")
    return ordinary


def _frame(tokenizer: Any) -> tuple[list[int], list[int]]:
    """The special tokens that the tokenizer puts before and after a text."""
    encoding = tokenizer.backend_tokenizer.encode("a")
    ids, special = encoding.ids, encoding.special_tokens_mask
    first = special.index(0) if 0 in special else len(ids)
    last = len(ids) - special[::-1].index(0) if 0 in special else len(ids)
    return ids[:first], ids[last:]


def _without_normalize(encoder: "Encoder") -> "Encoder":
    """The same encoder without Normalize modules at its end; both share the network."""
    from torch import nn

    from simemb.encoder.modules import Normalize

    shared = (encoder.network, encoder.tokenizer, encoder.quantized, *encoder.tail)
    bare = deepcopy(encoder, {id(part): part for part in shared})
    modules = list(encoder.tail)
    while modules and isinstance(modules[-1], Normalize):
        modules.pop()
    bare.tail = nn.ModuleList(modules)
    return bare


def _with_tokenizer(teacher: Any) -> "Encoder":
    """The teacher, if its tokens can be encoded one by one. Raises `ModelError`."""
    from simemb.encoder.encoder import Encoder

    if not isinstance(teacher, Encoder):
        runs = getattr(teacher, "runs", "is of another library")
        raise ModelError(f"{teacher.name} {runs}: a static model is made of an encoder that simemb computes")
    if not teacher.tokenizer.is_fast:
        raise ModelError(f"{teacher.name} has no fast tokenizer, without which its tokens cannot be saved")
    return teacher
