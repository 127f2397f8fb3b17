"""The hidden states that a pooling reads, by our own layers or by the transformers model."""

from collections.abc import Sequence
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor

from simemb.encoder import positions
from simemb.encoder.evaluation_mode import in_mode, is_evaluating
from simemb.encoder.pooling import LAYERS
from simemb.transformer import forward
from simemb.transformer.batch import Batch
from simemb.transformer.forward import Transform


def compute(
    encoder: Any, batch: Batch, transforms: Sequence[Transform], *, first_only: bool
) -> tuple[Float[Tensor, "rows dim"], ...]:
    """The states of the layers that the encoder's pooling needs, the last layer last; see `Encoder.eager_states`."""
    every_layer = LAYERS[encoder.pooling] != (-1,)
    training = False if is_evaluating() else None
    layers = encoder.quantized or (forward.layers_of(encoder.network, training=training) if encoder.fast else None)
    if layers is not None:
        return forward.hidden_states(
            encoder.network,
            layers,
            batch,
            places(encoder, batch),
            list(transforms),
            every_layer=every_layer,
            first_only=first_only,
            training=training,
        )
    from simemb.transformer import hf_forward

    states = hf_forward.hidden_states(
        in_mode(encoder.backbone),
        batch,
        places(encoder, batch),
        transforms,
        ragged=encoder.ragged,
        every_layer=every_layer,
        apart=encoder.apart,
    )
    return (states[-1].index_select(0, batch.firsts),) if first_only else states


def places(encoder: Any, batch: Batch) -> Int[Tensor, "tokens"]:
    """The positions of a batch, counted as the encoder's family counts them."""
    counted = batch.positions if encoder.uncounted is None else positions.without(encoder.uncounted, batch)
    return counted + encoder.position_offset
