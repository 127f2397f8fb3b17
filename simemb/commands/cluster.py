"""Find the groups of a corpus, with their central text and their words.

simemb cluster INPUT
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
from simemb.commands.parsing import parse

log = logging.getLogger("simemb")


@dataclass(frozen=True)
class ClusterTexts:
    """Find the groups of a corpus: communities of near texts, the largest first.

    Nobody has to say how many there are; texts that are near no others are in none.

      simemb cluster texts.txt --threshold 0.7 --output clusters.tsv
    """

    input: Positional[Annotated[str, tyro.conf.arg(metavar="INPUT")]]
    """A file, a corpus name, - for standard input, or the directory of an index."""
    threshold: float = 0.75
    """The least cosine of a member and the text that its community is around, in [-1, 1]."""
    min_size: int = 5
    """The fewest texts of a community."""
    k: Annotated[int | None, tyro.conf.arg(aliases=["-k"])] = None
    """So many clusters by k-means instead, in which every text is."""
    show: int = 20
    """How many to show; 0 shows none."""
    output: Path | None = None
    """CLUSTERS.tsv or CLUSTERS.jsonl: a line for each text of a cluster, with its cosine to the cluster's mean."""
    corpus: Annotated[Corpus, UNPREFIXED] = field(default_factory=Corpus)
    overwrite: bool = False
    """Replace an existing file."""


def run(words: list[str]) -> None:
    """`simemb cluster INPUT`."""
    options = parse(ClusterTexts, words, prog="simemb cluster", needs=extras.INDEXES)
    from simemb.progress import track
    from simemb.report import listing
    from simemb.search import record_files
    from simemb.search.clusters import clustered

    record_files.check(options.output, record_files.FORMATS, overwrite=options.overwrite)
    with opened(options.input, options.corpus, options.output) as index:
        with track("comparing", total=len(index)) as advance:
            found = clustered(index, options.threshold, options.min_size, options.k, advance)
        total = len(index)
    members = sum(len(each.members) for each in found)
    log.info("%s: %d clusters of %d texts; %d are in none", options.input, len(found), total, total - members)
    if options.output is not None:
        lines = (
            {"cluster": number, "id": item.id, "cosine": round(cosine, 6), "text": item.text}
            for number, each in enumerate(found, start=1)
            for item, cosine in zip(each.members, each.cosines, strict=True)
        )
        names = ("cluster", "id", "cosine", "text")
        record_files.write(options.output, names, lines, overwrite=options.overwrite)
    if found and options.show > 0:
        listing.print_clusters(found[: options.show])
