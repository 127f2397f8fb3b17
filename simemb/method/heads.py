"""Heads: layers between the sentence vector and the objective while training."""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from simemb.arguments import checked_fields
from simemb.encoder.modules import Dense
from simemb.errors import RecipeError
from simemb.method.deferral import deferrable
from simemb.method.objectives import cosines

_ACTIVATIONS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "relu": nn.ReLU, "gelu": nn.GELU, "none": nn.Identity}


@dataclass(frozen=True)
class Layers:
    """The layers of a head.

    kept: layers that become part of the encoder. dropped: the rest, removed after training. width: output dimensions.
    """

    kept: tuple[Dense, ...]
    dropped: nn.Module
    width: int


@checked_fields
@dataclass(frozen=True)
class Projector:
    """g(h) = activation(W h + b), freshly initialized.

    SimCSE (Gao et al., 2021, section 6.3) trains with a tanh layer; unsupervised models drop it after
    training, supervised ones keep it. A kept head is part of the encoder from the first step on and is saved as a
    Dense module.
    """

    width: int | None = None
    """Output dimensions; by default those of the input, or of the teacher that the head predicts."""
    activation: Literal["tanh", "relu", "none"] = "tanh"
    """The function after the linear layer."""
    keep: bool = False
    """Keep the head after training, as part of the encoder."""
    deviation: float = 0.02
    """Standard deviation of the initial weights (BERT's); the bias starts at 0."""

    @deferrable
    def __post_init__(self) -> None:
        _check_counts(width=self.width)
        if not self.deviation >= 0:
            raise RecipeError(f"a head's deviation must be at least 0, not {self.deviation}")

    @property
    def dropped(self) -> bool:
        """Whether any layer is removed after training."""
        return not self.keep

    def build(self, dim: int, generator: torch.Generator, *, default: int | None = None) -> Layers:
        """A new layer for vectors of `dim` dimensions; `default` is the width if the recipe gives none."""
        width = self.width or default or dim
        dense = Dense(dim, width, activation=_ACTIVATIONS[self.activation]())
        with torch.no_grad():
            dense.linear.weight.normal_(0, self.deviation, generator=generator)
            dense.linear.bias.zero_()
        return Layers((dense,) if self.keep else (), nn.Identity() if self.keep else dense, width)


@checked_fields
@dataclass(frozen=True)
class MLP:
    """g(h) = W_n s(... s(W_1 h)), the projector and predictor of SimCLR, MoCo, BYOL, SwAV and DINO.

    Weights start as in torch's own linear layer, uniform in +-1/sqrt(inputs). SimCLR v2 (Chen et al., 2020b,
    section 2) keeps the first of three layers.
    """

    layers: int = 2
    """Number of linear layers."""
    hidden: int | None = None
    """Width of the hidden layers; by default that of the input."""
    width: int | None = None
    """Output dimensions; by default those of the input."""
    norm: Literal["none", "batch"] = "none"
    """The normalization between a hidden linear layer and its activation."""
    activation: Literal["relu", "gelu"] = "relu"
    """The function after every hidden layer."""
    final_norm: bool = False
    """Whether batch norm, without scale and shift, follows the last layer too."""
    bias: bool = True
    """Whether the last layer has a bias."""
    prototypes: int | None = None
    """Number of learnt prototypes, whose cosines with the output replace it (SwAV, DINO); by default none."""
    keep: int = 0
    """How many of the first layers become part of the encoder."""

    @deferrable
    def __post_init__(self) -> None:
        _check_counts(hidden=self.hidden, width=self.width, prototypes=self.prototypes)
        if self.layers < 1 or not 0 <= self.keep <= self.layers:
            raise RecipeError(f"an MLP of {self.layers} layers cannot keep {self.keep} (allowed: 1 layer or more)")
        if self.keep and self.batch_norm:
            raise RecipeError("layers with batch norm cannot be kept: a saved encoder has no place for its statistics")

    @property
    def batch_norm(self) -> bool:
        """Whether it computes statistics of the batch."""
        return self.norm == "batch" or self.final_norm

    @property
    def dropped(self) -> bool:
        """Whether any layer is removed after training."""
        return self.keep < self.layers or self.prototypes is not None

    def build(self, dim: int, generator: torch.Generator, *, default: int | None = None) -> Layers:
        """New layers for vectors of `dim` dimensions; `default` is the width if the recipe gives none."""
        widths = [dim, *[self.hidden or dim] * (self.layers - 1), self.width or default or dim]
        kept = tuple(
            Dense(*widths[place : place + 2], activation=self._activation(place)(), bias=self._has_bias(place))
            for place in range(self.keep)
        )
        dropped: list[nn.Module] = []
        for place in range(self.keep, self.layers):
            dropped += self._layer(place, widths[place], widths[place + 1])
        for module in (*kept, *dropped):
            _initialize(module, generator)
        if self.prototypes:
            dropped.append(Prototypes(widths[-1], self.prototypes, generator))
        return Layers(kept, nn.Sequential(*dropped), self.prototypes or widths[-1])

    def _layer(self, place: int, inputs: int, outputs: int) -> list[nn.Module]:
        last = place == self.layers - 1
        modules: list[nn.Module] = [nn.Linear(inputs, outputs, bias=self._has_bias(place))]
        if self.final_norm if last else self.norm == "batch":
            modules.append(nn.BatchNorm1d(outputs, affine=not last))
        return modules if last else [*modules, self._activation(place)()]

    def _has_bias(self, place: int) -> bool:
        return self.bias or place < self.layers - 1

    def _activation(self, place: int) -> type[nn.Module]:
        return _ACTIVATIONS["none" if place == self.layers - 1 else self.activation]


Head = Projector | MLP


class Prototypes(nn.Module):
    """Cosines with k learnt directions.

    SwAV rescales its prototypes to unit length after every step; DINO uses weight normalization with a fixed length,
    which is the same as dividing by the length at every use, as here.
    """

    def __init__(self, dim: int, count: int, generator: torch.Generator):
        super().__init__()
        self.weight = nn.Parameter(torch.nn.functional.normalize(torch.randn(count, dim, generator=generator)))

    def forward(self, vectors: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch count"]:
        """The cosine of every vector with every prototype."""
        return cosines(vectors, self.weight)


def _check_counts(**counts: int | None) -> None:
    for name, count in counts.items():
        if count is not None and count < 1:
            raise RecipeError(f"a head's {name} must be at least 1, not {count}")


@torch.no_grad()
def _initialize(module: nn.Module, generator: torch.Generator) -> None:
    linear = module.linear if isinstance(module, Dense) else module
    if isinstance(linear, nn.Linear):
        bound = linear.in_features**-0.5
        linear.weight.uniform_(-bound, bound, generator=generator)
        if linear.bias is not None:  # pyright: ignore[reportUnnecessaryComparison]
            linear.bias.uniform_(-bound, bound, generator=generator)
