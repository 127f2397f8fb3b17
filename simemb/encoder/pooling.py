"""From the hidden states of a ragged batch to one vector per sentence.

The names and definitions are those of the SimCSE family; `first_last` uses the first layer's output
(hidden state 1), not the embedding layer (princeton-nlp/SimCSE issue 285).
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from simemb.errors import ModelError, unknown
from simemb.transformer.batch import Batch

LAYERS: dict[str, tuple[int, ...]] = {
    "cls": (-1,),
    "mean": (-1,),
    "max": (-1,),
    "first_last": (1, -1),
    "last2": (-2, -1),
}
"""The hidden states (0 is the embedding layer) that a pooling averages before it pools over tokens."""

HEAD = "cls_head"
"""A pooling for `Encoder.load` only: `cls` followed by the checkpoint's own trained pooler as a Dense module."""


def check_pooling(name: str) -> str:
    """Return the name; raise a `ModelError` that lists the allowed names if it is not one of them."""
    if name not in LAYERS:
        raise ModelError(unknown("pooling", name, [*LAYERS, HEAD]))
    return name


def pool(
    hidden_states: Sequence[Float[Tensor, "_ dim"]],
    batch: Batch,
    pooling: str,
    *,
    first_only: bool = False,
    skip: int | Int[Tensor, "batch"] = 0,
) -> Float[Tensor, "batch dim"]:
    """One vector per sentence, in the caller's order.

    cls: the first token of the last layer. mean, max: over the tokens of the last layer, special tokens
    included. first_last, last2: mean over tokens of (h_1 + h_n) / 2 and of (h_{n-1} + h_n) / 2.

    hidden_states: the outputs of the embedding layer and of every layer, or of the last layer alone if the pooling
    needs no other. first_only: the last of them holds only the first token of each sentence. skip: tokens at the
    beginning of each sentence that do not count, for all sentences or for each in the caller's order; a sentence
    without any other has a vector of zeros.
    """
    layers = [hidden_states[layer] for layer in LAYERS[pooling]]
    tokens = layers[0] if len(layers) == 1 else torch.stack(layers).mean(0)
    if isinstance(skip, Tensor):
        return batch.restore(_pool_each(tokens, batch, pooling, skip.to(tokens.device)[batch.order]))
    if pooling == "cls" and not skip:
        return batch.restore(tokens if first_only else tokens.index_select(0, batch.firsts))
    reduce = _REDUCE[pooling if pooling in _REDUCE else "mean"]
    blocks = [block[:, skip:] for block in batch.split(tokens)]
    return batch.restore(torch.cat([reduce(block) if block.shape[1] else block.sum(1) for block in blocks]))


def _pool_each(
    tokens: Float[Tensor, "tokens dim"], batch: Batch, pooling: str, skips: Int[Tensor, "batch"]
) -> Float[Tensor, "batch dim"]:
    """The vectors of sentences in the order of the batch, each without tokens of its own number at its beginning."""
    pooled: list[Tensor] = []
    of_runs = skips.split([sentences for sentences, _ in batch.runs])
    for block, skip in zip(batch.split(tokens), of_runs, strict=True):
        counts = torch.arange(block.shape[1], device=block.device) >= skip[:, None]
        if pooling == "max":
            kept = block.masked_fill(~counts[..., None], -torch.inf).amax(1)
        elif pooling == "cls":
            kept = block[torch.arange(len(block), device=block.device), skip.clamp(max=block.shape[1] - 1)]
        else:
            kept = (block * counts[..., None]).sum(1) / counts.sum(1, keepdim=True).clamp(min=1)
        pooled.append(torch.where(counts.any(1, keepdim=True), kept, torch.zeros_like(kept)))
    return torch.cat(pooled)


_REDUCE: dict[str, Callable[[Tensor], Tensor]] = {
    "cls": lambda block: block[:, 0],
    "max": lambda block: block.amax(1),
    "mean": lambda block: block.mean(1),
}
"""Over the tokens of a dense block [sentences, tokens, dim]."""
