"""Rerankers: models that score a pair of texts. Cross-encoders are run by sentence-transformers.

A cross-encoder reads both texts at once, so its scores are better than cosines, and cost a pass for every pair.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from simemb import extras, json_files
from simemb.encoder.backbone import quiet_transformers
from simemb.encoder.encoder import Encoder
from simemb.encoder.external import model_files
from simemb.encoder.layout import read_modules
from simemb.encoder.location import locate
from simemb.encoder.prompts import Role, prompted
from simemb.errors import ModelError
from simemb.libraries import reading

BATCH = 32
"""Pairs that a cross-encoder reads at once."""

Pairs = Sequence[tuple[str, str]]


class CrossEncoder:
    """A cross-encoder with one score a pair; `model` is that of sentence-transformers, from a directory."""

    def __init__(self, model: Any, directory: Path, name: str) -> None:
        self.model, self.directory, self.name = model, directory, name
        if model.num_labels != 1:
            raise ModelError(f"{name} gives a pair {model.num_labels} numbers, and a reranker gives it 1")

    def fingerprint(self) -> str:
        """SHA-256 over the files that may affect the scores."""
        digest = hashlib.sha256()
        for name, path in model_files(self.directory):
            digest.update(name.encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()

    def scores(self, pairs: Pairs) -> Float32[np.ndarray, "pairs"]:
        """The logit of each pair: the larger, the more the second text suits the first."""
        from torch.nn import Identity

        with reading(lambda reason: ModelError(f"{self.name}: cannot score pairs of texts: {reason}")):
            logits = self.model.predict(
                [list(pair) for pair in pairs], batch_size=BATCH, activation_fn=Identity(), show_progress_bar=False
            )
        scores = np.asarray(logits, np.float32).reshape(len(pairs))
        if not np.isfinite(scores).all():
            raise ModelError(f"{self.name} gives a pair of texts a score that is not a finite number")
        return scores

    def relevances(self, pairs: Pairs) -> Float32[np.ndarray, "pairs"]:
        """The same in (0, 1), as cross-encoders are trained: the logistic function of the logits."""
        return (1 + np.tanh(self.scores(pairs) / 2)) / 2  # exp(-x) would overflow


SHARPNESS = 20.0
"""By how much a cosine is multiplied to be a score: 1 / 0.05, by the usual temperature of contrastive learning. As they
are, cosines of candidates differ so little that a softmax finds them all alike, and a student learns just that."""


class CosineReranker:
    """An encoder as a reranker: the score of a pair is 20 times the cosine of its vectors (query and document)."""

    def __init__(self, encoder: Any) -> None:
        self.encoder, self.name = encoder, str(encoder.name)

    def fingerprint(self) -> str:
        """That of the encoder, and of the scale."""
        return f"{self.encoder.fingerprint()} x {SHARPNESS:g}"

    def scores(self, pairs: Pairs) -> Float32[np.ndarray, "pairs"]:
        """What a cross-encoder's logit stands for."""
        return np.float32(SHARPNESS) * self.relevances(pairs)

    def relevances(self, pairs: Pairs) -> Float32[np.ndarray, "pairs"]:
        """The cosine of each pair."""
        roles: tuple[Role, Role] = ("query", "document")
        queries, documents = (
            self.encoder.encode(list(texts), normalize=True, progress=False, **prompted(self.encoder, role))
            for texts, role in zip(zip(*pairs, strict=True), roles, strict=True)
        )
        return (queries * documents).sum(axis=1).astype(np.float32)


Reranker = CrossEncoder | CosineReranker


def load_reranker(model: str | Path, device: str = "auto") -> Reranker:
    """The reranker of a directory or a hub name: a cross-encoder, or an encoder whose cosines are taken.

    No code of the model is run, and its weights are read from safetensors. Raises `ModelError` for a cross-encoder
    that cannot be read, that brings modules of its own, or that gives a pair several numbers.
    """
    from simemb import devices

    directory = locate(model)
    if not _is_cross_encoder(directory):
        return CosineReranker(Encoder.load(model, device=device))
    extras.need(f"{model}, a cross-encoder,", extras.FOREIGN_MODULES)
    if (directory / "modules.json").is_file():
        read_modules(directory / "modules.json")
    from sentence_transformers import CrossEncoder as Model

    with (
        quiet_transformers(),
        reading(lambda reason: ModelError(f"{model}: cannot be read as a cross-encoder: {reason}")),
    ):
        loaded = Model(
            str(directory),
            device=devices.find(device),
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    return CrossEncoder(loaded, directory, str(model))


def _is_cross_encoder(directory: Path) -> bool:
    """Whether a model's config names a head that classifies sequences, and no list of modules makes it an encoder."""
    config = directory / "config.json"
    if (directory / "modules.json").is_file() and not _says_cross_encoder(directory):
        return False
    if not config.is_file():
        return False
    content = json_files.load_json(config)
    names = content.get("architectures") if isinstance(content, dict) else None
    return isinstance(names, list) and any(str(name).endswith("ForSequenceClassification") for name in names)


def _says_cross_encoder(directory: Path) -> bool:
    """Whether sentence-transformers saved it as one."""
    path = directory / "config_sentence_transformers.json"
    content = json_files.load_json(path) if path.is_file() else {}
    return isinstance(content, dict) and content.get("model_type") == "CrossEncoder"
