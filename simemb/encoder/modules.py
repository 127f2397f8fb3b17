"""Modules that may follow the pooling, in the layout of sentence-transformers."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import normalize as l2_normalize


class Dense(nn.Module):
    """x -> activation(W x + b), in the layout of sentence-transformers' Dense module."""

    def __init__(self, inputs: int, outputs: int, *, activation: nn.Module, bias: bool = True):
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=bias)
        self.activation = activation

    def forward(self, vectors: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch out"]:
        """Apply the layer to sentence vectors."""
        return self.activation(self.linear(vectors))


class Normalize(nn.Module):
    """x -> x / |x|_2."""

    def forward(self, vectors: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch dim"]:
        """Scale sentence vectors to unit length."""
        return l2_normalize(vectors, dim=-1)
