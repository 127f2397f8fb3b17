"""Mutual information between a sentence and the n-grams around its tokens."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import softplus

from simemb.arguments import checked_fields
from simemb.distributed import gather, rank, shares
from simemb.encoder.encoder import Encoder
from simemb.errors import RecipeError
from simemb.method.auxiliaries.base import Auxiliary, AuxiliaryInput, AuxiliaryLoss, Masked
from simemb.method.deferral import deferrable
from simemb.method.step_input import Chunk
from simemb.method.views import View
from simemb.transformer.batch import Batch


@checked_fields
@dataclass(frozen=True)
class MutualInformation(Auxiliary):
    """Tell the n-grams of a sentence from those of the other sentences of the batch, by its mean vector.

    IS-BERT (Zhang et al., 2020, section 3, equation 2): convolutions of several windows over the token states, each
    with a ReLU, give each token a local vector c; the mean of a sentence's is its global vector g. The estimate is that
    of Jensen and Shannon: the loss is the mean of softplus(-c g) over tokens with their own sentence, and of
    softplus(c g) over tokens with each other sentence. The convolutions are dropped after training, which leaves the
    encoder's own mean.
    """

    windows: tuple[int, ...] = (1, 3, 5)
    """Tokens that each convolution sees, odd numbers."""
    channels: int = 256
    """Outputs of each convolution."""

    whole_batch: ClassVar[bool] = True

    @deferrable
    def __post_init__(self) -> None:
        if not self.windows or any(window < 1 or window % 2 == 0 for window in self.windows):
            raise RecipeError(f"windows must be odd numbers of tokens, one at least, not {self.windows}")
        if self.channels < 1:
            raise RecipeError(f"channels must be at least 1, not {self.channels}")

    def check(self, encoder: Encoder) -> None:
        """Raise `RecipeError` for another pooling than mean."""
        if encoder.pooling != "mean":
            raise RecipeError(f"MutualInformation learns mean vectors, not {encoder.pooling}: set --pooling mean")

    def build(self, encoder: Encoder, views: Mapping[int, View]) -> "MutualInformationLoss":  # noqa: ARG002
        """The loss with fresh convolutions."""
        self.check(encoder)
        return MutualInformationLoss(self, int(encoder.network.config.hidden_size))


class MutualInformationLoss(AuxiliaryLoss):
    """The estimate of Jensen and Shannon with the sentences of all processes, mean over all tokens."""

    def __init__(self, spec: MutualInformation, dim: int):
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv1d(dim, spec.channels, window, padding=window // 2) for window in spec.windows
        )

    def count(self, chunk: Chunk, masked: Masked | None) -> int:  # noqa: ARG002
        """How many tokens are told apart."""
        return len(chunk.online.ids)

    def forward(self, inputs: AuxiliaryInput) -> Float[Tensor, ""]:
        """The loss of the tokens of a batch."""
        batch = inputs.batch
        local = self.local(inputs.encoder.hidden_states(batch)[-1], batch)
        means = batch.restore(torch.cat([block.mean(1) for block in batch.split(local)]))
        counts = shares(len(batch), local.device)
        first = sum(counts[: rank()])
        with torch.autocast(local.device.type, enabled=False):  # as objectives are computed
            scores = local.float() @ gather(means.float(), counts).T
        own = torch.zeros_like(scores, dtype=torch.bool)
        own[torch.arange(len(own), device=own.device), batch.segments + first] = True
        others = max(1, scores.shape[1] - 1)
        apart = softplus(scores).masked_fill(own, 0).sum() / (len(scores) * others)
        return softplus(-scores[own]).mean() + apart

    def local(self, states: Float[Tensor, "tokens dim"], batch: Batch) -> Float[Tensor, "tokens channels"]:
        """The local vector of each token; beyond the ends of its sentence there are zeros."""
        blocks: list[Tensor] = []
        for block in batch.split(states):
            found = [convolution(block.transpose(1, 2)) for convolution in self.convolutions]
            blocks.append(torch.cat(found, 1).relu().transpose(1, 2).flatten(0, 1))
        return torch.cat(blocks)
