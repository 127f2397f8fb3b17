"""Families with layers of their own equal transformers: states, vectors, every gradient, dropout at every place."""

from typing import Any

import pytest
import torch
from families import make_backbone, make_config, make_tokenizer
from torch import Tensor, nn
from torch.nn import functional

from simemb.encoder import self_check
from simemb.encoder.encoder import Encoder
from simemb.encoder.pooling import pool
from simemb.transformer import attention, cpu_attention, families, layer
from simemb.transformer.batch import Batch

CONFIGURATIONS: dict[str, list[dict[str, Any]]] = {
    "albert": [
        {"hidden_act": "gelu"},
        {"inner_group_num": 2, "num_hidden_groups": 2, "num_hidden_layers": 5, "embedding_size": 40},
        {"num_hidden_groups": 3, "num_hidden_layers": 7, "num_attention_heads": 2, "layer_norm_eps": 1e-3},
        {"num_hidden_groups": 14, "num_hidden_layers": 18, "intermediate_size": 16},
        {"num_hidden_layers": 1, "hidden_act": "relu", "hidden_size": 48, "inner_group_num": 3},
    ],
    "modernbert": [
        {},
        {"local_attention": 2, "global_attn_every_n_layers": 2, "num_hidden_layers": 2, "attention_bias": True},
        {"local_attention": 65, "norm_bias": True, "mlp_bias": True, "hidden_activation": "silu", "hidden_size": 48},
        {
            "local_attention": 20,
            "num_hidden_layers": 5,
            "global_rope_theta": 100.0,
            "local_rope_theta": 7.0,
            "norm_eps": 1e-3,
            "num_attention_heads": 2,
        },
        {"local_attention": 12, "layer_types": ["sliding_attention"] * 2, "num_hidden_layers": 2},
    ],
    "mpnet": [
        {},
        {"num_attention_heads": 1, "num_hidden_layers": 1, "hidden_act": "relu"},
        {"num_attention_heads": 2, "hidden_size": 48, "relative_attention_num_buckets": 40, "layer_norm_eps": 1e-3},
        {"num_attention_heads": 8, "num_hidden_layers": 4, "hidden_act": "gelu_new", "pad_token_id": 0},
    ],
}
"""Fields of tiny models."""

CASES = [(family, number) for family, configurations in CONFIGURATIONS.items() for number in range(len(configurations))]
LENGTHS = (7, 1, 40, 2, 7, 150, 1, 23)
"""Tokens of the sentences: MPNet's distances end at 128, and the windows below are far shorter than the longest."""

every_case = pytest.mark.parametrize(("family", "number"), CASES)


def backbone_of(family: str, number: int, **fields: Any) -> Any:
    configuration = {"max_position_embeddings": 200, **CONFIGURATIONS[family][number], **fields}
    return make_backbone(family, seed=number, **configuration)


def encoder_of(family: str, number: int, *, pooling: str = "mean", **fields: Any) -> Encoder:
    backbone = backbone_of(family, number, **fields)
    return Encoder(backbone, make_tokenizer(family), pooling=pooling, name=f"tiny {family}")


def sentences(config: Any, lengths: tuple[int, ...] = LENGTHS) -> list[list[int]]:
    generator = torch.Generator().manual_seed(3)
    return [torch.randint(5, config.vocab_size, (length,), generator=generator).tolist() for length in lengths]


def batch_of(encoder: Encoder, lengths: tuple[int, ...] = LENGTHS) -> Batch:
    return Batch.collate(sentences(encoder.backbone.config, lengths))


def theirs(backbone: Any, batch: Batch) -> tuple[Tensor, ...]:
    """The states of transformers' own padded pass, without the padding."""
    ids, mask = batch.pad(int(backbone.config.pad_token_id))
    output = backbone(input_ids=ids, attention_mask=mask, output_hidden_states=True)
    return tuple(state[mask.bool()] for state in output.hidden_states)


def gradients(module: nn.Module, vectors: Tensor) -> dict[str, Tensor]:
    module.zero_grad()
    direction = torch.randn(vectors.shape, generator=torch.Generator().manual_seed(4)) / len(vectors)
    (vectors * direction).sum().backward()
    return {name: weight.grad.clone() for name, weight in module.named_parameters() if weight.grad is not None}


