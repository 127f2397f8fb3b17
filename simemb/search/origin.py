"""Where the vectors of an index come from: its encoder, by which it is found and told from others."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING

from simemb.encoder.precision import kin
from simemb.encoder.prompts import used
from simemb.errors import SearchError

if TYPE_CHECKING:
    from simemb.encoder.streaming import TextEncoder


@dataclass(frozen=True)
class Origin:
    """The encoder of the vectors: the name that loads it, the digest of its weights, its dimension, and what is kept.

    truncate_dim: how many of the first dimensions are in the index; None: all. prompts: what the encoder puts before
    documents and queries; empty without prompts.
    """

    name: str
    fingerprint: str
    dim: int
    truncate_dim: int | None = None
    prompts: Mapping[str, str] = field(default_factory=dict)

    @property
    def kept(self) -> int:
        """The dimension of the vectors in the index."""
        return self.truncate_dim or self.dim

    def __str__(self) -> str:
        return f"{self.name} (dim {self.dim}, fingerprint {self.fingerprint[:12]})"

    def beside(self, directory: Path) -> str | None:
        """The way from the directory of an index to that of the encoder; None if the encoder is no directory here."""
        if not Path(self.name).is_dir():
            return None
        return Path(os.path.relpath(self.name, directory)).as_posix()

    @staticmethod
    def at(directory: Path, way: str) -> Path:
        """Where such a way leads. Raises `SearchError` for one that does not begin at the directory."""
        if PureWindowsPath(way).anchor or "\0" in way:
            raise SearchError(
                f"{directory / 'index.json'}: beside is {way!r}, which is not the way from here to an encoder"
            )
        return directory / way

    @classmethod
    def of(cls, encoder: "TextEncoder", truncate_dim: int | None = None) -> "Origin":
        """The origin of this encoder's vectors."""
        # The path of a directory is made absolute, so that the index can be searched from anywhere.
        name = str(Path(encoder.name).resolve()) if Path(encoder.name).is_dir() else encoder.name
        return cls(name, kin(encoder), encoder.dim, truncate_dim, used(encoder, "document", "query"))
