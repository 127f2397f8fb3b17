"""Whitening as post-processing: a linear map after which vectors vary alike in every direction, saved into the model.

Su et al., 2021, Whitening sentence representations, https://arxiv.org/abs/2103.15316, equations 4 to 6 and algorithm 1.
"""

import logging
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Float64

from simemb.errors import DataError, ModelError

if TYPE_CHECKING:
    from simemb.encoder.encoder import Encoder
    from simemb.encoder.modules import Dense

log = logging.getLogger("simemb")

FLOOR = 1e-5
"""Directions whose deviation is below this share of the vectors' length are the rounding of float32, not a signal."""

_BLOCK = 65536


def covariance(x: Float[np.ndarray, "text dim"]) -> tuple[Float64[np.ndarray, "dim"], Float64[np.ndarray, "dim dim"]]:
    """The mean of at least two vectors, and their covariance sum_i (x_i - mean)(x_i - mean)^T / (n - 1), in float64."""
    mean = x.mean(axis=0, dtype=np.float64)
    products = np.zeros((x.shape[1], x.shape[1]))
    for start in range(0, len(x), _BLOCK):
        centered = x[start : start + _BLOCK] - mean
        products += centered.T @ centered
    return mean, products / (len(x) - 1)


@dataclass(frozen=True, eq=False)
class Whitening:
    """x -> (x - mean) matrix, where matrix = U diag(v)^(-1/2), U and v from the eigenvectors of the covariance.

    Attributes:
        mean: Mean of the vectors that it was fitted on [dim].
        matrix: Its columns are ordered by the variance of what they map, the largest first [dim, out].
    """

    mean: Float64[np.ndarray, "dim"]
    matrix: Float64[np.ndarray, "dim out"]

    @classmethod
    def fit(cls, vectors: Float[np.ndarray, "text dim"], dims: int | None = None) -> "Whitening":
        """The whitening after which these vectors have mean 0 and covariance 1.

        Args:
            vectors: More of them than dimensions are kept: n vectors vary in n - 1 directions at most.
            dims: Keep the first so many components, which vary most. By default all in which the vectors vary: a
                direction that holds nothing but rounding (`FLOOR`) is left out, as it would be blown up to be as
                large as all others.

        Raises:
            DataError: Too few vectors, or more dimensions than they vary in.
        """
        texts, width = vectors.shape
        wanted = width if dims is None else dims
        if not 1 <= wanted <= width:
            raise DataError(f"whitening to {wanted} dimensions (allowed: 1 to {width}, the width of the vectors)")
        if texts <= wanted:
            hint = "give more" if dims is None or texts < 3 else f"give more, or {texts - 1} dimensions at most"
            raise DataError(f"whitening to {wanted} dimensions takes more than {wanted} texts, not {texts}: {hint}")
        mean, spread = covariance(vectors)
        variances, directions = np.linalg.eigh(spread)
        floor = FLOOR**2 * np.square(vectors, dtype=np.float64).sum(axis=1).mean()
        there = int((variances > floor).sum())
        if there < (dims or 1):
            raise DataError(f"whitening to {wanted} dimensions: the vectors of {texts} texts vary in {there}, no more")
        kept = slice(-1, -1 - (dims or there), -1)
        return cls(mean, directions[:, kept] / np.sqrt(variances[kept]))

    def __call__(self, vectors: Float[np.ndarray, "text dim"]) -> Float64[np.ndarray, "text out"]:
        """Whiten vectors, in float64."""
        return (vectors - self.mean) @ self.matrix

    def dense(self, inputs: int) -> "Dense":
        """The same map as a layer of an encoder, in float32.

        inputs: width of what the layer is given; what lies beyond the width of the whitening is not looked at.
        """
        import torch
        from torch import nn

        from simemb.encoder.modules import Dense

        width, outputs = self.matrix.shape
        weight = np.zeros((outputs, inputs), np.float32)
        weight[:, :width] = self.matrix.T
        # From the rounded weight, so that its rounding does not move the mean away from 0.
        bias = -weight[:, :width].astype(np.float64) @ self.mean
        layer = Dense(inputs, outputs, activation=nn.Identity())
        state = {"linear.weight": torch.from_numpy(weight), "linear.bias": torch.from_numpy(bias.astype(np.float32))}
        layer.load_state_dict(state)
        return layer


def whiten(encoder: Any, texts: Iterable[str], *, dims: int | None = None, progress: bool | None = None) -> "Encoder":
    """An encoder that whitens the vectors of `encoder`, with which it shares the backbone; that one stays as it was.

    The whitening is a Dense module at its end, which `save` writes and sentence-transformers reads. An encoder that
    gives vectors of unit length goes on to do so. Where vectors were cut (`truncate_dim`), the cut becomes part of the
    layer.

    Args:
        encoder: An `Encoder`.
        texts: What the mean and the covariance are of; each distinct text counts once. Texts that it is scored on make
            the scores transductive.
        dims: As in `Whitening.fit`.
        progress: A bar while encoding, as in `Encoder.encode`.

    Raises:
        ModelError: A model that runs through sentence-transformers, which we cannot extend.
        DataError: Too few texts (see `Whitening.fit`).
    """
    from simemb.encoder.encoder import Encoder
    from simemb.encoder.modules import Normalize

    if not isinstance(encoder, Encoder):
        name = getattr(encoder, "name", type(encoder).__name__)
        raise ModelError(
            f"{name} runs through sentence-transformers and takes no further module: it cannot be whitened"
        )
    vectors = encoder.encode(list(dict.fromkeys(texts)), progress=progress)
    fitted = Whitening.fit(vectors, dims)
    kept = fitted.matrix.shape[1]
    if kept < (dims or vectors.shape[1]):
        log.info("the vectors of these texts vary in %d of %d dimensions: the others are left out", kept, encoder.dim)
    shared = (encoder.backbone, encoder.tokenizer, encoder.quantized)
    whitened = deepcopy(encoder, {id(part): part for part in shared})
    whitened.sizes, whitened.truncate_dim = (), None
    ends_in_unit_length = len(encoder.tail) > 0 and isinstance(encoder.tail[-1], Normalize)
    whitened.tail.append(fitted.dense(whitened.dim).to(encoder.device))
    if ends_in_unit_length:
        whitened.tail.append(Normalize())
    return whitened
