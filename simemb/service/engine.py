"""An encoder as the routes use it: texts of a request to vectors, computed by its batcher."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from simemb.encoder.prompts import Role, prompt_for
from simemb.encoder.unit_vectors import unit
from simemb.encoder.vector_files import Vectors
from simemb.errors import SimembError, in_one_line
from simemb.service.batcher import Batcher, Item, Job
from simemb.service.metrics import Metrics
from simemb.service.refusals import FAILED, Refusal

ROLE_NAMES: Mapping[str, Role] = {"query": "query", "document": "document"}
"""The roles that a request may name, whatever the model calls their prompts."""


class Engine:
    """An encoder with its batcher.

    encoder: an `Encoder` or an `ExternalEncoder`. name: what clients call it. truncate: whether texts that are longer
    than the model takes are cut where a request does not say. max_tokens: in a request.
    """

    def __init__(self, encoder: Any, *, name: str, truncate: bool, max_tokens: int, metrics: Metrics):
        self.encoder = encoder
        self.name = name
        self.truncate = truncate
        self._max_tokens = max_tokens
        self.batcher = Batcher(encoder, metrics)

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return self.encoder.dim

    @property
    def longest(self) -> int | None:
        """The most tokens of a text; None where sentence-transformers computes, which does not say."""
        return getattr(self.encoder, "max_length", None)

    @property
    def vocabulary(self) -> int:
        """The number of token ids; 0 where sentence-transformers computes, which takes texts only."""
        network = getattr(self.encoder, "network", None)
        return 0 if network is None else int(network.config.vocab_size)

    @property
    def prompt_names(self) -> list[str]:
        """What a request may name: the model's own prompts, and the roles."""
        return list(dict.fromkeys([*self.encoder.prompts, *ROLE_NAMES]))

    def prompt(self, name: str | None) -> str:
        """A prompt by its name, that of a role (as in `encode_query`), or the model's default, as in `encode`."""
        prompts = self.encoder.prompts
        if name is not None and name in prompts:
            return prompts[name]
        return prompt_for(self.encoder, ROLE_NAMES.get(name or "", "text"))

    async def compute(self, items: Sequence[Item], *, prompt: str, truncate: bool | None = None) -> Job:
        """The job of these texts, done. Raises `Refusal`."""
        cut = self.truncate if truncate is None else truncate
        done = self.batcher.submit(items, prompt=prompt, truncate=cut, max_tokens=self._max_tokens)
        try:
            return await asyncio.wrap_future(done)
        except SimembError as error:
            raise Refusal(FAILED, in_one_line(error)) from error


def finished(vectors: Vectors, *, normalize: bool, dimensions: int | None) -> Vectors:
    """Vectors as `Encoder.encode` gives them: cut to `dimensions`, then made of length 1."""
    kept = np.ascontiguousarray(vectors[:, :dimensions])
    return unit(kept) if normalize else kept
