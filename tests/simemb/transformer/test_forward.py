"""All states equal those of transformers, and models that are not computed here are left to it."""

import pytest
import torch
from families import SENTENCES, make_encoder
from torch import Tensor, nn

from simemb.encoder.encoder import Encoder
from simemb.transformer.batch import Batch
from simemb.transformer.families import FAMILIES
from simemb.transformer.forward import layers_of

KNOWN = sorted(FAMILIES)


def batch_of(encoder: Encoder) -> Batch:
    return Batch.collate(encoder.tokenize(SENTENCES)[0])


@pytest.mark.parametrize("family", KNOWN)
def test_states_of_every_token_equal_those_of_transformers(family):
    encoder = make_encoder(family, pooling="first_last")
    batch = batch_of(encoder)
    with torch.no_grad():
        ours = encoder.hidden_states(batch)
        encoder.fast = False
        theirs = encoder.hidden_states(batch)
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def test_other_families_are_left_to_transformers():
    encoder = make_encoder("deberta-v2")
    assert not encoder.fast
    assert layers_of(encoder.backbone) is None


def test_an_adapter_in_the_place_of_a_linear_layer_is_heard():
    class Adapted(nn.Linear):
        def forward(self, input: Tensor) -> Tensor:
            return 2 * super().forward(input)

    encoder = make_encoder("bert")
    batch = batch_of(encoder)
    before = encoder(batch)
    part = encoder.backbone.encoder.layer[1].output
    adapted = Adapted(part.dense.in_features, part.dense.out_features)
    adapted.load_state_dict(part.dense.state_dict())
    part.dense = adapted
    assert layers_of(encoder.backbone) is None
    assert not torch.allclose(encoder(batch), before, atol=1e-3)


def test_a_hook_on_the_model_is_heard():
    encoder = make_encoder("bert")
    batch, seen = batch_of(encoder), []
    handle = encoder.backbone.encoder.layer[0].register_forward_hook(lambda *call: seen.append(call))
    encoder(batch)
    assert len(seen) == 1
    handle.remove()
    encoder(batch)
    assert len(seen) == 1
