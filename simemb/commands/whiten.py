"""Even out the vectors of an encoder.

simemb whiten MODEL --data INPUT --output DIR
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from tyro.conf import Positional

from simemb.commands.inputs import data_of, load_encoder, rows_of
from simemb.commands.options import GATHERED, UNPREFIXED, AtLeastOne, FileLayout, OneDevice
from simemb.commands.parsing import parse

if TYPE_CHECKING:
    from simemb.corpus.rows import Rows
    from simemb.encoder.streaming import TextEncoder

log = logging.getLogger("simemb")


@dataclass(frozen=True)
class Whiten:
    """Whiten the vectors of an encoder: mean 0, the same variance everywhere.

    Meant for vectors that lie in a narrow cone, as those of an untuned BERT do.

    Take texts like those that will be compared: by others scores can fall.

    So look at both before you keep it:

      simemb whiten bert-base-uncased --data texts.txt --output runs/white
      simemb eval bert-base-uncased runs/white

    Not on the text that you evaluate on: `simemb eval` will say that you did.
    """

    model: Positional[Annotated[str, tyro.conf.arg(metavar="MODEL")]]
    """A run directory, a model directory, a hub name, or `mini`, which ships with simemb."""
    data: Annotated[tuple[str, ...], GATHERED, AtLeastOne("--data")]
    """Files and corpus names (`simemb list corpora`), read one after the other, or - for standard input; all their text
    columns count. More different texts than dimensions."""
    output: Path
    """The directory of the whitened encoder, which sentence-transformers loads too."""
    dims: int | None = None
    """Keep this many dimensions, those that vary most. By default all."""
    columns: tuple[str, ...] = ()
    """The text columns of the data. By default recognized by name."""
    layout: Annotated[FileLayout, UNPREFIXED] = field(default_factory=FileLayout)
    pooling: str | None = None
    """cls, cls_head, mean, max, first_last or last2; by default that of the model."""
    place: Annotated[OneDevice, UNPREFIXED] = field(default_factory=OneDevice)
    overwrite: bool = False
    """Replace an existing model."""


def run(words: list[str]) -> None:
    """`simemb whiten MODEL --data TEXTS --output DIR`."""
    options = parse(Whiten, words, prog="simemb whiten")
    from simemb.encoder import saving

    with saving.writing(options.output, overwrite=options.overwrite):
        _whiten(options)


def _whiten(options: Whiten) -> None:
    from simemb.comparison import provenance
    from simemb.corpus.language import language_of
    from simemb.encoder import whitening
    from simemb.encoder.model_card import code, plain
    from simemb.evaluation.languages import final_suite

    rows = rows_of(data_of(options.data), options.layout, options.columns)
    if rows.warning:
        log.warning("%s: %s", rows.name, rows.warning)
    encoder = load_encoder(options.model, options.pooling, options.place)
    texts = {text: None for row in rows.texts() for text in row}
    whitened = whitening.whiten(encoder, list(texts), dims=options.dims)
    of, on = code(options.model), code(rows.name)
    made = f"\n## Whitening\n\n- of: {of}\n- on: the {len(texts):,} distinct texts of {on}\n"
    made += f"- mind: the data {plain(rows.warning)}\n" if rows.warning else ""
    record = {"whitening": {"dims": whitened.dim, "texts": len(texts)}, **_record(options, encoder, rows)}
    records = {provenance.WHITENING: record}
    whitened.save(options.output, overwrite=options.overwrite, training=made, records=records)
    log.info(
        "%s: vectors of %d dimensions, whitened on %d texts; next: simemb eval %s %s --suite %s",
        options.output,
        whitened.dim,
        len(texts),
        quote(options.model),
        quote(str(options.output)),
        final_suite(language_of(rows)),
    )


def _record(options: Whiten, encoder: "TextEncoder", rows: "Rows") -> dict[str, Any]:
    """The base encoder and the texts, in the form of `simemb.comparison.provenance.trained`."""
    from simemb.comparison import provenance
    from simemb.training.environment import environment

    base = {"model": encoder.name, "fingerprint": encoder.fingerprint()}
    earlier = provenance.trained(options.model)
    data = {
        "name": rows.name,
        "parts": list(rows.parts),
        "columns": list(rows.columns),
        "read": list(rows.columns),
        "digest": rows.digest(),
        "rows": sum(1 for _ in rows.texts()),
        "warning": rows.warning,
        **vars(options.layout),
    }
    return {"base": base | ({"trained": earlier} if earlier else {}), "data": data, **environment()}
