"""Add, replace and delete texts of an index.

simemb update INDEX [INPUT] [--delete ID ...]
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import tyro
from tyro.conf import Positional

from simemb import extras
from simemb.commands.inputs import documents, load_finished
from simemb.commands.options import UNPREFIXED, FileLayout, SeveralDevices
from simemb.commands.parsing import UsageError, parse
from simemb.encoder.precision import Precision

if TYPE_CHECKING:
    from simemb.search.index import Index

log = logging.getLogger("simemb")


@dataclass(frozen=True)
class Update:
    """Add, replace and delete texts of an index, in one step.

    Texts whose ids the index has take the place of those; others are added.

      simemb update my.index new.jsonl --delete 17 42

    Who searches meanwhile finds the index as it was before or as it is after.
    """

    index: Positional[Annotated[Path, tyro.conf.arg(metavar="INDEX")]]
    """The directory of the index."""
    input: Positional[Annotated[str | None, tyro.conf.arg(metavar="INPUT")]] = None
    """A file, a corpus name, or - for standard input: the texts to put in."""
    delete: tuple[str, ...] = ()
    """Ids of texts to delete, before the others are put in."""
    delete_from: Path | None = None
    """A file with such ids, one a line."""
    compact: bool = False
    """Drop what is deleted from the disk, join small parts, and train the cells of the index anew."""
    column: Annotated[str | None, tyro.conf.arg(aliases=["--columns"])] = None
    """The column of the texts; by default the first text column, and title before it."""
    ids: str | None = None
    """The column of the ids; by default _id or id where there is one. none, or no such column: all texts are added, and
    numbered on."""
    titles: str | None = None
    """The column of the titles, which go before the texts; by default title where there is one. none: no titles."""
    keep: tuple[str, ...] = ()
    """Columns to keep beside the texts; all: every one that plays no other role. By default those of the index."""
    layout: Annotated[FileLayout, UNPREFIXED] = field(default_factory=FileLayout)
    model: str | None = None
    """The encoder; by default the one whose name the index remembers."""
    pooling: str | None = None
    """The pooling that the index was built with, if it was chosen explicitly."""
    place: Annotated[SeveralDevices, UNPREFIXED] = field(default_factory=SeveralDevices)
    precision: Precision | None = None
    """Of --model: float32; bf16 or fp16, half precision, where there is one; int8, on a CPU; or auto."""


def run(words: list[str]) -> None:
    """`simemb update INDEX [INPUT]`."""
    options = parse(Update, words, prog="simemb update", needs=extras.INDEXES)
    if options.input is None and not (options.delete or options.delete_from or options.compact):
        raise UsageError("nothing to do: give INPUT, --delete ID, --delete-from FILE or --compact")
    from simemb.files import writing
    from simemb.search.index import Index
    from simemb.search.storage import read_manifest

    read_manifest(options.index)  # refused before a lock is made
    with writing(options.index) as directory:
        index = Index.load(directory, device=None if options.model else options.place.device)
        before = len(index)
        gone = _deleted(options)
        if gone:
            index.delete(gone)
        replaced = _put_in(options, index) if options.input is not None else 0
        if options.compact:
            index.compact()
        index.save(directory, overwrite=True)
    added = len(index) - before + len(set(gone))
    log.info(
        '%s: %d added, %d replaced, %d deleted: %d texts; next: simemb search %s "..."',
        *(options.index, added, replaced, len(set(gone)), len(index), quote(str(options.index))),
    )


def _deleted(options: Update) -> list[str]:
    """The ids to delete."""
    if options.delete_from is None:
        return list(options.delete)
    try:
        lines = options.delete_from.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"--delete-from {options.delete_from}: it is not UTF-8 text") from error
    return [*options.delete, *(line.strip() for line in lines if line.strip())]


def _put_in(options: Update, index: "Index") -> int:
    """Put in the texts of INPUT; returns how many took the place of others."""
    from simemb.encoder.streaming import spread
    from simemb.progress import counted, track

    assert options.input is not None
    opened = documents(
        options.input,
        options.layout,
        options.column,
        ids=options.ids,
        titles=options.titles,
        kept=options.keep,
        known=index.columns,
    )
    if options.model:
        index.encoder = load_finished(options.model, options.pooling, options.place, options.precision)
    texts, ids, metadata = opened.streams_kept()
    with spread(index.encoder, options.place.devices), track("indexing") as advance:
        told = counted(texts, advance)
        if ids is None:
            index.add(told, metadata=metadata)
            return 0
        return index.update(told, ids, metadata=metadata)
