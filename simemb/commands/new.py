"""Make an untrained model with a vocabulary of your own.

simemb new OUTPUT --data INPUT
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import Annotated

import tyro
from tyro.conf import Positional

from simemb.commands.inputs import data_of, rows_of
from simemb.commands.options import GATHERED, UNPREFIXED, AtLeastOne, FileLayout, OneDevice
from simemb.commands.parsing import parse

log = logging.getLogger("simemb")


@dataclass(frozen=True)
class New:
    """Make an untrained BERT whose vocabulary is learnt from your texts.

    Then pre-train it on them, as a base of your own for contrastive training:

      simemb new runs/blank --data texts.txt
      simemb train mlm --model runs/blank --data texts.txt --output runs/base
    """

    output: Positional[Annotated[Path, tyro.conf.arg(metavar="OUTPUT")]]
    """The directory of the model."""
    data: Annotated[tuple[str, ...], GATHERED, AtLeastOne("--data")]
    """Files and corpus names (`simemb list corpora`), read one after the other, or - for standard input; all their text
    columns count."""
    vocabulary: int = 8000
    """Tokens at most. Chinese needs some 5000 for its characters alone."""
    layers: int = 4
    """Layers of the transformer."""
    width: int = 256
    """Width of a token's vector: a multiple of heads. The feed-forward layers are four times as wide."""
    heads: int = 4
    """Heads of attention."""
    length: int = 128
    """Tokens of the longest text that the model will take."""
    cased: bool = False
    """Keep upper case and accents."""
    columns: tuple[str, ...] = ()
    """The text columns of the data. By default recognized by name."""
    layout: Annotated[FileLayout, UNPREFIXED] = field(default_factory=FileLayout)
    words_from: str | None = None
    """An encoder whose vectors of single words are the first word embeddings (`mini`, a directory, a hub name); it
    needs `width` dimensions or more. By default they are random."""
    place: Annotated[OneDevice, UNPREFIXED] = field(default_factory=OneDevice)
    seed: int = 1
    """Decides the random weights."""
    overwrite: bool = False
    """Replace an existing model."""


def run(words: list[str]) -> None:
    """`simemb new OUTPUT --data TEXTS`."""
    options = parse(New, words, prog="simemb new")
    from simemb.encoder import saving, untrained

    saving.refuse(options.output, overwrite=options.overwrite)
    rows = rows_of(data_of(options.data), options.layout, options.columns)
    model = untrained.new(
        options.output,
        rows,
        vocabulary=options.vocabulary,
        layers=options.layers,
        width=options.width,
        heads=options.heads,
        length=options.length,
        cased=options.cased,
        words_from=options.words_from,
        device=options.place.device if options.words_from else None,
        seed=options.seed,
        overwrite=options.overwrite,
    )
    log.info(
        "%s: an untrained BERT of %d layers x %d, %s weights, %d tokens; next: simemb train mlm --model %s --data %s",
        options.output,
        options.layers,
        options.width,
        f"{model.num_parameters():,}",
        model.config.vocab_size,
        quote(str(options.output)),
        " ".join(map(quote, options.data)),
    )
