"""Augmentations of the embedding layer's output, after LayerNorm and dropout, where ConSERT cuts and attacks.

They act on ragged tokens and draw from torch's global generator, which the trainer seeds for every step.
"""

from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class EmbeddingAugmentation:
    """A change of what the embedding layer gives for the tokens of some sentences."""

    def __call__(
        self, tokens: Float[Tensor, "tokens dim"], lengths: Int[Tensor, "sentences"]
    ) -> Float[Tensor, "tokens dim"]:
        """The changed tokens. Sentences lie end to end; `lengths` counts the tokens of each, special ones too."""
        raise NotImplementedError


@dataclass(frozen=True)
class Adversarial:
    """A step along the gradient of the loss, the worst small change (ConSERT, section 3.3)."""

    norm: float = 1.0
    """Length of the step, for every token."""
