"""Make a static model of an encoder.

simemb distil --static TEACHER --output DIR
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import Annotated

from simemb.commands.inputs import data_of, rows_of
from simemb.commands.options import GATHERED, UNPREFIXED, FileLayout, OneDevice
from simemb.commands.parsing import parse

log = logging.getLogger("simemb")


@dataclass(frozen=True)
class Distil:
    """Make a static model: a table of token vectors, which a CPU encodes many times as fast.

    It takes a pass over the vocabulary of the teacher, a minute or so, and no data:

      simemb distil --static mini --output runs/static
      simemb eval mini runs/static

    Texts like those that will be encoded make it better: how often a token occurs decides how much it counts, and
    frequent words that the vocabulary splits become tokens of their own.

      simemb distil --static mini --data texts.txt --words 10000 --output runs/static

    To train a smaller encoder by a teacher instead: `simemb train distil --help`.
    """

    static: str
    """The teacher: a run directory, a model directory, a hub name, or `mini`, which ships with simemb."""
    output: Path
    """The directory of the static model, which sentence-transformers loads too."""
    dim: int | None = None
    """Dimensions to keep, those in which tokens vary most. By default 256, or all if the teacher has fewer."""
    sif: float = 1e-4
    """A token of probability p counts sif / (sif + p): the larger, the more frequent tokens count."""
    data: Annotated[tuple[str, ...], GATHERED] = ()
    """Files and corpus names (`simemb list corpora`), read one after the other, or - for standard input, from which
    probabilities are taken. By default they follow from the order of the vocabulary, by Zipf's law."""
    words: int = 0
    """Add so many frequent words of the data to the vocabulary."""
    columns: tuple[str, ...] = ()
    """The text columns of the data. By default recognized by name."""
    layout: Annotated[FileLayout, UNPREFIXED] = field(default_factory=FileLayout)
    place: Annotated[OneDevice, UNPREFIXED] = field(default_factory=OneDevice)
    overwrite: bool = False
    """Replace an existing model."""


def run(words: list[str]) -> None:
    """`simemb distil --static TEACHER --output DIR`."""
    options = parse(Distil, words, prog="simemb distil")
    from simemb.encoder import saving, static_distillation

    saving.refuse(options.output, overwrite=options.overwrite)
    rows = rows_of(data_of(options.data), options.layout, options.columns) if options.data else None
    if rows is not None and rows.warning:
        log.warning("%s: %s", rows.name, rows.warning)
    made = static_distillation.distil_static(
        options.static,
        options.output,
        dim=options.dim,
        sif=options.sif,
        data=rows,
        words=options.words,
        device=options.place.device,
        overwrite=options.overwrite,
    )
    tokens, dim = made.table.shape
    log.info(
        "%s: a static model of %s tokens x %d dimensions, %.0f MB; next: simemb eval %s %s",
        options.output,
        f"{tokens:,}",
        dim,
        made.table.nbytes / 1e6,
        quote(options.static),
        quote(str(options.output)),
    )
