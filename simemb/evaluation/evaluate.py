"""Find a suite by its name or path, and score an encoder on it.

`simemb.evaluation.tasks` holds the kinds of task and how each is scored.
"""

import importlib
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from math import inf
from pathlib import Path
from platform import python_version
from typing import Any

import numpy as np

from simemb import cookbook, extras
from simemb.arguments import checked
from simemb.corpus.in_memory import gathered
from simemb.corpus.rows import Rows
from simemb.encoder.limits import check_dim
from simemb.encoder.models import Model, encoder_of
from simemb.encoder.precision import name_of
from simemb.encoder.prompts import Role, announce
from simemb.encoder.streaming import Encodes, TextEncoder
from simemb.errors import AbsentError, DataError, unknown
from simemb.evaluation.metrics import Geometry, alignment, effective_rank, uniformity
from simemb.evaluation.scores import Scores
from simemb.evaluation.suite import STSB, Suite
from simemb.evaluation.tasks import LoadedTask, Pairs, Retrieval, Similarity
from simemb.evaluation.text_vectors import TextVectors
from simemb.evaluation.vector_cache import VectorCache

log = logging.getLogger("simemb")

THRESHOLD = 4.0
"""Pairs with this gold score or more are positive. SimCSE published no code; every copy of it uses >= 4, not > 4."""


IN_MEMORY = "pairs"
"""The name of a suite of pairs that were given as they are."""
ALLOWED = "the name of a suite, a path, a Suite, or pairs with scores in a list, a dataset or a data frame"


def names() -> list[str]:
    """The names of the suites, one for each file of `eval/`."""
    return cookbook.names(cookbook.SUITES)


def find(suite: Any, name: str = "suite") -> Suite:
    """The suite of a name in `eval/`, an MTEB task (`mteb:STSBenchmark`), scored pairs or a BEIR folder.

    suite: a name, a name with some of its tasks (`sts/stsb+sickr`), the path of a file or a folder, pairs as
    `simemb.corpus.rows.open_rows` takes or gives them, or a `Suite`, which is given back. name: of the argument, for
    messages.

    Raises:
        DataError: there is no such suite; the message suggests the nearest name.
    """
    if isinstance(suite, Suite):
        return suite
    if isinstance(suite, Rows):
        return _of_pairs(Path(suite.name), suite)
    if not isinstance(suite, str | os.PathLike):
        task = Similarity(IN_MEMORY, {IN_MEMORY: gathered(suite, name, ALLOWED)}, scale=(-inf, inf))
        return Suite(IN_MEMORY, "scored pairs in memory", (task,), geometry=task)
    if str(suite).startswith("mteb:"):
        from simemb.evaluation import mteb

        return mteb.find(str(suite))
    if suite in names():
        return importlib.import_module(f"{cookbook.SUITES}.{suite}").suite
    path = Path(suite)
    if (picked := _picked(path)) is not None:
        return picked
    if suite and path.is_dir():
        folder = Retrieval.at(path)
        return Suite(_own_name(folder.name), f"retrieval in {path}", (folder,), geometry=None, headline="ndcg@10")
    if not suite or (not path.suffix and not path.exists()):
        raise DataError(unknown("suite", suite, [*names(), "the path of a scored file or of a folder in BEIR layout"]))
    return _of_pairs(path, path)


def find_all(suites: Sequence[Any]) -> list[Suite]:
    """Each suite as `find` gives it; single tasks of one suite are one suite, at the place of the first."""
    found: dict[str, list[Suite]] = {}
    for place, suite in enumerate(find(suite).check_libraries() for suite in suites):
        found.setdefault(suite.name.partition("/")[0] if suite.left_out else str(place), []).append(suite)
    return [
        parts[0] if len(parts) == 1 else find(whole).pick([task.name for part in parts for task in part.tasks])
        for whole, parts in found.items()
    ]


def _picked(path: Path) -> Suite | None:
    """The picked tasks of a suite: a suite's name goes before a folder of the same name, unless it has no such task."""
    whole, _, tasks = path.as_posix().partition("/")
    if not tasks or whole not in names():
        return None
    try:
        return find(whole).pick(tasks.split("+"))
    except DataError:
        if path.exists():
            return None
        raise