def assert_equal_gradients(ours: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert ours.keys() == {name for name, gradient in expected.items() if gradient is not None}
    for name, gradient in expected.items():
        scale = max(1.0, gradient.abs().max().item())
        torch.testing.assert_close(ours[name] / scale, gradient / scale, atol=1e-5, rtol=0, msg=name)


@every_case
def test_the_states_of_every_layer_equal_those_of_a_padded_pass(family, number):
    encoder, plain = encoder_of(family, number, pooling="last2"), backbone_of(family, number)
    assert encoder.fast
    batch = batch_of(encoder)
    with torch.no_grad():
        ours, expected = encoder.hidden_states(batch), theirs(plain, batch)
    assert len(ours) == len(expected)
    for one, other in zip(ours, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


@every_case
@pytest.mark.parametrize("pooling", ["cls", "mean", "first_last"])
def test_vectors_and_gradients_of_training_equal_those_of_a_padded_pass(family, number, pooling):
    encoder, plain = encoder_of(family, number, pooling=pooling).train(), backbone_of(family, number)
    encoder.set_dropout(0.0)
    batch = batch_of(encoder)
    ours, states = encoder(batch), theirs(plain, batch)
    expected = pool(states, batch, pooling)
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-5)
    assert_equal_gradients(gradients(encoder.backbone, ours), gradients(plain, expected))


@every_case
@pytest.mark.parametrize("pooling", ["cls", "last2"])
def test_sentences_of_one_token_alone_are_right(family, number, pooling):
    encoder, plain = encoder_of(family, number, pooling=pooling), backbone_of(family, number)
    batch = batch_of(encoder, (1, 1))
    with torch.no_grad():
        torch.testing.assert_close(encoder(batch), pool(theirs(plain, batch), batch, pooling), atol=1e-5, rtol=1e-5)


def kept(shape: torch.Size, probability: float) -> Tensor:
    """A mask that depends on the number of values and the probability alone."""
    generator = torch.Generator().manual_seed(shape.numel() + round(1000 * probability))
    return (torch.rand(shape.numel(), generator=generator) >= probability).view(shape)


def drop(values: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    return values * kept(values.shape, p) / (1 - p) if training and p else values


def dot_product(
    query: Tensor, key: Tensor, value: Tensor, *, attn_mask: Tensor | None, dropout_p: float, scale: float | None
) -> Tensor:
    """torch's attention, which windows go through, with the dropout of these tests; a window is a mask of bool."""
    scores = query @ key.transpose(-1, -2) * (scale or query.shape[-1] ** -0.5)
    if attn_mask is not None:
        scores = scores.masked_fill(~attn_mask, -torch.inf)
    return drop(scores.softmax(-1), dropout_p) @ value


@every_case
@pytest.mark.parametrize("pooling", ["mean", "first_last"])
def test_dropout_acts_where_transformers_has_it(family, number, pooling, monkeypatch):
    """With the same dice for both, on one sentence, whose states have the same order in both."""
    names = [name for name in vars(make_config(family)) if "drop" in name and "classifier" not in name]
    chances = {name: (0.2, 0.35, 0.1)[place % 3] for place, name in enumerate(sorted(names))}
    encoder = encoder_of(family, number, pooling=pooling, **chances).train()
    plain = backbone_of(family, number, attn_implementation="eager", **chances).train()
    monkeypatch.setattr(functional, "dropout", drop)
    for module in (families, layer):
        monkeypatch.setattr(module, "dropout", lambda values, p, training: drop(values, p, training))
    monkeypatch.setattr(cpu_attention, "keep_mask", lambda shape, p: (kept(shape, p), 1 / (1 - p)))
    monkeypatch.setattr(attention, "scaled_dot_product_attention", dot_product)
    batch = batch_of(encoder, (33,))
    expected = pool(theirs(plain, batch), batch, pooling)
    encoder.fast = True
    ours = encoder(batch)
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-5)
    assert_equal_gradients(gradients(encoder.backbone, ours), gradients(plain, expected))
    assert not torch.allclose(ours, encoder.eval()(batch), atol=1e-2)


# ---- where transformers computes the layers ------------------------------------------------------------


@every_case
def test_transformers_computes_the_same_where_our_layers_are_off(family, number, monkeypatch):
    encoder = encoder_of(family, number)
    batch = batch_of(encoder)
    monkeypatch.setattr(self_check, "PLAIN", True)
    plain = encoder_of(family, number)
    assert not plain.fast
    with torch.no_grad():
        ours = encoder(batch)
        torch.testing.assert_close(plain(batch), ours, atol=1e-5, rtol=1e-5)
        encoder.fast = False
        torch.testing.assert_close(encoder(batch), ours, atol=1e-5, rtol=1e-5)


class Doubled(nn.Linear):
    """An adapter in the place of a Linear."""

    def forward(self, input: Tensor) -> Tensor:
        return 2 * super().forward(input)


@pytest.mark.parametrize("family", CONFIGURATIONS)
def test_an_adapter_in_the_place_of_any_linear_is_heard(family):
    names = [name for name, module in backbone_of(family, 0).named_modules() if type(module) is nn.Linear]
    assert len(names) >= 4
    for name in names[-6:]:
        encoder, plain = encoder_of(family, 0), backbone_of(family, 0)
        batch = batch_of(encoder)
        with torch.no_grad():
            before = encoder(batch)
        for backbone in (encoder.backbone, plain):
            backbone.get_submodule(name).__class__ = Doubled
        with torch.no_grad():
            vectors = encoder(batch)
            torch.testing.assert_close(vectors, pool(theirs(plain, batch), batch, "mean"), atol=1e-5, rtol=1e-5)
        assert not torch.allclose(vectors, before, atol=1e-3)


@pytest.mark.parametrize("family", CONFIGURATIONS)
def test_a_hook_on_any_module_is_heard(family):
    encoder = encoder_of(family, 0)
    batch = batch_of(encoder, (3, 9))
    names = [name for name, module in encoder.backbone.named_modules() if type(module) is nn.Linear]
    for name in names:
        seen: list[Tensor] = []
        handle = encoder.backbone.get_submodule(name).register_forward_hook(lambda *call: seen.append(call[2]))  # noqa: B023
        encoder(batch)
        handle.remove()
        assert seen
        seen.clear()
        encoder(batch)
        assert not seen
