"""An index on the disk: its segments written and named by `index.json`, and read while others write."""

import logging
from dataclasses import asdict
from pathlib import Path

from simemb.errors import SearchError
from simemb.search import storage
from simemb.search.cells import CELL_KINDS, Cells
from simemb.search.origin import Origin
from simemb.search.segment import Segment, Stored
from simemb.search.segments import KINDS, Segments
from simemb.search.storage import FORMAT, MANIFEST, Manifest, read_manifest, write_manifest

log = logging.getLogger("simemb")

PATIENCE = 20
"""How often an index is read anew because it was replaced meanwhile."""


def write(
    directory: Path,
    segments: Segments,
    origin: Origin,
    *,
    effort: int,
    rescore: int,
    numbered: int,
    fresh: bool = False,
) -> Segments:
    """Write the segments, then `index.json`, which makes them an index; gives them as they are mapped from there.

    fresh: as for `Segments.arranged`.
    """
    stored = segments.arranged(fresh=fresh, place=directory)
    cells = stored.cells
    content = {
        "format": FORMAT,
        "metric": "inner product of unit vectors",
        "encoder": asdict(origin),
        "beside": origin.beside(directory),
        "kind": stored.kind,
        "effort": effort,
        "rescore": rescore,
        "count": len(stored),
        "numbered": numbered,
        "made_for": cells.made_for if cells else 0,
        "cells": asdict(cells.stored[1]) if cells and cells.stored else None,
        "parts": [part.record() for part in stored.parts],
    }
    write_manifest(directory, content)
    return stored


def read(directory: Path, *, verify: bool) -> tuple[Manifest, Segments, str]:
    """What `index.json` says, the segments, and the `version` that was read: always those of one moment.

    A writer replaces `index.json` and then removes the files that it no longer names. Who has read the older one may
    miss a file, and reads again.

    Raises:
        SearchError: there is no index, or it is damaged or of another format.
    """
    for _ in range(PATIENCE):
        version, content = storage.version(directory), read_manifest(directory)
        try:
            return content, _segments(directory, content, verify=verify), version
        except (SearchError, OSError):
            if storage.version(directory) == version:
                raise
    raise SearchError(f"{directory}: the index is replaced faster than it can be read")


def _segments(directory: Path, content: Manifest, *, verify: bool) -> Segments:
    if content.kind not in KINDS:
        raise SearchError(f"{directory / MANIFEST}: damaged (kind {content.kind!r:.40}), build the index again")
    cells = Cells.load(directory, content.cells, content.made_for, verify=verify) if content.cells else None
    parts = [Segment.load(Stored(directory, part.files), cells, verify=verify) for part in content.parts]
    segments = Segments(content.kind, tuple(parts), cells)
    widths = {part.vectors.d for part in parts} | ({cells.trained.d} if cells else set())
    if len(segments) != content.count or widths - {content.encoder.kept}:
        raise SearchError(f"{directory / MANIFEST}: does not fit the files beside it: build the index again")
    if content.format == 1 and any(part.kind == "exact" for part in parts) and segments.arrangement in CELL_KINDS:
        log.warning(
            "%s: of an earlier simemb, with cells of their own in its parts: all vectors are compared; "
            "`simemb update %s --compact` writes it anew",
            *(directory, directory),
        )
    return segments