def _of_pairs(path: Path, pairs: Rows | Path) -> Suite:
    """The suite of a file of scored pairs, which may be open."""
    task = Similarity(path.name.partition(".")[0], {path.name: pairs}, scale=(-inf, inf))
    return Suite(_own_name(task.name), f"the scored pairs of {path}", (task,), geometry=task)


def _own_name(name: str) -> str:
    """The name of a suite that is a path; never that of a suite in `eval/`, so that their records do not collide."""
    return f"own-{name}" if name in names() else name


@checked
def evaluate(
    encoder: Model,
    suite: Any = "sts",
    *,
    geometry: bool = False,
    batch_size: int | None = None,
    progress: bool | None = None,
    cache: bool = False,
    truncate_dim: int | None = None,
    device: str | None = None,
) -> Scores:
    """Score `encoder` on every task of a suite; each distinct text is encoded once.

    Args:
        encoder: A `simemb.Encoder`, or anything with its `name`, `dim`, `fingerprint` and `encode`; a directory or a
            hub name.
        suite: A name from `eval/`, a `Suite`, the path of a file with a score and two sentences a row, the path of a
            folder in BEIR layout, or pairs in memory: a list of (sentence, sentence, score) or a `datasets.Dataset`.
        geometry: Whether to measure alignment, uniformity and effective rank too, on the suite's `geometry` task.
        batch_size: Sentences per batch, as in `encoder.encode`.
        progress: Whether to show a progress bar, as in `encoder.encode`.
        cache: Whether to read vectors from the user's cache, by the encoder's fingerprint and the text, and to write
            new ones to it. A second evaluation then takes seconds.
        truncate_dim: Score only the first dimensions of the vectors, as in `encoder.encode`.
        device: For a model given by name, as in `Encoder.load`; it is computed in float32.

    Raises:
        DataError: The suite, a file or a score cannot be used, or the vectors are shorter than `truncate_dim`.
        ModelError: A vector is not finite.
    """
    options: Any = {"geometry": geometry, "batch_size": batch_size, "progress": progress, "cache": cache}
    found = find(suite).check_libraries()  # before a model is loaded
    return evaluate_sizes(encoder_of(encoder, device, "float32"), found, [truncate_dim], **options)[0]


def evaluate_sizes(
    encoder: TextEncoder,
    suite: Any,
    sizes: Sequence[int | None],
    *,
    geometry: bool = False,
    batch_size: int | None = None,
    progress: bool | None = None,
    cache: bool = False,
) -> list[Scores]:
    """The scores of `evaluate` for each `truncate_dim` of `sizes`; the texts are encoded once for all."""
    suite = find(suite).check_libraries()
    for size in sizes:
        if size is not None:  # an encoder of another library need not say its width
            check_dim(size, encoder.dim)
    tasks, missing = _load(suite)
    geometry_pairs = suite.geometry.load() if geometry and suite.geometry else None
    loaded_tasks: list[LoadedTask] = [*tasks.values(), *([geometry_pairs] if geometry_pairs else [])]
    fingerprint = encoder.fingerprint()
    roles: dict[Role, None] = {role: None for loaded in loaded_tasks for role, _ in loaded.by_role()}
    prompts = announce(encoder, *roles)
    vectors = TextVectors(
        encoder,
        (),
        by_role=(text for loaded in loaded_tasks for text in loaded.by_role()),
        batch_size=batch_size,
        progress=progress,
        cache=VectorCache(fingerprint, encoder.dim) if cache else None,
    )
    measured = geometry_pairs.subsets if geometry_pairs else None
    origins = {origin: checksum for loaded in loaded_tasks for origin, checksum in loaded.origins.items()}
    parts = partial(_scores, encoder, fingerprint, suite, tasks, missing=missing, geometry=measured, origins=origins)
    return [replace(parts(vectors.cut(size), size), prompts=prompts) for size in sizes]


