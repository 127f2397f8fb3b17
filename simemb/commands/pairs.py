"""Find the most similar pairs of a corpus.

simemb pairs INPUT
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import Positional

from simemb import extras
from simemb.commands.corpora import Corpus, opened
from simemb.commands.options import UNPREFIXED
from simemb.commands.parsing import parse


@dataclass(frozen=True)
class Pairs:
    """Find the most similar pairs of a corpus, the nearest first."""

    input: Positional[Annotated[str, tyro.conf.arg(metavar="INPUT")]]
    """A file, a corpus name, - for standard input, or the directory of an index."""
    top: int = 20
    """How many pairs."""
    output: Path | None = None
    """PAIRS.tsv or PAIRS.jsonl: the pairs with their ids, in place of the table."""
    corpus: Annotated[Corpus, UNPREFIXED] = field(default_factory=Corpus)
    overwrite: bool = False
    """Replace an existing file."""


def run(words: list[str]) -> None:
    """`simemb pairs INPUT`."""
    options = parse(Pairs, words, prog="simemb pairs", needs=extras.INDEXES)
    from simemb.progress import track
    from simemb.report import listing
    from simemb.search import record_files
    from simemb.search.similar_pairs import most_similar

    record_files.check(options.output, record_files.FORMATS, overwrite=options.overwrite)
    with (
        opened(options.input, options.corpus, options.output) as index,
        track("comparing", total=len(index)) as advance,
    ):
        found = most_similar(index, options.top, advance)
    if options.output is None:
        listing.print_pairs(found)
        return
    lines = (
        {
            "cosine": round(pair.cosine, 6),
            "id1": pair.first.id,
            "id2": pair.second.id,
            "text1": pair.first.text,
            "text2": pair.second.text,
        }
        for pair in found
    )
    names = ("cosine", "id1", "id2", "text1", "text2")
    record_files.write(options.output, names, lines, overwrite=options.overwrite)
