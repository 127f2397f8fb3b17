"""Where a family counts the positions of tokens from, and how many there are."""

from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn

from simemb.transformer.batch import Batch

DEFAULT_LENGTH = 512
"""The most tokens of a text where neither the model (T5, XLNet: -1) nor its tokenizer states a limit."""


def first(backbone: Any) -> int:
    """The first position: padding_idx + 1 in RoBERTa and its kin, 2 in a few others, 0 in the rest."""
    padding = _padding(backbone)
    if padding is not None:
        return padding + 1
    positions = getattr(getattr(backbone, "embeddings", None), "position_ids", None)
    return int(positions.flatten()[0]) if isinstance(positions, Tensor) and positions.numel() else 0


def uncounted(backbone: Any, tokenizer: Any) -> int | None:
    """The token that RoBERTa's kin do not count, where the tokenizer pads with another and so may put it into a text.

    MPNet takes token 1 for padding, whatever its configuration says.
    """
    padding = _padding(backbone)
    return None if padding == tokenizer.pad_token_id else padding


def _padding(backbone: Any) -> int | None:
    """The token from which RoBERTa and its kin tell that there is padding, or None for other families."""
    embeddings = getattr(backbone, "embeddings", None)
    padding = getattr(embeddings, "padding_idx", None)
    # XLM's is the table of words itself
    return None if isinstance(embeddings, nn.Embedding) or padding is None else int(padding)


def without(token: int, batch: Batch) -> Int[Tensor, "tokens"]:
    """The positions of a batch, from 0, where a token is not counted: it has position -1 itself."""
    skipped = (batch.ids == token).long()
    before = skipped.cumsum(0) - skipped
    place = torch.arange(len(skipped), dtype=batch.starts.dtype, device=skipped.device)
    sentence = torch.searchsorted(batch.starts[1:], place, right=True)
    in_sentence = before - before[batch.firsts][sentence]
    return (batch.positions - in_sentence).clamp_min(0).masked_fill(skipped.bool(), -1)


def longest(backbone: Any, tokenizer: Any) -> int:
    """The most tokens per text that both the backbone and its tokenizer accept."""
    table = getattr(getattr(backbone, "embeddings", None), "position_embeddings", None)
    stated = getattr(backbone.config, "max_position_embeddings", None)
    positions = int(getattr(table, "num_embeddings", stated) or 0)
    positions = positions - first(backbone) if positions > 0 else DEFAULT_LENGTH
    limit = int(tokenizer.model_max_length)
    return min(positions, limit) if limit > 0 else positions