def _scores(
    encoder: TextEncoder,
    fingerprint: str,
    suite: Suite,
    tasks: dict[str, LoadedTask],
    vectors: TextVectors,
    truncate_dim: int | None,
    *,
    missing: tuple[str, ...],
    geometry: Sequence[Pairs] | None,
    origins: dict[str, str],
) -> Scores:
    results = {name: loaded.score(vectors) for name, loaded in tasks.items()}
    scores = {name: result.scores for name, result in results.items()}
    return Scores(
        model=encoder.name,
        fingerprint=fingerprint,
        suite=suite.name,
        tasks=scores,
        average=next(iter(scores.values())).average(list(scores.values())),
        geometry=_measure(suite.geometry.name, geometry, vectors) if geometry and suite.geometry else None,
        data=origins,
        versions=_versions(*(("mteb",) if suite.name.startswith("mteb:") else ())),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        headline=suite.headline,
        missing=missing,
        left_out=suite.left_out,
        truncate_dim=truncate_dim,
        command=(Path(sys.argv[0]).name, *sys.argv[1:]),
        pooling=_pooling(encoder),
        precision=name_of(encoder),
        device=", ".join(encoder.places) if isinstance(encoder, Encodes) else "",
        outcomes={name: result.outcomes for name, result in results.items() if result.outcomes},
        texts={name: list(dict.fromkeys(loaded.test_texts())) for name, loaded in tasks.items()},
    )


def _pooling(encoder: TextEncoder) -> str:
    """How tokens become one vector; empty for an encoder of another library."""
    pooling = getattr(encoder, "pooling", "")
    return f"{pooling}_head" if getattr(encoder, "head", False) else pooling


def alignment_uniformity(
    encoder: TextEncoder,
    task: Similarity = STSB,
    *,
    threshold: float = THRESHOLD,
    batch_size: int | None = None,
    progress: bool | None = None,
) -> Geometry:
    """Alignment (alpha 2) of a task's positive pairs; uniformity (t 2) and effective rank of all its sentences.

    Uniformity is exact: the mean is over all pairs of different rows among the sentences of both sides, 17,256 rows on
    the whole STS-B. Pairs with a gold score of `threshold` or more are positive. As in SimCSE, section 3 (Gao et al.,
    2021), by the definitions of Wang & Isola (see `simemb.evaluation.metrics`).
    """
    loaded = task.load()
    vectors = TextVectors(encoder, loaded.texts(), batch_size=batch_size, progress=progress)
    return _measure(task.name, loaded.subsets, vectors, threshold)


def _load(suite: Suite) -> tuple[dict[str, LoadedTask], tuple[str, ...]]:
    """The tasks whose data are available, by name, and the names of the others."""
    available: dict[str, LoadedTask] = {}
    absent: dict[str, AbsentError] = {}
    for task in suite.tasks:
        try:
            available[task.name] = task.load()
        except AbsentError as error:
            if suite.complete:
                raise
            absent[task.name] = error
    if not available:
        raise DataError(f"suite {suite.name}: no task has its data; the first: {next(iter(absent.values()))}")
    if absent:
        first = next(iter(absent.values()))
        log.warning("suite %s is scored without %s: the data are missing; %s", suite.name, ", ".join(absent), first)
    return available, tuple(absent)


def _versions(*extra: str) -> dict[str, str]:
    """The versions of the packages that the numbers may depend on."""
    packages = ("simemb", "torch", "transformers", "numpy", "scipy", "scikit-learn", *extra)
    return extras.versions(packages) | {"python": python_version()}


def _measure(task: str, subsets: Sequence[Pairs], vectors: TextVectors, threshold: float = THRESHOLD) -> Geometry:
    """Alignment, uniformity and effective rank, with the settings and counts behind them."""
    alpha, t = 2.0, 2.0
    first = np.concatenate([vectors[pairs.first] for pairs in subsets])
    second = np.concatenate([vectors[pairs.second] for pairs in subsets])
    both = np.concatenate([first, second])
    positive = np.concatenate([pairs.gold for pairs in subsets]) >= threshold
    return Geometry(
        task=task,
        alignment=alignment(first[positive], second[positive], alpha),
        uniformity=uniformity(both, t),
        effective_rank=effective_rank(both),
        alpha=alpha,
        t=t,
        threshold=threshold,
        positives=int(positive.sum()),
        vectors=2 * len(positive),
    )
