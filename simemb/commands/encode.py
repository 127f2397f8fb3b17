"""Turn texts into vectors.

simemb encode MODEL INPUT --output VECTORS.npy
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro
from tyro.conf import Positional

from simemb import outputs
from simemb.commands.inputs import documents, load_finished
from simemb.commands.options import UNPREFIXED, FileLayout, SeveralDevices
from simemb.commands.parsing import UsageError, parse
from simemb.corpus.documents import NONE
from simemb.devices import AUTO, of_process
from simemb.encoder.precision import Precision
from simemb.encoder.vector_types import StoredAs

if TYPE_CHECKING:
    from simemb.encoder.shares import Share

log = logging.getLogger("simemb")


@dataclass(frozen=True)
class Encode:
    """Turn texts into float32 vectors, in the order given, in constant memory."""

    model: Positional[Annotated[str, tyro.conf.arg(metavar="MODEL")]]
    """A run directory, a model directory, a hub name, or `mini`, which ships with simemb."""
    input: Positional[Annotated[str, tyro.conf.arg(metavar="INPUT")]]
    """A file, a corpus name, or - for standard input; for shards also a folder or a pattern ('corpus/*.parquet')."""
    output: Path
    """VECTORS.npy, VECTORS.parquet with the texts beside the vectors, or a folder for such files in shards."""
    shards: int | None = None
    """Write a folder of so many files, in order; by default one for each process of the launch (torchrun, Slurm)."""
    shard: str | None = None
    """Write this one alone, as 0/64 (the first) to 63/64."""
    resume: bool = False
    """Write the shards that are missing."""
    engine: Literal["here", "ray"] = "here"
    """ray: encode shards on a Ray cluster, an actor for each device."""
    workers: int | None = None
    """How many actors of Ray; by default one for each GPU of the cluster, or for each CPU where there is none."""
    dtype: StoredAs = "float32"
    """Of the vectors in shards: float32, float16, int8 (its scales are beside them) or binary (signs, 8 to a byte)."""
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
    if options.engine == "ray":
        _write_on_ray(options)
    elif _is_folder(options):
        _write_shards(options)
    else:
        _write_file(options)


def _write_file(options: Encode) -> None:
    """All vectors to one file."""
    _check_output(options)
    texts, ids = _streams(options)
    encoder, prompt = _encoder(options, options.place)
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


def _write_shards(options: Encode) -> None:
    """The shards that are this process's, into a folder."""
    from simemb.encoder.shards import encode_shards

    mine = _share(options)
    encoder, prompt = _encoder(options, _place(options))
    rows = encode_shards(
        encoder,
        options.input,
        options.output,
        shards=mine.total,
        shard=None if options.shard is None else mine.shards[0],
        resume=options.resume,
        overwrite=options.overwrite,
        dtype=options.dtype,
        column=options.column,
        ids=options.ids,
        titles=options.titles,
        normalize=options.normalize,
        truncate_dim=options.truncate_dim,
        prompt=prompt,
        prompt_name=options.prompt_name,
        batch_size=options.batch_size,
        devices=options.place.devices,
        **vars(options.layout),
    )
    _tell(options, rows, mine.total)


def _write_on_ray(options: Encode) -> None:
    """The shards, on a Ray cluster."""
    from simemb.corpus.collection import Columns
    from simemb.encoder.ray_engine import Job, encode_on_ray
    from simemb.encoder.streaming import Options

    _check_prompts(options)
    _check_folder(options)
    if options.shard is not None or options.place.devices is not None:
        raise UsageError("--engine ray gives shards and devices to its actors: leave out --shard and --devices")
    job = Job(
        model=options.model,
        data=options.input,
        output=options.output,
        columns=Columns(options.column, options.ids, options.titles, **vars(options.layout)),
        options=Options(options.normalize, options.truncate_dim, options.batch_size, progress=False),
        prompt=options.prompt,
        prompt_name=options.prompt_name,
        role=options.role,
        stored=options.dtype,
        pooling=options.pooling,
        precision=options.precision,
        overwrite=options.overwrite,
    )
    rows, total = encode_on_ray(job, shards=options.shards, workers=options.workers, resume=options.resume)
    _tell(options, rows, total)


