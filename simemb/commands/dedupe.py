"""Leave out texts that say what an earlier one says.

simemb dedupe INPUT --output KEPT.jsonl
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import Positional

from simemb import extras
from simemb.commands.corpora import Corpus, opened
from simemb.commands.options import UNPREFIXED
from simemb.commands.parsing import UsageError, parse

log = logging.getLogger("simemb")


@dataclass(frozen=True)
class Dedupe:
    """Leave out texts that say what an earlier one says.

    A text goes if its cosine to an earlier text that stays is --threshold or more.

      simemb dedupe texts.txt --output kept.txt --report gone.tsv
    """

    input: Positional[Annotated[str, tyro.conf.arg(metavar="INPUT")]]
    """A file, a corpus name, - for standard input, or the directory of an index."""
    output: Path
    """KEPT.txt (texts), KEPT.tsv or KEPT.jsonl (with ids and what is kept): the texts that stay, in their order."""
    report: Path | None = None
    """GONE.tsv or GONE.jsonl: each text that goes, the one that stands for it, and their cosine."""
    threshold: float = 0.95
    """The least cosine of near-duplicates, in [-1, 1]. What fits depends on the model: look at the report."""
    keep: tuple[str, ...] = ()
    """Columns to write beside the texts; all: every one that plays no other role. An index has its own."""
    corpus: Annotated[Corpus, UNPREFIXED] = field(default_factory=Corpus)
    overwrite: bool = False
    """Replace existing files."""


def run(words: list[str]) -> None:
    """`simemb dedupe INPUT --output KEPT`."""
    options = parse(Dedupe, words, prog="simemb dedupe", needs=extras.INDEXES)
    from simemb.progress import track
    from simemb.search import record_files
    from simemb.search.duplicates import deduplicated

    if options.report is not None and options.report.resolve() == options.output.resolve():
        raise UsageError("--output and --report are one file: give two names")
    record_files.check(options.output, record_files.OF_TEXTS, overwrite=options.overwrite)
    record_files.check(options.report, record_files.FORMATS, overwrite=options.overwrite)
    with opened(options.input, options.corpus, options.output, options.keep) as index:
        with track("comparing", total=len(index)) as advance:
            found = deduplicated(index, options.threshold, advance)
        columns = index.columns
    if options.report is not None:
        gone = (
            {
                "cosine": round(each.cosine, 6),
                "id": each.text.id,
                "kept_id": each.kept.id,
                "text": each.text.text,
                "kept_text": each.kept.text,
            }
            for each in found.duplicates
        )
        names = ("cosine", "id", "kept_id", "text", "kept_text")
        record_files.write(options.report, names, gone, overwrite=options.overwrite)
    kept = ({**each.metadata, "id": each.id, "text": each.text} for each in found.kept)
    record_files.write(options.output, ("id", "text", *columns), kept, overwrite=options.overwrite)
    log.info(
        "%s: %d texts stay, %d are near one of them (cosine %g or more)",
        *(options.output, len(found.kept), len(found.duplicates), options.threshold),
    )
