"""Dropout whose rate is drawn for each pass of a view, so that its vectors are those of sub-networks of all sizes."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from simemb.arguments import checked_fields
from simemb.encoder.backbone import dropout_at
from simemb.encoder.encoder import Encoder
from simemb.errors import RecipeError
from simemb.method.deferral import deferrable


@checked_fields
@dataclass(frozen=True)
class SampledDropout:
    """Draw the dropout of the backbone, attention included, for each pass: uniform from `lowest` to `highest`.

    S-SimCSE (Zhang & Lan, 2021, https://arxiv.org/abs/2111.11750). Each view of the recipe then has a pass of its own.
    """

    lowest: float = 0.0
    """The lowest rate, at least 0."""
    highest: float = 0.2
    """The highest rate, below 1."""

    @deferrable
    def __post_init__(self) -> None:
        if not 0 <= self.lowest <= self.highest < 1:
            raise RecipeError(
                f"SampledDropout needs 0 <= lowest <= highest < 1, not lowest {self.lowest} and highest {self.highest}"
            )

    @contextmanager
    def drawn(self, encoder: Encoder) -> Generator[float, None, None]:
        """Inside this context the encoder has a dropout drawn from torch's generator, which is the value."""
        rate = self.lowest + (self.highest - self.lowest) * float(torch.rand(()))
        replayed, encoder.states_by = encoder.states_by, None  # recorded kernels have the rate of their recording
        try:
            with dropout_at(encoder.backbone, rate):
                yield rate
        finally:
            encoder.states_by = replayed
