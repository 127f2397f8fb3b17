"""Whitening as post-processing: a linear map, saved with the model, after which vectors have covariance 1.

Su et al., 2021, Whitening sentence representations, https://arxiv.org/abs/2103.15316, equations 4 to 6 and algorithm 1.
"""

import logging
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Float64

from simemb.arguments import checked
from simemb.encoder.models import Model, encoder_of
from simemb.errors import DataError, ModelError
from simemb.texts import Texts

if TYPE_CHECKING:
    from simemb.encoder.encoder import Encoder
    from simemb.encoder.modules import Dense

log = logging.getLogger("simemb")

FLOOR = 1e-5
"""A direction with a standard deviation below this share of the vectors' length is rounding error of float32."""

_BLOCK = 65536


def covariance(x: Float[np.ndarray, "text dim"]) -> tuple[Float64[np.ndarray, "dim"], Float64[np.ndarray, "dim dim"]]:
    """The mean of at least two vectors, and their covariance sum_i (x_i - mean)(x_i - mean)^T / (n - 1), in float64."""
    mean = x.mean(axis=0, dtype=np.float64)
    products = np.zeros((x.shape[1], x.shape[1]))
    for start in range(0, len(x), _BLOCK):
        centered = x[start : start + _BLOCK] - mean
        products += centered.T @ centered
    return mean, products / (len(x) - 1)


def principal_components(x: Float[np.ndarray, "text dim"], dims: int) -> Float64[np.ndarray, "text dims"]:
    """(x - mean) U: the centered vectors along the `dims` eigenvectors of their covariance with the largest values."""
    mean, spread = covariance(x)
    _, directions = np.linalg.eigh(spread)
    return (x - mean) @ directions[:, : -1 - dims : -1]


@dataclass(frozen=True, eq=False)
class Whitening:
    """x -> (x - mean) matrix, where matrix = U diag(v)^(-1/2), U and v from the eigenvectors of the covariance.

    Attributes:
        mean: Mean of the vectors that it was fitted on [dim].
        matrix: Columns in the order of the eigenvalues, the largest first [dim, out].
    """

    mean: Float64[np.ndarray, "dim"]
    matrix: Float64[np.ndarray, "dim out"]

    @classmethod
    def fit(cls, vectors: Float[np.ndarray, "text dim"], dims: int | None = None) -> "Whitening":
        """The whitening after which these vectors have mean 0 and covariance 1.

        Args:
            vectors: More vectors than the dimensions that are kept: n vectors vary in at most n - 1 directions.
            dims: The number of components to keep, those with the largest variances. By default all in which the
                vectors vary: a direction that holds only rounding error (`FLOOR`) is dropped, because whitening would
                scale it up to the variance of the others.

        Raises:
            DataError: Too few vectors, or more dimensions than the vectors vary in.
        """
        texts, width = vectors.shape
        target = width if dims is None else dims
        if not 1 <= target <= width:
            raise DataError(f"whitening to {target} dimensions (allowed: 1 to {width}, the width of the vectors)")
        if texts <= target:
            hint = "give more" if dims is None or texts < 3 else f"give more, or {texts - 1} dimensions at most"
            raise DataError(
                f"whitening to {target} dimensions takes more than {target} different texts, not {texts}: {hint}"
            )
        mean, spread = covariance(vectors)
        variances, directions = np.linalg.eigh(spread)
        floor = FLOOR**2 * np.square(vectors, dtype=np.float64).sum(axis=1).mean()
        rank = int((variances > floor).sum())
        if rank < (dims or 1):
            raise DataError(f"whitening to {target} dimensions: the vectors of {texts} texts vary in {rank}, no more")
        columns = slice(-1, -1 - (dims or rank), -1)
        return cls(mean, directions[:, columns] / np.sqrt(variances[columns]))

    def __call__(self, vectors: Float[np.ndarray, "text dim"]) -> Float64[np.ndarray, "text out"]:
        """Whiten vectors, in float64."""
        return (vectors - self.mean) @ self.matrix

    def dense(self, inputs: int) -> "Dense":
        """The same map as a layer of an encoder, in float32.

        inputs: the input width of the layer; inputs beyond the width of the whitening get weight 0.
        """
        import torch
        from torch import nn

        from simemb.encoder.modules import Dense

        width, outputs = self.matrix.shape
        weight = np.zeros((outputs, inputs), np.float32)
        weight[:, :width] = self.matrix.T
        # Computed from the rounded weight, so that its rounding does not move the mean away from 0.
        bias = -weight[:, :width].astype(np.float64) @ self.mean
        layer = Dense(inputs, outputs, activation=nn.Identity())
        state = {"linear.weight": torch.from_numpy(weight), "linear.bias": torch.from_numpy(bias.astype(np.float32))}
        layer.load_state_dict(state)
        return layer


@checked
def whiten(
    encoder: Model,
    texts: Iterable[str],
    *,
    dims: int | None = None,
    progress: bool | None = None,
    device: str | None = None,
) -> "Encoder":
    """A new encoder that whitens the vectors of `encoder`; both share the backbone, and `encoder` does not change.

    The whitening is a Dense module at the end of the new encoder, which `save` writes and sentence-transformers reads.
    If the encoder ends in `Normalize`, so does the new one. If vectors were truncated (`truncate_dim`), the truncation
    becomes part of the layer.

    Args:
        encoder: An `Encoder`, a directory or a hub name.
        texts: The texts whose vectors give the mean and the covariance, as for `Encoder.encode`; each distinct text
            counts once. If the encoder is also scored on them, the scores are transductive.
        dims: As in `Whitening.fit`.
        progress: A bar while encoding, as in `Encoder.encode`.
        device: For a model given by name, as in `Encoder.load`.

    Raises:
        ModelError: A static model, or one that runs through sentence-transformers: neither takes a further module.
        DataError: Too few texts (see `Whitening.fit`).
    """
    from simemb.encoder.encoder import Encoder
    from simemb.encoder.modules import Normalize

    distinct = list(dict.fromkeys(Texts(texts)))
    encoder = encoder_of(encoder, device, "float32")
    if not isinstance(encoder, Encoder):
        name = getattr(encoder, "name", type(encoder).__name__)
        runs = getattr(encoder, "runs", "is of another library")
        raise ModelError(f"{name} {runs} and takes no further module: it cannot be whitened")
    vectors = encoder.encode(distinct, progress=progress)
    whitening = Whitening.fit(vectors, dims)
    width = whitening.matrix.shape[1]
    if width < (dims or vectors.shape[1]):
        log.info("the vectors of these texts vary in %d of %d dimensions: the others are left out", width, encoder.dim)
    shared = (encoder.network, encoder.tokenizer, encoder.quantized)
    whitened = deepcopy(encoder, {id(part): part for part in shared})
    whitened.sizes, whitened.truncate_dim = (), None
    normalized = len(encoder.tail) > 0 and isinstance(encoder.tail[-1], Normalize)
    whitened.tail.append(whitening.dense(whitened.dim).to(encoder.device))
    if normalized:
        whitened.tail.append(Normalize())
    return whitened
