"""The plan of a folder of shards: what all of them are, whoever writes them; and the header of each, which repeats it.

`plan.json` is written by the first process and read by the others, so that a corpus is looked through once. A shard is
`00003-of-00064.parquet`, the fourth of 64; its header is in the metadata of the file.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from simemb import files, libraries
from simemb.corpus.collection import Part
from simemb.errors import DataError
from simemb.json_files import parse_record, read_json
from simemb.records import shaped

FORMAT = 1
PLAN = "plan.json"
KEY = b"simemb"
"""The key of a header among the metadata of a Parquet file."""
_NAME = re.compile(r"(?P<shard>\d{5,})-of-(?P<shards>\d{5,})\.parquet")


@dataclass(frozen=True)
class Plan:
    """What the shards of a folder have in common.

    encoder, fingerprint, dim, prompts: of the encoder, as an index keeps them. precision: in which it computes.
    truncate_dim, normalize, prompt: what was asked for. input: the digest of the texts; count: how many there are.
    has_ids: whether they have ids. shards: how many there are. stored, scales: the type of the vectors.
    """

    format: int
    encoder: str
    fingerprint: str
    precision: str
    dim: int
    truncate_dim: int | None
    normalize: bool
    prompt: str
    prompts: Mapping[str, str]
    input: str
    count: int
    has_ids: bool
    shards: int
    stored: str
    scales: tuple[float, ...] = ()

    @property
    def width(self) -> int:
        """The length of the vectors."""
        return self.truncate_dim or self.dim

    def rows(self, shard: int) -> tuple[int, int]:
        """The first text of a shard, and the first after it: all shards, in order, are the corpus."""
        return shard * self.count // self.shards, (shard + 1) * self.count // self.shards

    def other_than(self, other: "Plan") -> str | None:
        """How this plan differs from another one, in words; None if the vectors are the same.

        The name of the encoder may differ, since it may have moved, and so may scales, which follow from the rest.
        """
        if self.fingerprint != other.fingerprint:
            return f"are of the encoder {other.encoder} (fingerprint {other.fingerprint[:12]}), not of {self.encoder}"
        if self.input != other.input:
            return f"are of other texts ({other.count:,} there, {self.count:,} here) or of other columns"
        for name in (name.name for name in fields(self) if name.name not in ("encoder", "scales", "prompts")):
            mine, others = getattr(self, name), getattr(other, name)
            if mine != others:
                return f"have {_WORDS.get(name, name)} {others!r}, not {mine!r}"
        return None


_WORDS = {"shards": "the number of shards", "stored": "dtype"}


@dataclass(frozen=True)
class Header:
    """What the metadata of a shard say: the plan, which shard it is, and its first text and the first after it."""

    plan: Plan
    shard: int
    start: int
    stop: int

    def other_than(self, other: "Header") -> str | None:
        """How this shard differs from another one, in words; None if they hold the same vectors."""
        if difference := self.plan.other_than(other.plan):
            return difference
        if (self.shard, self.start, self.stop) != (other.shard, other.start, other.stop):
            return f"are those of texts {other.start:,} to {other.stop:,}, not {self.start:,} to {self.stop:,}"
        return None if self.plan.scales == other.plan.scales else "have other scales of int8"

    def metadata(self) -> dict[bytes, str]:
        """As the metadata of a Parquet file."""
        return {KEY: json.dumps(asdict(self), ensure_ascii=False)}


@dataclass(frozen=True)
class Record:
    """What `plan.json` holds: the plan and the files of the texts."""

    plan: Plan
    parts: tuple[Part, ...]


def header_of(plan: Plan, shard: int) -> Header:
    """The header of a shard."""
    return Header(plan, shard, *plan.rows(shard))


def path_of(folder: Path, shard: int, shards: int) -> Path:
    """The file of a shard."""
    return folder / f"{shard:05d}-of-{shards:05d}.parquet"


def shards_in(folder: Path) -> Iterator[tuple[Path, int, int]]:
    """The files of shards in a folder, by name: the path, which shard it is, and of how many."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if match := _NAME.fullmatch(path.name):
            yield path, int(match["shard"]), int(match["shards"])


def read_record(folder: Path) -> Record | None:
    """The content of `plan.json`; None if there is none. Raises `DataError` for one that cannot be read."""
    path = folder / PLAN
    if not path.exists():
        return None
    return read_json(path, lambda reason: DataError(f"{path}: no plan of shards ({reason}): remove it"), Record)


def write_record(folder: Path, plan: Plan, parts: Sequence[Part]) -> None:
    """Write `plan.json`, whole or not at all."""
    content = {"plan": asdict(plan), "parts": [asdict(part) for part in parts]}
    files.write_text(folder / PLAN, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def read_header(path: Path) -> Header:
    """The header of a shard.

    Raises:
        DataError: the file is no whole Parquet file, or no shard of ours.
    """
    import pyarrow.parquet as pq

    def refusal(reason: str) -> DataError:
        return DataError(f"{path}: no whole shard of vectors ({reason}): remove it, and encode again with --resume")

    with libraries.reading(refusal):
        metadata: Mapping[bytes, Any] = pq.read_schema(path).metadata or {}
        if KEY not in metadata:
            raise refusal("nothing in it says which encoder made it")
        return shaped(parse_record(metadata[KEY].decode()), Header)
