"""Sentence-transformers models with modules that simemb does not implement, behind the same `encode`.

sentence-transformers itself runs them (CLIP, LSTMs ...), except static models (`simemb.encoder.static`). They can be
scored, indexed and searched, but not trained here.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from simemb.devices import CPU
from simemb.encoder.backbone import quiet_transformers
from simemb.encoder.precision import computing
from simemb.encoder.streaming import Encodes
from simemb.encoder.vector_files import Vectors
from simemb.errors import ModelError
from simemb.libraries import reading

_IGNORED_PREFIXES = (".", "__pycache__", "README")
"""Prefixes of the names of files and folders that do not affect the vectors."""

_PROBES = ("a man", "the red cat sleeps on the blue car in the house and the dog runs")
"""Texts of different lengths, to find out whether one changes the vector of the other."""


def model_files(directory: Path) -> Iterator[tuple[str, Path]]:
    """Every file of a model that may affect what it computes, by its name within the directory."""
    for path in sorted(directory.rglob("*")):
        relative = path.relative_to(directory)
        if path.is_file() and not any(part.startswith(_IGNORED_PREFIXES) for part in relative.parts):
            yield relative.as_posix(), path


class ExternalEncoder(Encodes):
    """A `sentence_transformers.SentenceTransformer` with the interface of `TextEncoder`; see `Encoder.load`.

    directory: the one that it was loaded from. name: a path or a hub name. truncate_dim: dimensions to keep. apart:
    texts are computed one by one, because others in a batch would change their vectors.
    """

    runs: ClassVar[str] = "runs through sentence-transformers"
    """What it is, in messages about what it cannot do."""

    def __init__(self, model: Any, *, directory: Path, name: str, truncate_dim: int | None = None):
        self.model = model
        self.directory = directory
        self.name = name
        self.truncate_dim = truncate_dim
        self.prompts: Mapping[str, str] = dict(getattr(model, "prompts", {}))
        self.default_prompt: str | None = getattr(model, "default_prompt_name", None)
        self.own_prompts = dict(self.prompts), self.default_prompt
        self.apart = False
        self.half_type: Any = None

    @classmethod
    def load(
        cls, directory: Path, *, name: str, truncate_dim: int | None = None, trust_remote_code: bool = False
    ) -> "ExternalEncoder":
        """The model of a directory, on the CPU. Raises `ModelError` if it cannot encode a text."""
        from sentence_transformers import SentenceTransformer

        with quiet_transformers():
            model = SentenceTransformer(str(directory), trust_remote_code=trust_remote_code, device=CPU)
        encoder = cls(model, directory=directory, name=name, truncate_dim=truncate_dim)
        encoder.apart = _lends_padding(model) or encoder._changes_with_neighbors()
        return encoder

    def _changes_with_neighbors(self) -> bool:
        """Whether a text has another vector in a batch than alone; `ModelError` if it has none at all."""
        alone = np.concatenate([self._encode([text], "") for text in _PROBES])
        try:
            together = self._encode(_PROBES, "")
        except Exception:
            return True
        return not np.allclose(together, alone, rtol=1e-4, atol=1e-4 * (1 + np.abs(alone).max()), equal_nan=True)

    @property
    def width(self) -> int:
        """Length of the vectors before they are truncated."""
        return int(self.model.get_embedding_dimension())

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return min(self.width, self.truncate_dim or self.width)

    def fingerprint(self, *, exact: bool = True) -> str:
        """SHA-256 over all files except hidden ones, compiled Python and the model card, and half precision if `exact`.

        It covers files and not loaded weights, because a module may initialize weights at random that it never uses (a
        pooler). It covers all files, because a model may contain its own code, and weights in any format.
        """
        digest = hashlib.sha256(f"{self.truncate_dim}".encode())
        if exact and self.half_type is not None:
            digest.update(f"computed in {self.half_type}".encode())
        if (dict(self.prompts), self.default_prompt) != self.own_prompts:  # others than those of the directory
            digest.update(repr((sorted(self.prompts.items()), self.default_prompt)).encode())
        for name, path in model_files(self.directory):
            digest.update(name.encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()

    @property
    def device(self) -> Any:
        """The device of the weights."""
        return self.model.device

    def to(self, device: Any) -> "ExternalEncoder":
        """Move the model to a device, in place; returns this encoder."""
        self.model.to(device)
        return self

    def save(self, directory: str | Path) -> Path:
        """Raises `ModelError`: its owner saves it."""
        advice = f"encoder.model.save({str(directory)!r})"
        raise ModelError(f"{self.name} {self.runs}, which saves it: {advice}")

    def train(self, mode: bool = True) -> "ExternalEncoder":
        """Raises `ModelError`: it cannot be trained here."""
        if mode:
            raise ModelError(f"{self.name} {self.runs}: it can be used, but not trained here")
        return self

    def eval(self) -> "ExternalEncoder":
        """This encoder, which is always in evaluation mode."""
        return self.train(False)

    def quantize(self, sentences: Any = None) -> "ExternalEncoder":  # noqa: ARG002
        """Raises `ModelError`: precision int8 is for the families that simemb computes."""
        raise ModelError(f"{self.name} {self.runs}: precision int8 is not possible")

    def tokenize(self, texts: Sequence[str], prompt: str = "") -> tuple[list[Any], int]:  # noqa: ARG002
        """The texts themselves and 0: sentence-transformers tokenizes them and does not report truncation."""
        return list(texts), 0

    def embed(self, sentences: Sequence[Any], prompt: str = "") -> Vectors:
        """Vectors of one batch of texts, each after the prompt."""
        if self.apart:
            return np.concatenate([self._encode([sentence], prompt) for sentence in sentences])
        return self._encode(sentences, prompt)

    def _encode(self, sentences: Sequence[str], prompt: str) -> Vectors:
        with computing(self), reading(lambda reason: ModelError(f"{self.name} cannot encode a text: {reason}")):
            output = self.model.encode(list(sentences), prompt=prompt, show_progress_bar=False)
        vectors = np.asarray(output, np.float32)[:, : self.truncate_dim]
        # Static embeddings in half precision give 0 / |0| = nan for a text without tokens.
        return np.where(np.isnan(vectors).all(axis=1, keepdims=True), np.float32(0), vectors)


def _lends_padding(model: Any) -> bool:
    """Whether a tokenizer has no padding token and so gets one, which then must never be used (GPT and its kin)."""
    tokenizer: Any = getattr(model, "tokenizer", None)
    if getattr(tokenizer, "pad_token", "") is not None:
        return False
    tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    return True
