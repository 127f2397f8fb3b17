"""Heads: what stands between the sentence vector and the objective while training."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from simemb.modules import Dense

_ACTIVATIONS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "relu": nn.ReLU, "none": nn.Identity}


@dataclass(frozen=True)
class Projector:
    """g(h) = activation(W h + b), freshly initialized.

    SimCSE (Gao et al., 2021, section 6.3) trains with a tanh layer; unsupervised models drop it after
    training, supervised ones keep it. A kept head is part of the encoder from the first step on, and is
    saved as a Dense module.
    """

    width: int | None = None
    """Output dimensions; those of the encoder by default."""
    activation: Literal["tanh", "relu", "none"] = "tanh"
    """What follows the linear layer."""
    keep: bool = False
    """Keep the head after training, as part of the encoder."""
    deviation: float = 0.02
    """Standard deviation of the initial weights (BERT's); the bias starts at 0."""

    def build(self, dim: int, generator: torch.Generator) -> Dense:
        """A new layer for vectors of `dim` dimensions."""
        dense = Dense(dim, self.width or dim, activation=_ACTIVATIONS[self.activation]())
        with torch.no_grad():
            dense.linear.weight.normal_(0, self.deviation, generator=generator)
            dense.linear.bias.zero_()
        return dense
