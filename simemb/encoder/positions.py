"""Where a family counts the positions of tokens from, and how many there are."""

from typing import Any

from torch import Tensor, nn

DEFAULT_LENGTH = 512
"""The most tokens of a text where neither the model (T5, XLNet: -1) nor its tokenizer states a limit."""


def first(backbone: Any) -> int:
    """The first position: padding_idx + 1 in RoBERTa and its kin, 2 in a few others, 0 in the rest."""
    embeddings = getattr(backbone, "embeddings", None)
    if isinstance(embeddings, nn.Embedding):  # XLM: the table of words itself
        return 0
    padding = getattr(embeddings, "padding_idx", None)
    if padding is not None:
        return int(padding) + 1
    positions = getattr(embeddings, "position_ids", None)
    return int(positions.flatten()[0]) if isinstance(positions, Tensor) and positions.numel() else 0


def longest(backbone: Any, tokenizer: Any) -> int:
    """The most tokens per text that both the backbone and its tokenizer accept."""
    table = getattr(getattr(backbone, "embeddings", None), "position_embeddings", None)
    stated = getattr(backbone.config, "max_position_embeddings", None)
    positions = int(getattr(table, "num_embeddings", stated) or 0)
    positions = positions - first(backbone) if positions > 0 else DEFAULT_LENGTH
    limit = int(tokenizer.model_max_length)
    return min(positions, limit) if limit > 0 else positions
