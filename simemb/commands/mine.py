"""Add hard negatives to pairs.

simemb mine MODEL PAIRS --output TRIPLETS.tsv
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import Annotated, Literal

import tyro
from tyro.conf import Positional

from simemb import extras
from simemb.commands.inputs import load_finished
from simemb.commands.options import UNPREFIXED, FileLayout, SeveralDevices
from simemb.commands.parsing import parse
from simemb.encoder.precision import Precision
from simemb.search.mining_rules import Rules

log = logging.getLogger("simemb")


@dataclass(frozen=True)
class Mine:
    """Mine hard negatives: texts near an anchor that are not known to be right.

    Pairs become triplets for supervised training:

      simemb mine runs/first pairs.tsv --output triplets.tsv
      simemb train simcse_sup --data triplets.tsv --output runs/second

    A text nearer to the anchor than its positive is likely right too, unmarked.

    So by default no negative is nearer; --relative-margin 0.05 keeps a distance.
    """

    model: Positional[Annotated[str, tyro.conf.arg(metavar="MODEL")]]
    """A run directory, a model directory or a hub name: it says what is near."""
    data: Positional[Annotated[str, tyro.conf.arg(metavar="DATA")]]
    """Pairs: a file or corpus with two text columns, anchor and positive. Sentences alone will not do: they do not
    say what is right."""
    output: Path
    """TRIPLETS.tsv (tabs and line ends in texts become blanks) or TRIPLETS.jsonl."""
    corpus: str | None = None
    """Where negatives are looked for: a file, a corpus name, or the directory of an index of the same model (`simemb
    index`). By default the positives of all rows."""
    columns: tuple[str, ...] = ()
    """Text columns of the data in role order: anchor, positive. By default recognized by name."""
    layout: Annotated[FileLayout, UNPREFIXED] = field(default_factory=FileLayout)
    rules: Annotated[Rules, UNPREFIXED] = field(default_factory=Rules)
    shape: Literal["rows", "columns"] = "rows"
    """How several negatives of a pair are written: a line for each (rows), or in columns negative_1, negative_2 ...
    (columns), so that training encodes no pair twice."""
    reranker: str | None = None
    """A cross-encoder, or another encoder: a directory or a hub name. Its relevances, from 0 to 1, take the place of
    cosines in the limits, so that texts are left out which it finds as right as the positive."""
    pooling: str | None = None
    """cls, cls_head, mean, max, first_last or last2; by default that of the model."""
    place: Annotated[SeveralDevices, UNPREFIXED] = field(default_factory=SeveralDevices)
    precision: Precision | None = None
    """float32; bf16 or fp16, half precision, where there is one; int8, on a CPU; or auto, half precision where its
    vectors agree. By default float32 on a CPU, and auto on a GPU."""
    overwrite: bool = False
    """Replace an existing file."""


def run(words: list[str]) -> None:
    """`simemb mine MODEL DATA --output TRIPLETS`."""
    options = parse(Mine, words, prog="simemb mine", needs=extras.INDEXES)
    from simemb.encoder.streaming import spread
    from simemb.search import mining

    mining.check_output(options.output, options.data, options.corpus, overwrite=options.overwrite)
    encoder = load_finished(options.model, options.pooling, options.place, options.precision)
    with spread(encoder, options.place.devices):
        summary = mining.mine(
            encoder,
            options.data,
            options.output,
            overwrite=options.overwrite,
            corpus=options.corpus,
            columns=options.columns or None,
            **vars(options.layout),
            rules=options.rules,
            shape=options.shape,
            reranker=options.reranker,
        )
    log.info(
        "%s: %d triplets of %d rows (%d rows found no negative); mean similarity of positives %.3f, of negatives %.3f; "
        "next: simemb train simcse_sup --data %s",
        options.output,
        summary.triplets,
        summary.successes,
        summary.rows - summary.successes,
        summary.positive,
        summary.negative,
        quote(str(options.output)),
    )
