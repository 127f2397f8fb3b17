"""A method at work: a recipe applied to an encoder gives a loss.

One class runs every recipe. It may branch on the kind of a noun, never on the name of a method.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from simemb.batch import Batch
from simemb.distributed import gather, rank
from simemb.encoder import Encoder
from simemb.monitor import signals
from simemb.recipe import Recipe
from simemb.views import pairs


class Method(nn.Module):
    """recipe x encoder -> loss.

    columns: text columns of the data; negative views of a column that is not there are left out. A head
    that is kept becomes part of the encoder. seed: for the weights of fresh parts.
    """

    def __init__(self, recipe: Recipe, encoder: Encoder, *, columns: int, seed: int):
        super().__init__()
        self.recipe = recipe
        self.views = tuple(view for view in recipe.views if not (view.negative and view.column >= columns))
        self.encoder = encoder
        self.head: nn.Module = nn.Identity()
        if recipe.head is not None:
            head = recipe.head.build(encoder.dim, torch.Generator().manual_seed(seed)).to(encoder.device)
            if recipe.head.keep:
                encoder.tail.append(head)
            else:
                self.head = head
        torch.manual_seed(seed)
        self.auxiliaries = nn.ModuleList(spec.build(encoder) for spec in recipe.auxiliaries)
        self.auxiliaries.to(encoder.device)
        if recipe.dropout is not None:
            encoder.set_dropout(recipe.dropout)

    def forward(self, batch: Batch) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
        """The loss, and what to watch beside it (see `simemb.monitor.signals`).

        batch: the sentences of view 0, then those of view 1 and so on, equally many of each; all views go
        through the network in one pass. The objective is computed in float32 whatever the precision: a
        cosine has three digits in bfloat16, and the temperature multiplies its error by twenty.
        """
        loss: Tensor | float = 0.0
        watched: dict[str, Tensor] = {}
        if self.recipe.objective is not None:
            vectors = self.head(self.encoder(batch)).float()
            with torch.autocast(vectors.device.type, enabled=False):
                loss, watched = self._contrast(vectors.chunk(len(self.views)))
        for number, (spec, auxiliary) in enumerate(zip(self.recipe.auxiliaries, self.auxiliaries, strict=True)):
            extra = auxiliary(self.encoder, batch)
            loss = loss + spec.weight * extra
            watched[f"auxiliary_{number}"] = extra.detach()
        assert isinstance(loss, Tensor)
        return loss, watched

    def _contrast(self, by_view: Sequence[Float[Tensor, "batch dim"]]) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
        """The objective's mean over all pairs of views, and the signals of the first pair."""
        assert self.recipe.objective is not None
        gathered = [gather(vectors) for vectors in by_view]
        hard = [gathered[index] for index, view in enumerate(self.views) if view.negative]
        chosen = pairs(self.views)
        contrast = torch.stack(
            [self.recipe.objective(by_view[i], gathered[j], hard, first=rank() * len(by_view[i])) for i, j in chosen]
        ).mean()
        query, key = (by_view[view].detach() for view in chosen[0])
        return contrast, {"contrast": contrast.detach(), **signals(query, key)}