def _tell(options: Encode, rows: int, total: int) -> None:
    """Say how far the shards are, and what to do with them."""
    from simemb.encoder.shard_plan import shards_in

    there = sum(1 for _ in shards_in(options.output))
    log.info("%s: %d more vectors; %d of %d shards are there", options.output, rows, there, total)
    if there == total:
        log.info("next: simemb index %s --output DIR", quote(str(options.output)))


def _share(options: Encode) -> "Share":
    """The shards of this process, and a notice of what a launch makes them."""
    from simemb.encoder.shards import share_of
    from simemb.encoder.shares import parsed

    _check_prompts(options)
    _check_folder(options)
    if options.workers is not None:
        raise UsageError("--workers is for --engine ray; --devices encodes in several processes here")
    number, total = (None, options.shards) if options.shard is None else parsed(options.shard)
    if options.shard is not None and options.shards not in (None, total):
        raise UsageError(f"--shard {options.shard} and --shards {options.shards} disagree: give one of them")
    mine = share_of(options.output, total, number, resume=options.resume, overwrite=options.overwrite)
    if mine.world > 1:
        log.info("process %d of %d: %d of %d shards", mine.rank, mine.world, len(mine.shards), mine.total)
    return mine


def _check_folder(options: Encode) -> None:
    if options.output.suffix in (".npy", ".parquet"):
        raise UsageError(f"shards are files in a folder: {options.output} is the name of one; leave its ending out")


def _place(options: Encode) -> SeveralDevices:
    """The devices; a process of a launch that names none has a GPU of its own."""
    from simemb.encoder.shares import local_rank

    rank, place = local_rank(), options.place
    if rank is None or place.devices is not None or place.device != AUTO:
        return place
    return replace(place, device=of_process(rank))


def _is_folder(options: Encode) -> bool:
    """Whether the vectors go to shards in a folder."""
    asked = options.shards is not None or options.shard is not None or options.resume or options.dtype != "float32"
    return asked or not options.output.suffix or options.output.is_dir()


def _encoder(options: Encode, place: SeveralDevices) -> tuple[Any, str | None]:
    """The encoder, and the prompt that was asked for by its text or by a role."""
    from simemb.encoder.limits import check_dim
    from simemb.encoder.prompts import announce

    encoder = load_finished(options.model, options.pooling, place, options.precision)
    check_dim(options.truncate_dim, encoder.dim, "--truncate-dim")
    prompt = options.prompt
    if prompt is None and options.prompt_name is None:
        prompt = announce(encoder, options.role).get(options.role)
    return encoder, prompt


def _check_output(options: Encode) -> None:
    """Refuse an output that cannot or must not be written, before anything is read or loaded."""
    from simemb.encoder.vector_files import writer_for

    if options.output.exists() and Path(options.input).exists() and options.output.samefile(options.input):
        raise UsageError(f"{options.output} is the input too; give --output another name")
    writer_for(options.output)
    _check_prompts(options)
    if options.ids not in (None, NONE) and not _has_ids(options.output):
        raise UsageError(f"--ids is for an --output that ends in .parquet; {options.output} has no place for ids")
    outputs.check_file(options.output, overwrite=options.overwrite)


def _check_prompts(options: Encode) -> None:
    if options.role != "text" and (options.prompt is not None or options.prompt_name is not None):
        raise UsageError(f"--role {options.role} chooses a prompt: leave --prompt and --prompt-name out")


def _has_ids(output: Path) -> bool:
    """Whether there is a place for ids beside the vectors."""
    return output.suffix == ".parquet"


def _streams(options: Encode) -> tuple[Iterator[str], Iterator[str] | None]:
    """The texts, and the ids if the output has a place for them."""
    ids = options.ids if _has_ids(options.output) else NONE
    return documents(options.input, options.layout, options.column, ids=ids, titles=options.titles).streams()
