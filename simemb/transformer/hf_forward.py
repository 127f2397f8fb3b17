"""The forward pass of the transformers model itself, ragged by an attention registered as `simemb_ragged`.

BERT-family models of transformers 5 look their attention up in `AttentionInterface` and pass unknown keywords on to it.
A ragged batch goes in as one sequence, with its `runs` (see `simemb.transformer.batch`) as such a keyword. No model
class is patched.
"""

import inspect
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from threading import get_ident
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface

from simemb.errors import ModelError
from simemb.transformer.attention import attend
from simemb.transformer.batch import Batch, Runs
from simemb.transformer.forward import Transform

NAME = "simemb_ragged"

VERIFIED_FAMILIES = frozenset(
    {"bert", "roberta", "xlm-roberta", "camembert", "distilbert", "albert", "electra", "ernie", "modernbert"}
)
"""Model types whose attention goes through the interface. Others (MPNet, DeBERTa-v2) accept the call and
silently attend across sentences, so the encoder pads for them; where padding changes a vector (FNet, ConvBERT), it
computes sentences of different lengths apart."""


def ragged_attention(
    module: nn.Module,  # noqa: ARG001 (the interface of transformers)
    query: Float[Tensor, "one heads tokens dim"],
    key: Float[Tensor, "one heads tokens dim"],
    value: Float[Tensor, "one heads tokens dim"],
    attention_mask: Tensor | None,  # noqa: ARG001 (None: no_mask below)
    *,
    runs: Runs,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    **kwargs: Any,  # noqa: ARG001 (what transformers passes to every attention function)
) -> tuple[Float[Tensor, "one tokens heads dim"], None]:
    """softmax(q k^T * scaling) v within each sentence; `dropout` acts on the attention weights.

    With `sliding_window` w a token attends to tokens at a distance below w (ModernBERT passes half its window plus
    one).
    """
    output = attend(
        *(projection[0].transpose(0, 1) for projection in (query, key, value)),
        runs=runs,
        scaling=scaling,
        dropout=dropout,
        sliding_window=sliding_window,
    )
    return output[None], None


def no_mask(*args: Any, **kwargs: Any) -> None:
    """The mask of a ragged batch: none, since `ragged_attention` never looks across sentences."""


AttentionInterface.register(NAME, ragged_attention)
AttentionMaskInterface.register(NAME, no_mask)


def hidden_states(
    backbone: Any,
    batch: Batch,
    positions: Int[Tensor, "tokens"],
    transforms: Sequence[Transform],
    *,
    ragged: bool,
    every_layer: bool,
    apart: bool = False,
) -> tuple[Float[Tensor, "tokens dim"], ...]:
    """The embedding layer's output and every layer's, or the last alone, of the batch as it is or padded.

    ragged: the batch goes in as it is, for a backbone whose attention is `ragged_attention`. apart: sentences of
    different lengths go in one after the other, for a backbone in which padding changes a vector.
    """
    if apart and len(batch.runs) > 1:
        places = positions.split([run.ids.numel() for run in batch.by_length()])
        runs = [
            hidden_states(backbone, run, place, transforms, ragged=ragged, every_layer=every_layer)
            for run, place in zip(batch.by_length(), places, strict=True)
        ]
        return tuple(torch.cat(states) for states in zip(*runs, strict=True))
    if ragged:
        mask, inputs = None, {"input_ids": batch.ids[None], "position_ids": positions[None], "runs": batch.runs}
    else:
        rectangle, mask = batch.pad(int(backbone.config.pad_token_id or 0))
        inputs = {"input_ids": rectangle, "attention_mask": mask}
        if "position_ids" in inspect.signature(backbone.forward).parameters:
            places = rectangle.new_zeros(rectangle.shape)
            inputs["position_ids"] = places.masked_scatter(mask.bool(), positions)
    with _hooked(backbone, batch, mask, transforms):
        output = backbone(**inputs, output_hidden_states=every_layer, return_dict=True)
    if not hasattr(output, "last_hidden_state"):
        raise ModelError(f"{type(backbone).__name__} gives no states of tokens, which a pooling needs")
    states = output.hidden_states if every_layer else (output.last_hidden_state,)
    if mask is not None and states[-1].shape[:2] != mask.shape:
        made, tokens = states[-1].shape[1], mask.shape[1]
        raise ModelError(f"{type(backbone).__name__} gives {made} states for {tokens} tokens, and a pooling needs each")
    return tuple(state[0] if mask is None else state[mask.bool()] for state in states)


@contextmanager
def _hooked(
    backbone: Any, batch: Batch, mask: Tensor | None, transforms: Sequence[Transform]
) -> Generator[None, None, None]:
    if not transforms:
        yield
        return

    thread = get_ident()

    def replace(module: nn.Module, args: Any, output: Tensor) -> Tensor:  # noqa: ARG001
        if get_ident() != thread:  # another one computes with the same model
            return output
        tokens = output[0] if mask is None else output[mask.bool()]
        for transform in transforms:
            tokens = transform(tokens, batch)
        return tokens[None] if mask is None else output.masked_scatter(mask.bool()[..., None], tokens)

    handle = backbone.embeddings.register_forward_hook(replace)
    try:
        yield
    finally:
        handle.remove()
