"""A reranker's scores of each row's positive and negatives: those in the data, or a model's, computed once."""

import hashlib
import logging
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simemb.cached_files import cached
from simemb.corpus.candidate_scores import ScoreColumns, Scores, candidate_scores
from simemb.corpus.listed import TRIPLET
from simemb.corpus.rows import Rows
from simemb.encoder.reranker import CosineReranker, Reranker, load_reranker
from simemb.errors import DataError
from simemb.files import cache_folder
from simemb.method.objectives import name_of
from simemb.method.recipe import Recipe
from simemb.progress import track

log = logging.getLogger("simemb")

BLOCK = 4096
"""Pairs that are scored in one call."""

Spans = Mapping[int, NDArray[np.int64]]


def learns_grades(recipe: Recipe) -> bool:
    """Whether the recipe learns from scores of candidates."""
    return recipe.objective is not None and recipe.objective.graded


def score_columns(recipe: Recipe, rows: Rows) -> ScoreColumns | None:
    """The columns of scores that the recipe learns from."""
    return ScoreColumns.of(rows) if learns_grades(recipe) else None


def grades_of(
    recipe: Recipe, rows: Rows, spans: Spans, *, device: str, progress: bool | None
) -> tuple[dict[int, NDArray[np.float32]], dict[str, str]]:
    """By column of positives and negatives their scores; by its role the fingerprint of the reranker, if one is asked.

    Raises `DataError` if there are no negatives, or neither scores nor a reranker.
    """
    if not learns_grades(recipe):
        return {}, {}
    kind, names = name_of(recipe.objective, "graded"), (*rows.columns, *rows.listed)
    if len(names) < TRIPLET:
        advice = "simemb mine finds some"
        raise DataError(f"{rows.name}: {kind} needs a column of negatives (it has: {', '.join(names)}; {advice})")
    columns, found = ScoreColumns.of(rows), {}
    if columns is not None:
        if recipe.reranker is not None:
            log.warning("%s: scores are those of column %s; no reranker is asked", rows.name, ", ".join(columns.names))
        scores = candidate_scores(rows, columns)
    elif recipe.reranker is None:
        advice = "a column scores, pos_scores and neg_scores, or --reranker MODEL"
        raise DataError(f"{rows.name}: {kind} needs scores of a reranker: {advice}")
    else:
        reranker = load_reranker(recipe.reranker, device)
        what = "cosines of this encoder" if isinstance(reranker, CosineReranker) else "scores of this cross-encoder"
        other = "; --reranker MODEL names a cross-encoder" if isinstance(reranker, CosineReranker) else ""
        log.info("%s: has no scores, so %s are learnt: %s%s", rows.name, what, reranker.name, other)
        scores, found = computed(rows, spans, reranker, progress=progress), {"reranker": reranker.fingerprint()}
    return {1: scores[0], TRIPLET - 1: scores[1]}, found


def computed(rows: Rows, spans: Spans, reranker: Reranker, *, progress: bool | None) -> Scores:
    """The reranker's scores, memory-mapped from $SIMEMB_CACHE/scores; as for vectors, a damaged file is made again."""
    key = repr((rows.digest(), reranker.fingerprint(), rows.columns))
    path = cache_folder() / "scores" / f"{hashlib.sha256(key.encode()).hexdigest()}.npy"
    counts = _counts(rows, spans)
    make = partial(_score, rows=rows, spans=spans, reranker=reranker, total=sum(counts), progress=progress)
    scores = cached(path, make=make, read=_mapped, fits=partial(_fits, count=sum(counts)))
    return scores[: counts[0]], scores[counts[0] :]


def _counts(rows: Rows, spans: Spans) -> tuple[int, int]:
    """How many positives and negatives there are."""
    column = spans.get(TRIPLET - 1)
    if column is not None:
        return len(column), int(column.sum(axis=1).max(initial=0))
    count = sum(1 for _ in rows.texts())
    return count, count


def _score(path: Path, rows: Rows, spans: Spans, reranker: Reranker, total: int, progress: bool | None) -> None:
    scores = np.empty(total, np.float32)
    pairs, done = _pairs(rows, spans), 0
    with track("scoring candidates", total=total, unit="pairs", shown=progress) as advance:
        while block := list(islice(pairs, BLOCK)):
            scores[done : done + len(block)] = reranker.scores(block)
            done += len(block)
            advance(len(block))
    with path.open("wb") as file:
        np.save(file, scores)


def _pairs(rows: Rows, spans: Spans) -> Iterator[tuple[str, str]]:
    """Each anchor with its positive, then each with its negatives, once for rows that share theirs."""
    yield from ((anchor, positive) for anchor, positive, *_ in rows.texts())
    column = spans.get(TRIPLET - 1)
    if column is None:
        yield from ((anchor, negative) for anchor, _, negative, *_ in rows.texts())
        return
    (listed,) = rows.listed.values()
    negatives, done = listed.texts(), 0
    for (anchor, *_), (first, count) in zip(rows.texts(), column.tolist(), strict=True):
        if first == done:
            yield from ((anchor, negative) for (negative,) in islice(negatives, count))
            done += count


def _mapped(path: Path) -> NDArray[np.float32]:
    return np.load(path, mmap_mode="r")


def _fits(scores: NDArray[np.float32], count: int) -> bool:
    """Whether scores are as many as this and finite."""
    return scores.shape == (count,) and scores.dtype == np.float32 and bool(np.isfinite(scores).all())
