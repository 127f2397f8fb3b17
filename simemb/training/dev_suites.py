"""The suite that chooses the checkpoint of a run: the one that was asked for, or one in the language of the data."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from simemb.corpus import sources
from simemb.corpus.rows import Rows
from simemb.errors import DataError, SimembError, UnclearError
from simemb.evaluation.evaluate import find
from simemb.evaluation.languages import SUITES, suites_for
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


def choose(dev: Any, rows: Rows, language: str) -> Suite | None:
    """The suite that chooses the checkpoint, loaded; alignment and uniformity are measured on its own pairs.

    dev: as in `simemb.fit`. language: of the rows, for a run that names no suite. None, with a warning, where there is
    no suite in that language, or its data are not at hand. Raises `DataError` for a suite that cannot be used.
    """
    if isinstance(dev, str) and dev == NONE:
        return None
    dev = _usual(rows, language) if dev is None else dev
    if dev is None:
        return None
    suite = find(dev, "dev")
    suite.check_libraries()
    try:
        for task in suite.tasks:
            task.load()
    except UnclearError as error:
        wanted = "these are options of --data; a --dev file needs a header line with score, sentence1, sentence2"
        raise DataError(f"{error} ({wanted})") from error
    pairs = next((task for task in suite.tasks if isinstance(task, Similarity)), None)
    return replace(suite, geometry=pairs)


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


def name(dev: Any, suite: Suite | None) -> str:
    """What the record of a run calls its dev suite."""
    return NONE if suite is None else str(dev) if isinstance(dev, str | Path) else suite.name


def digest(dev: Any) -> dict[str, str]:
    """The checksum of a dev file, which may lie elsewhere when the run goes on."""
    is_file = isinstance(dev, str | Path) and Path(dev).is_file()
    return {"digest": sha256_of(Path(dev))} if is_file else {}


def control(suite: Suite | None, rows: Rows) -> Suite | None:
    """The suite of human-scored pairs, if its file is local, for a run whose dev pairs a grammar wrote."""
    on_sample = rows.name in SAMPLES and suite is not None and suite.name == SAMPLE_DEV
    if not on_sample or not sources.is_local(sources.get(CONTROL)):
        return None
    found = find(CONTROL)
    try:
        found.tasks[0].load()
    except SimembError as error:
        log.warning("without %s beside it: %s", CONTROL, error)
        return None
    return found
