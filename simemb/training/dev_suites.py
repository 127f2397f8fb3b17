"""The dev suites of a run: those that were asked for, or one in the language of the data.

The first chooses the checkpoint. The others are scored beside it, and choose nothing.
"""

import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from simemb.corpus import sources
from simemb.corpus.rows import Rows
from simemb.encoder.encoder import Encoder
from simemb.errors import DataError, SimembError, UnclearError
from simemb.evaluation.evaluate import evaluate, find
from simemb.evaluation.languages import SUITES, suites_for
from simemb.evaluation.scores import Scores
from simemb.evaluation.suite import Suite
from simemb.evaluation.tasks import Similarity
from simemb.files import sha256_of

log = logging.getLogger("simemb")

SAMPLES = ("sample", "sample_triplets", "sample_pairs", "sample_stories", "sample_classes")
"""The bundled corpora."""
NONE = "none"
"""The value of `dev` for a run without evaluation."""
SAMPLE_DEV, CONTROL = "sample_dev", "stsb_dev"
"""The dev suite of the bundled corpora, whose pairs a grammar wrote, and one of pairs that people wrote and scored."""


def choose(dev: Any, rows: Rows, language: str) -> tuple[Suite, ...]:
    """The dev suites, loaded; alignment and uniformity are measured on the pairs of the first, which chooses.

    dev: as in `simemb.fit`. language: of the rows, for a run that names no suite. Empty, with a warning, where there is
    no suite in that language, or its data are not at hand. Raises `DataError` for a suite that cannot be used.
    """
    named = _listed(dev)
    if NONE in named and len(named) > 1:
        raise DataError("--dev none is a run without evaluation: name no other suite with it")
    if named == [None]:
        named = [_usual(rows, language)]
    suites = [_loaded(each) for each in named if each not in (None, NONE)]
    names = [suite.name for suite in suites]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise DataError(f"--dev: two suites are called {twice!r}, under which metrics.jsonl has the numbers of one")
    pairs = [task for suite in suites[:1] for task in suite.tasks if isinstance(task, Similarity)]
    return tuple(replace(suite, geometry=pairs[0] if pairs else None) for suite in suites)


def _listed(dev: Any) -> list[Any]:
    """What `dev` names, each for itself. A list of names, paths or suites is several; any other one is scored pairs."""
    several = isinstance(dev, list | tuple) and all(isinstance(each, str | os.PathLike | Suite) for each in dev)
    return list(dev) or [None] if several else [dev]


def _loaded(dev: Any) -> Suite:
    suite = find(dev, "dev")
    suite.check_libraries()
    try:
        for task in suite.tasks:
            task.load()
    except UnclearError as error:
        wanted = "these are options of --data; a --dev file needs a header line with score, sentence1, sentence2"
        raise DataError(f"{error} ({wanted})") from error
    return suite


def score(encoder: Encoder, suites: Sequence[Suite], *, progress: bool | None) -> tuple[Scores, ...]:
    """The scores of an encoder on each suite, as it is now; the geometry with the first."""
    return tuple(evaluate(encoder, suite, geometry=not place, progress=progress) for place, suite in enumerate(suites))


def numbers(scores: Sequence[Scores]) -> dict[str, Any]:
    """The fields of a line of metrics.jsonl."""
    return {name: value for each in scores for name, value in each.numbers().items()}


def _usual(rows: Rows, language: str) -> str | None:
    """The dev suite for data of this language, if its pairs are at hand; otherwise a warning says what is done."""
    if rows.name in SAMPLES:
        return SAMPLE_DEV
    without = "no evaluation while training, the last checkpoint is kept"
    suites = suites_for(language)
    if suites is None:
        log.warning(
            "%s: its texts are %s, and there are dev suites for %s only: %s; --dev names a file of scored pairs of "
            "yours, or a suite all the same (stsb_dev)",
            rows.name,
            language,
            " and ".join(SUITES),
            without,
        )
        return None
    try:
        find(suites.dev).tasks[0].load()
    except SimembError as error:
        log.warning("%s: %s; --dev names a file of yours", without, error)
        return None
    return suites.dev


def names(dev: Any, suites: Sequence[Suite]) -> tuple[str, ...]:
    """What the record of a run calls its dev suites."""
    if not suites:
        return (NONE,)
    given = [str(each) if isinstance(each, str | Path) else "" for each in _listed(dev)]
    return tuple(said or suite.name for said, suite in zip(given, suites, strict=True))


def record(dev: Any, suites: Sequence[Suite]) -> dict[str, Any]:
    """What the record says besides: what metrics.jsonl calls the suites, and a checksum of dev files.

    Such a file may lie elsewhere when the run goes on.
    """
    files = [Path(each) for each in _listed(dev) if isinstance(each, str | Path)]
    digests = [sha256_of(file) if file.is_file() else str(file) for file in files]
    digest = {"digest": "+".join(digests)} if any(map(Path.is_file, files)) else {}
    return {"suites": [suite.name for suite in suites], **digest}


def control(suites: Sequence[Suite], rows: Rows) -> Suite | None:
    """The suite of human-scored pairs, if its file is local, for a run whose dev pairs a grammar wrote."""
    on_sample = rows.name in SAMPLES and [suite.name for suite in suites] == [SAMPLE_DEV]
    if not on_sample or not sources.is_local(sources.get(CONTROL)):
        return None
    found = find(CONTROL)
    try:
        found.tasks[0].load()
    except SimembError as error:
        log.warning("without %s beside it: %s", CONTROL, error)
        return None
    return found
