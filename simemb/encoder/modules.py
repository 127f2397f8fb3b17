"""Modules that may follow the pooling, in the layout of sentence-transformers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import normalize as l2_normalize

from simemb.encoder.weights import FILE, read_shapes, refuse_giant_numbers
from simemb.errors import ModelError

_ACTIVATIONS = {"Tanh": nn.Tanh, "Identity": nn.Identity, "ReLU": nn.ReLU, "GELU": nn.GELU, "Sigmoid": nn.Sigmoid}


class Dense(nn.Module):
    """x -> activation(W x + b), in the layout of sentence-transformers' Dense module."""

    def __init__(self, inputs: int, outputs: int, *, activation: nn.Module, bias: bool = True):
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=bias)
        self.activation = activation

    @classmethod
    def load(cls, path: Path, config: Mapping[str, Any]) -> "Dense":
        """The layer of a module's folder. Raises `ModelError` if its weights are missing, damaged or of other sizes."""
        from safetensors.torch import load_file

        shapes = read_shapes(path)
        activation = activation_of(config)
        assert activation is not None
        inputs, outputs = config["in_features"], config["out_features"]
        refuse_giant_numbers(path, config, shapes)
        if min(inputs, outputs) < 1:
            raise ModelError(f"{path}: config.json says {inputs} to {outputs} dimensions (allowed: 1 or more)")
        dense = cls(inputs, outputs, activation=activation(), bias=config.get("bias", True))
        expected = {name: tuple(tensor.shape) for name, tensor in dense.state_dict().items()}
        for name in sorted(expected.keys() | shapes.keys()):
            if (stored := shapes.get(name)) != expected.get(name):
                found, wanted = ("absent" if shape is None else shape for shape in (stored, expected.get(name)))
                raise ModelError(f"{path}: {name} is {found} in the weights and {wanted} by config.json")
        dense.load_state_dict({name: tensor.float() for name, tensor in load_file(path / FILE).items()})
        return dense

    def forward(self, vectors: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch out"]:
        """Apply the layer to sentence vectors."""
        return self.activation(self.linear(vectors))


class Normalize(nn.Module):
    """x -> x / |x|_2."""

    def forward(self, vectors: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch dim"]:
        """Scale sentence vectors to unit length."""
        return l2_normalize(vectors, dim=-1)


def activation_of(config: Mapping[str, Any]) -> type[nn.Module] | None:
    """The activation that the config of a Dense module names; None if simemb does not have it."""
    package, _, name = str(config.get("activation_function", "torch.nn.Tanh")).rpartition(".")
    return _ACTIVATIONS.get(name) if f"{package}.".startswith("torch.") else None
