"""Turn texts into vectors.

simemb encode MODEL INPUT --output VECTORS.npy
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import Positional

from simemb import outputs
from simemb.commands.inputs import documents, load_finished
from simemb.commands.options import UNPREFIXED, FileLayout, SeveralDevices
from simemb.commands.parsing import UsageError, parse
from simemb.corpus.documents import NONE
from simemb.encoder.precision import Precision

log = logging.getLogger("simemb")


@dataclass(frozen=True)
class Encode:
    """Turn texts into float32 vectors, in the order given, in constant memory."""

    model: Positional[Annotated[str, tyro.conf.arg(metavar="MODEL")]]
    """A run directory, a model directory, a hub name, or `mini`, which ships with simemb."""
    input: Positional[Annotated[str, tyro.conf.arg(metavar="INPUT")]]
    """A file, a corpus name, or - for standard input."""
    output: Path
    """VECTORS.npy, or VECTORS.parquet with the texts beside the vectors."""
    column: Annotated[str | None, tyro.conf.arg(aliases=["--columns"])] = None
    """The column to encode; by default the first text column, and title before it."""
    ids: str | None = None
    """The column of the ids, which a .parquet keeps beside the vectors; by default _id or id where there is one. none:
    no ids."""
    titles: str | None = None
    """The column of the titles, which go before the texts; by default title where there is one. none: no titles."""
    layout: Annotated[FileLayout, UNPREFIXED] = field(default_factory=FileLayout)
    pooling: str | None = None
    """cls, cls_head, mean, max, first_last or last2; by default that of the model."""
    place: Annotated[SeveralDevices, UNPREFIXED] = field(default_factory=SeveralDevices)
    normalize: bool = False
    """Scale vectors to unit length."""
    truncate_dim: int | None = None
    """Keep this many of the first dimensions."""
    prompt: str | None = None
    """A text to put before each text; by default that of the model, if it has a default prompt."""
    prompt_name: str | None = None
    """One of the model's own prompts, by its name (query, passage ...)."""
    role: Literal["text", "query", "document"] = "text"
    """query, document: put the prompt of the model for these before each text, as `search` and `index` do."""
    batch_size: int | None = None
    """The most texts in a batch; by default a batch is a fixed number of tokens."""
    overwrite: bool = False
    """Replace an existing file."""
    precision: Precision | None = None
    """float32; bf16 or fp16, half precision, where there is one; int8, on a CPU; or auto, half precision where its
    vectors agree. By default float32 on a CPU, and auto on a GPU."""


def run(words: list[str]) -> None:
    """`simemb encode MODEL INPUT --output VECTORS`."""
    options = parse(Encode, words, prog="simemb encode")
    from simemb.encoder.limits import check_dim
    from simemb.encoder.prompts import announce

    _check_output(options)
    texts, ids = _streams(options)
    encoder = load_finished(options.model, options.pooling, options.place, options.precision)
    check_dim(options.truncate_dim, encoder.dim, "--truncate-dim")
    prompt = options.prompt
    if prompt is None and options.prompt_name is None:
        prompt = announce(encoder, options.role).get(options.role)
    rows = encoder.encode_to_file(
        texts,
        options.output,
        overwrite=options.overwrite,
        ids=ids,
        normalize=options.normalize,
        truncate_dim=options.truncate_dim,
        batch_size=options.batch_size,
        prompt=prompt,
        prompt_name=options.prompt_name,
        devices=options.place.devices,
    )
    log.info("%s: %d vectors of %d dimensions", options.output, rows, options.truncate_dim or encoder.dim)


def _check_output(options: Encode) -> None:
    """Refuse an output that cannot or must not be written, before anything is read or loaded."""
    from simemb.encoder.vector_files import writer_for

    if options.output.exists() and Path(options.input).exists() and options.output.samefile(options.input):
        raise UsageError(f"{options.output} is the input too; give --output another name")
    writer_for(options.output)
    if options.role != "text" and (options.prompt is not None or options.prompt_name is not None):
        raise UsageError(f"--role {options.role} chooses a prompt: leave --prompt and --prompt-name out")
    if options.ids not in (None, NONE) and not _has_ids(options.output):
        raise UsageError(f"--ids is for an --output that ends in .parquet; {options.output} has no place for ids")
    outputs.check_file(options.output, overwrite=options.overwrite)


def _has_ids(output: Path) -> bool:
    """Whether there is a place for ids beside the vectors."""
    return output.suffix == ".parquet"


def _streams(options: Encode) -> tuple[Iterator[str], Iterator[str] | None]:
    """The texts, and the ids if the output has a place for them."""
    ids = options.ids if _has_ids(options.output) else NONE
    return documents(options.input, options.layout, options.column, ids=ids, titles=options.titles).streams()
