"""Word embeddings to start from: a trained encoder's vector of each single token.

An untrained model must learn from nothing which words are alike. A trained encoder knows it: its vector of a single
word is a word vector, as model2vec (https://github.com/MinishLab/model2vec) takes them for static models. Here they are
the first state of an embedding matrix, whatever the tokenizers of the two are.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from simemb.encoder.streaming import TextEncoder
from simemb.encoder.whitening import principal_components
from simemb.errors import ModelError


def word_vectors(pieces: Sequence[str], encoder: TextEncoder, width: int) -> Float[np.ndarray, "pieces width"]:
    """A vector for every WordPiece token: encode it alone, center, keep the `width` directions of largest variance.

    v = (f(piece) - mean) U / sqrt(mean of |(f(piece) - mean) U|^2), U the first `width` eigenvectors of the covariance
    over all pieces; so the mean squared length is 1. A piece that continues a word is encoded without its ##. If the
    encoder's own width is `width`, U is the identity, and the directions stay those of the encoder.

    Raises:
        ModelError: the encoder has fewer dimensions than `width`.
    """
    check_width(encoder, width)
    vectors = encoder.encode([piece.removeprefix("##") or piece for piece in pieces], normalize=True)
    narrower = encoder.dim > width
    centered = principal_components(vectors, width) if narrower else vectors - vectors.mean(axis=0, dtype=np.float64)
    return (centered / np.sqrt(np.square(centered).sum(axis=1).mean())).astype(np.float32)


def check_width(encoder: TextEncoder, width: int) -> None:
    """Raise `ModelError` if the encoder has fewer dimensions than the word embeddings."""
    if encoder.dim < width:
        raise ModelError(
            f"{encoder.name} has vectors of {encoder.dim} dimensions: too few for word embeddings of {width} "
            f"(allowed: an encoder of {width} dimensions or more, or --width {encoder.dim} or less)"
        )
