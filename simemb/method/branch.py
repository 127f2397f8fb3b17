"""The second network of a method: a slow copy of the encoder with its head, or a twin; and heads on encoders."""

from copy import deepcopy
from typing import Any

import torch
from torch import nn

from simemb.encoder.encoder import Encoder
from simemb.method.heads import Head


class Branch(nn.Module):
    """An encoder and its head: the second network of a method."""

    def __init__(self, encoder: Encoder, head: nn.Module):
        super().__init__()
        self.encoder = encoder
        self.head = head

    @classmethod
    def copy(cls, encoder: Encoder, head: nn.Module) -> "Branch":
        """A copy with its own weights; the tokenizer is shared."""
        memo: dict[int, Any] = {id(encoder.tokenizer): encoder.tokenizer}
        return cls(deepcopy(encoder, memo), deepcopy(head))

    @torch.no_grad()
    def follow(self, encoder: nn.Module, head: nn.Module, momentum: float) -> None:
        """Set w to momentum * w + (1 - momentum) * online for weights and buffers; integers are copied."""
        for branch, online in ((self.encoder, encoder), (self.head, head)):
            current = online.state_dict(keep_vars=True)
            for name, slow in branch.state_dict(keep_vars=True).items():
                if slow.is_floating_point():
                    slow.lerp_(current[name].to(slow.dtype), 1 - momentum)
                else:
                    slow.copy_(current[name])


def attach(spec: Head | None, encoder: Encoder, generator: torch.Generator) -> tuple[nn.Module, int]:
    """Build a head and append its kept layers to the encoder. Returns the other layers and the output width."""
    if spec is None:
        return nn.Identity(), encoder.dim
    layers = spec.build(encoder.dim, generator)
    encoder.tail.extend(layers.kept)
    return layers.dropped, layers.width
