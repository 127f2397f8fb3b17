"""Static models: the vector of a text is the mean of the vectors of its tokens, which a table holds.

There is no network: tokenizing takes nearly all of the time. Table and tokenizer are a StaticEmbedding of
sentence-transformers, as models of model2vec (https://github.com/MinishLab/model2vec) are. They are computed here,
since `encode` of sentence-transformers takes longer for the rest than for both.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch.nn.functional import embedding_bag, normalize

from simemb.encoder.external import ExternalEncoder
from simemb.encoder.layout import SETTINGS, read_layout, read_modules
from simemb.encoder.settings import read_settings
from simemb.encoder.vector_files import Vectors
from simemb.errors import ModelError

MODULES = (["StaticEmbedding"], ["StaticEmbedding", "Normalize"])
"""The kinds of modules that make a static model, with vectors of any length or of length 1."""
WEIGHTS, TOKENIZER = "model.safetensors", "tokenizer.json"


def is_static(directory: Path) -> bool:
    """Whether a directory holds a static model that is computed here."""
    modules = directory / "modules.json"
    if not modules.is_file() or read_settings(directory / SETTINGS).get("requirements"):
        return False
    listed = read_modules(modules, trust_remote_code=True)
    folder = listed[0][1] if listed else directory
    whole = (folder / WEIGHTS).is_file() and (folder / TOKENIZER).is_file()
    return whole and [kind for kind, _ in listed] in MODULES


class StaticEncoder(ExternalEncoder):
    """A table of token vectors with the interface of `TextEncoder`; see `Encoder.load`.

    table: float32 [tokens, width]. tokenizer: of the library tokenizers. unit: whether vectors have length 1. A text
    without tokens has the vector 0. The others: as in `ExternalEncoder`.
    """

    runs = "is a static model"
    batch_tokens = 1 << 20
    """Tokens in one batch: large batches cost nothing, since no token sees another."""

    def __init__(
        self,
        table: torch.Tensor,
        tokenizer: Any,
        *,
        unit: bool,
        directory: Path,
        name: str,
        truncate_dim: int | None = None,
        prompts: Mapping[str, str] | None = None,
        default_prompt: str | None = None,
    ):
        super().__init__(None, directory=directory, name=name, truncate_dim=truncate_dim)
        self.table = table
        self.words = tokenizer
        self.unit = unit
        self.prompts, self.default_prompt = dict(prompts or {}), default_prompt
        self.own_prompts = dict(self.prompts), default_prompt

    @classmethod
    def load(
        cls,
        directory: Path,
        *,
        name: str,
        truncate_dim: int | None = None,
        trust_remote_code: bool = False,  # noqa: ARG003
    ) -> Self:
        """The model of a directory, on the CPU. Raises `ModelError` if table and tokenizer do not fit together."""
        from tokenizers import Tokenizer

        layout = read_layout(directory)
        listed = read_modules(directory / "modules.json")
        folder = listed[0][1]
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        tokenizer.no_padding()
        table = read_table(folder / WEIGHTS)
        last = max(tokenizer.get_vocab().values(), default=-1)
        if last >= len(table):
            raise ModelError(
                f"{folder}: its tokenizer has ids up to {last}, and the table has {len(table)} rows: one of the two is "
                "of another model"
            )
        return cls(
            table,
            tokenizer,
            unit=len(listed) > 1,
            directory=directory,
            name=name,
            truncate_dim=truncate_dim or layout.truncate_dim,
            prompts=layout.prompts,
            default_prompt=layout.default_prompt,
        )

    @property
    def width(self) -> int:
        """Length of the vectors before they are truncated."""
        return self.table.shape[1]

    @property
    def device(self) -> torch.device:
        """The device of the table."""
        return self.table.device

    def to(self, device: Any) -> Self:
        """Move the table to a device, in place; returns this encoder."""
        self.table = self.table.to(device)
        return self

    def save(self, directory: str | Path) -> Path:
        """Raises `ModelError`: it is not changed, so its directory can be copied."""
        raise ModelError(f"{self.name} {self.runs}, which does not change: copy {self.directory} to {directory}")

    def tokenize(self, texts: Sequence[str], prompt: str = "") -> tuple[list[Any], int]:
        """Token ids of each text after the prompt, without special tokens, and 0: no text is too long."""
        encodings = self.words.encode_batch_fast([prompt + text for text in texts], add_special_tokens=False)
        return [encoding.ids for encoding in encodings], 0

    @torch.no_grad()
    def embed(self, sentences: Sequence[Any], prompt: str = "") -> Vectors:  # noqa: ARG002
        """Vectors of one batch of texts, given their token ids."""
        lengths = np.fromiter(map(len, sentences), np.int64, len(sentences))
        ids = np.fromiter(chain.from_iterable(sentences), np.int64, int(lengths.sum()))
        starts = torch.from_numpy(lengths.cumsum() - lengths).to(self.device)
        vectors = embedding_bag(torch.from_numpy(ids).to(self.device), self.table, starts, mode="mean")
        vectors = normalize(vectors, dim=1) if self.unit else vectors
        return vectors[:, : self.truncate_dim].cpu().numpy()


def read_table(path: Path) -> torch.Tensor:
    """The token vectors of a file in float32, a row for each token id.

    sentence-transformers calls them embedding.weight; model2vec calls them embeddings, which may come with the row
    (mapping) and with the factor (weights) of each token. Raises `ModelError` for a file without a table, and for
    numbers that are not finite.
    """
    from safetensors.torch import load_file

    tensors = load_file(path)
    table = tensors.get("embedding.weight", tensors.get("embeddings"))
    if table is None or table.ndim != 2:
        raise ModelError(f"{path} holds no table of token vectors (embedding.weight or embeddings)")
    table = table.float()
    if (rows := tensors.get("mapping")) is not None:
        table = table[rows.long()]
    if (factors := tensors.get("weights")) is not None:
        table = table * factors.float()[:, None]
    if not table.isfinite().all():
        raise ModelError(f"{path} holds numbers that are not finite: the model is damaged")
    return table.contiguous()
