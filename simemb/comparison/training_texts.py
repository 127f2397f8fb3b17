"""Searches the data that a run was trained on for the texts that its encoder is scored on.

Results are cached by the digests of both sides, so a second search takes no time.
"""

import hashlib
import json
import logging
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unicodedata import unidata_version

from simemb import files, json_files
from simemb.cached_files import is_intact, new_cached_file
from simemb.comparison.contamination import Overlap, overlap
from simemb.corpus import sources
from simemb.corpus.classes import with_classes
from simemb.corpus.labels import reopened
from simemb.corpus.listed import TRIPLET, apart, is_uneven
from simemb.corpus.rows import Rows, open_rows
from simemb.corpus.sources import Source
from simemb.errors import DataError
from simemb.progress import track

log = logging.getLogger("simemb")

METHOD = 2
"""The version of the search: cached results of another version are ignored."""
EVERY = 4096
"""Rows between two updates of the progress bar."""

Data = Mapping[str, Any]
"""What a run's record says about its training data (see `simemb.comparison.provenance.trained`)."""


def check(training: Sequence[Data], evaluated: Mapping[str, Sequence[str]], *, progress: bool | None = None) -> Overlap:
    """Which of the evaluated texts occur in the data of a run, and of the runs that it began with.

    The result names data that are missing or have changed; nothing is downloaded from the hub.

    Args:
        training: The data of each run, the last first.
        evaluated: The texts of each task; the result names tasks without texts as not looked at.
        progress: Whether to show a bar; by default in a terminal.
    """
    path = files.cache_folder() / "overlap" / f"{_key(training, evaluated)}.json"
    files.sweep(path.parent)
    if is_intact(path):
        return Overlap.from_json(json_files.load_json(path))
    opened: list[tuple[Data, Rows]] = []
    problems: list[str] = []
    for data in training:
        rows = _open(data)
        if isinstance(rows, str):
            problems.append(rows)
        else:
            opened.append((data, rows))
    known = {task: texts for task, texts in evaluated.items() if texts}
    with _reading(opened, progress) as texts:
        tasks = overlap(texts, known) if opened and known else {}
    warnings = dict.fromkeys(data["warning"] for data in training if data["warning"])
    names = dict.fromkeys(data["name"] for data in training)
    unseen = tuple(task for task in evaluated if task not in known)
    result = Overlap(tuple(names), tasks, "; ".join(warnings), "; ".join(dict.fromkeys(problems)), unseen)
    if not problems:
        _cache(path, result)
    return result


def _key(training: Sequence[Data], evaluated: Mapping[str, Sequence[str]]) -> str:
    read = [(data["name"], data["digest"], data["read"], data["warning"]) for data in training]
    content = (METHOD, unidata_version, read, [(task, list(texts)) for task, texts in evaluated.items()])
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _open(data: Data) -> Rows | str:
    """The rows that a run was trained on, or why they are not available."""
    name, columns, labels = data["name"], data["columns"], data.get("labels")
    try:
        places = list(map(_place, data.get("parts") or [name]))
        rows = open_rows(
            places if len(places) > 1 else places[0],
            columns=[*columns[:2], labels] if labels else columns,
            delimiter=data.get("delimiter"),
            header=data.get("header", True),
        )
        if labels and len(columns) == 1:
            rows = with_classes(rows, [*columns, labels])
        else:
            rows = reopened(rows, columns) if labels else rows.narrowed(len(columns))
        same = rows.digest() == data["digest"] and set(data["read"]) <= set(rows.columns)
    except (DataError, OSError):  # also for a name that no file can have
        return f"the training data ({name}) are not at hand"
    return rows if same else f"the training data ({name}) are no longer what they were"


def _place(name: str) -> Source | Path:
    """The file or the corpus of this name, the first if there are both."""
    is_corpus = not Path(name).is_file() and name in sources.corpora()
    return _local(sources.get(name)) if is_corpus else Path(name)


def _local(source: Source) -> Source:
    """The corpus without its hub file, unless that is on this machine already: a search is not worth a download."""
    from huggingface_hub import try_to_load_from_cache

    hub = source.hub
    if hub is not None:
        cached = try_to_load_from_cache(hub.repo, hub.file, revision=hub.revision, repo_type="dataset")
        hub = hub if isinstance(cached, str) else None
    return replace(source, hub=hub, parts=tuple(map(_local, source.parts)))


@contextmanager
def _reading(opened: Sequence[tuple[Data, Rows]], progress: bool | None) -> Generator[Iterator[str], None, None]:
    """The texts that the recipes read, one after the other, and a bar that counts the rows."""
    total = sum(data["rows"] for data, _ in opened)
    with track("looking into the training data", total=total, unit="rows", shown=progress) as advance:

        def texts() -> Iterator[str]:
            for data, rows in opened:
                uneven = is_uneven(rows, rows.columns[-1]) and len(rows.columns) == TRIPLET
                rows = apart(rows, rows.columns[-1]) if uneven else rows
                places = [rows.columns.index(column) for column in data["read"] if column not in rows.listed]
                for number, row in enumerate(rows.texts(), 1):
                    for place in places:
                        yield row[place]
                    if number % EVERY == 0:
                        advance(EVERY)
                for column in set(data["read"]) & set(rows.listed):
                    yield from (text for (text,) in rows.listed[column].texts())

        yield texts()


def _cache(path: Path, result: Overlap) -> None:
    try:
        with new_cached_file(path) as partial:
            partial.write_text(json.dumps(result.to_json(), ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        log.warning("%s: the result of the search cannot be cached: %s", path, error.strerror)
