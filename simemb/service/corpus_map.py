"""A map of the texts of an index: the plane on which their vectors vary most (principal components, Pearson 1901)."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from simemb.encoder.unit_vectors import unit
from simemb.encoder.vector_files import Vectors
from simemb.search.index import Index
from simemb.search.segment import Segment

POINTS = 2000
"""The most texts on a map; of a larger index every n-th."""
SLICE = 100
"""Texts that are encoded at once, so that searches come in between."""
SHOWN = 200
"""Characters of a text on a map."""


@dataclass(frozen=True)
class CorpusMap:
    """The places of some texts, and the plane on which any vector has one.

    ids, texts, places [text, 2]: of the texts. explained: the share of the variance along either axis, in [0, 1].
    mean [dim], axes [2, dim]: of the plane.
    """

    ids: Sequence[str]
    texts: Sequence[str]
    places: Vectors
    explained: tuple[float, float]
    mean: Vectors
    axes: Vectors

    def place(self, vectors: Vectors) -> Vectors:
        """The places of vectors [text, dim] of the encoder: (v - mean) A^T for unit vectors v."""
        return (unit(vectors[:, : len(self.mean)]) - self.mean) @ self.axes.T


async def draw(index: Index, encode: Callable[[Sequence[str]], Awaitable[Vectors]]) -> CorpusMap:
    """The map of an index. encode: vectors of texts, as the encoder of the index gives them for documents."""
    rows = [segment.row(place) for segment, place in _sample(index)]
    texts = [text for _, text in rows]
    blocks = [await encode(texts[start : start + SLICE]) for start in range(0, len(texts), SLICE)]
    vectors = unit(np.concatenate(blocks)[:, : index.origin.kept])
    mean = vectors.mean(axis=0)
    _, lengths, directions = np.linalg.svd(vectors - mean, full_matrices=False)
    axes = np.zeros((2, vectors.shape[1]), np.float32)
    axes[: len(directions[:2])] = directions[:2]
    shares = [*(lengths**2 / max(float((lengths**2).sum()), 1e-12)), 0.0, 0.0]
    explained = float(shares[0]), float(shares[1])
    return CorpusMap([name for name, _ in rows], texts, (vectors - mean) @ axes.T, explained, mean, axes)


def _sample(index: Index) -> Iterator[tuple[Segment, int]]:
    """Every n-th text, as its segment and its row there."""
    step, number = max(1, -(-len(index) // POINTS)), 0
    for segment in index.segments:
        rows = np.arange(segment.count) if segment.deleted is None else np.flatnonzero(~segment.deleted)
        yield from ((segment, int(row)) for row in rows[-number % step :: step])
        number += len(rows)
