"""Clusters of texts: communities around the texts with most neighbors, or k-means."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from simemb.arguments import checked
from simemb.encoder.models import Model
from simemb.errors import SearchError
from simemb.search.corpus_index import Item, items, opened
from simemb.search.faiss_library import faiss
from simemb.search.neighbors import BLOCK, Neighborhood
from simemb.search.searcher import Searcher
from simemb.search.words import characteristic

CROWD = 256
"""Up to this number the neighbors of a text are counted: who has more comes among the first anyway."""
CENTERS = 64
"""Texts that may become the center of a community looked at together."""


@dataclass(frozen=True)
class Cluster:
    """Texts that belong together.

    Attributes:
        central: The text with the highest mean cosine to all of them.
        words: Their characteristic words, the first the most (`simemb.search.words`).
        members: All of them, the nearest to their mean first, so `central` is the first.
        cosines: Of each member and the mean of all.
    """

    central: Item
    words: tuple[str, ...]
    members: tuple[Item, ...]
    cosines: tuple[float, ...]


@checked
def cluster(
    data: Any, *, encoder: Model | None = None, threshold: float = 0.75, min_size: int = 5, k: int | None = None
) -> list[Cluster]:
    """The clusters of a corpus, the largest first.

    Communities: the texts are gone through by their number of neighbors, texts with a cosine of `threshold` or more,
    and each becomes the center of a community of all such neighbors that are in none yet, unless these are too few. A
    text that is in a community is no center, and texts of which no center is near are in none. So nobody has to say how
    many there are. Texts are searched for as in `dedupe`.

    Args:
        data: an `Index`, the directory of one, texts, or anything that `simemb index` takes as INPUT.
        encoder: gives the vectors, `mini` by default; not for an index, which has its own.
        threshold: the least cosine of a center and its members, in [-1, 1].
        min_size: the fewest members, 1 or more.
        k: so many clusters by spherical k-means (seed 0) instead, in which every text is; `threshold` and `min_size` do
            not count then.

    Raises:
        SearchError: a number is out of range.
    """
    with opened(data, encoder, purpose="cluster") as index:
        return clustered(index, threshold, min_size, k, lambda _: None)


def clustered(
    index: Searcher, threshold: float, min_size: int, k: int | None, advance: Callable[[int], None]
) -> list[Cluster]:
    """`cluster` for an index; `advance` is told how many texts are done."""
    if not -1 <= threshold <= 1:
        raise SearchError(f"threshold must be in [-1, 1], not {threshold}")
    for name, number in (("min_size", min_size), ("k", k)):
        if number is not None and number < 1:
            raise SearchError(f"{name} must be 1 or more, not {number}")
    space = Neighborhood(index.parts, index.thoroughness)
    groups = _communities(space, threshold, min_size, advance) if k is None else _k_means(space, k, advance)
    ordered = sorted((group for group in groups if len(group)), key=lambda group: (-len(group), int(group[0])))
    members = [_by_centrality(space, group) for group in ordered]
    found = [items(index.parts, rows) for rows, _ in members]
    words = characteristic([[item.text for item in group] for group in found])
    return [
        Cluster(group[0], own, tuple(group), tuple(cosines.tolist()))
        for group, own, (_, cosines) in zip(found, words, members, strict=True)
    ]


def _communities(
    space: Neighborhood, threshold: float, min_size: int, advance: Callable[[int], None]
) -> Iterator[np.ndarray]:
    """The rows of each community, in order."""
    total = sum(part.count for part in space.segments.parts)
    counts = np.zeros(total, np.int64)
    for near in space.every(threshold, CROWD, advance):
        np.add.at(counts, near.rows, 1)
    free = np.zeros(total, bool)
    for rows in space.blocks():
        free[rows] = True
    order = np.lexsort((np.arange(total), -counts))
    order = order[free[order] & (counts[order] + 1 >= min_size)]
    while len(order := order[free[order]]):
        centers, order = order[:CENTERS], order[CENTERS:]
        near = space.near(centers, threshold)
        for center in centers.tolist():
            if not free[center]:
                continue
            members = np.sort(np.append(near.others[near.rows == center], center))
            members = members[free[members]]
            if len(members) >= min_size:
                free[members] = False
                yield members


def _k_means(space: Neighborhood, k: int, advance: Callable[[int], None]) -> Iterator[np.ndarray]:
    """The rows of each of k clusters, in order; of those that have any."""
    blocks = list(space.blocks())
    total = sum(map(len, blocks))
    if k > total:
        raise SearchError(f"k must be at most the number of texts, {total}, not {k}")
    share = min(1.0, 256 * k / total)
    dice = np.random.default_rng(0)
    chosen = [rows[dice.random(len(rows)) < share] for rows in blocks] if share < 1 else blocks
    sample = np.concatenate([space.segments.vectors(rows) for rows in chosen])
    means = faiss().Kmeans(
        sample.shape[1], k, niter=20, spherical=True, seed=0, min_points_per_centroid=1, max_points_per_centroid=256
    )
    means.train(sample)
    assigned: list[np.ndarray] = []
    for rows in blocks:
        assigned.append(means.index.search(space.segments.vectors(rows), 1)[1][:, 0])
        advance(len(rows))
    every, home = np.concatenate(blocks), np.concatenate(assigned)
    yield from (every[home == number] for number in range(k))


def _by_centrality(space: Neighborhood, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows of a cluster, the nearest to its mean first, and their cosines to it."""
    pieces = [rows[first : first + BLOCK] for first in range(0, len(rows), BLOCK)]
    mean = sum(space.segments.vectors(piece).sum(axis=0, dtype=np.float64) for piece in pieces)
    length = float(np.linalg.norm(mean))
    direction = np.asarray(mean) / (length or 1.0)
    cosines = np.concatenate([space.segments.vectors(piece) @ direction for piece in pieces])
    order = np.lexsort((rows, -cosines))
    return rows[order], cosines[order]
