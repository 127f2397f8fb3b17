"""int8: close to a slow reference and to float32, blind to neighbors, and refused where it cannot work."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from families import SENTENCES, make_encoder
from torch import Tensor
from torch.nn import functional

from simemb.encoder.encoder import Encoder
from simemb.encoder.pooling import LAYERS, pool
from simemb.errors import ModelError
from simemb.transformer import int8_layers
from simemb.transformer.batch import Batch
from simemb.transformer.families import FAMILIES
from simemb.transformer.forward import layers_of
from simemb.transformer.int8_layers import Int8Layer
from simemb.transformer.int8_quantizer import ActivationRange, Product, Quantizer
from simemb.transformer.layer import Layer
from simemb.transformer.onednn_padding import Padding

pytestmark = pytest.mark.skipif(int8_layers.missing() is not None, reason=str(int8_layers.missing()))


def quantize(encoder, sentences=None):
    """The int8 layers of an encoder, which itself goes on to compute in float32."""
    layers, encoder.quantized = encoder.quantize(sentences).quantized, None
    return layers


LAYOUTS = ("bert", "roberta", "xlm-roberta", "camembert", "electra", "ernie", "distilbert", "albert", "mpnet")


@pytest.fixture(scope="module", params=LAYOUTS)
def encoder(request: pytest.FixtureRequest) -> Encoder:
    return make_encoder(request.param).eval()


def batch_of(encoder: Encoder, texts: tuple[str, ...] = SENTENCES) -> Batch:
    return Batch.collate(encoder.tokenize(texts)[0])


@torch.inference_mode()
def states(
    encoder: Encoder, layers: Sequence[Int8Layer | Layer], batch: Batch, *, first_only: bool = False
) -> tuple[Tensor, ...]:
    """The hidden states with `layers` in the place of the float32 layers."""
    backbone, positions = encoder.backbone, batch.positions + encoder.position_offset
    tokens = backbone.embeddings(input_ids=batch.ids[None], position_ids=positions[None])[0]
    family = FAMILIES[backbone.config.model_type]
    projection = family.embeddings(backbone).projection
    places = family.places(backbone, positions, Padding(batch, enabled=False))
    every = [tokens if projection is None else projection(tokens)]
    for layer in layers:
        every.append(layer(every[-1], batch, places[layer.kind], first_only=first_only and layer is layers[-1]))
    return tuple(every)


def cosines(a: Tensor, b: Tensor) -> Tensor:
    return functional.cosine_similarity(a.double(), b.double(), dim=-1)


# ---- a product -----------------------------------------------------------------------------------


def range_and_weight() -> tuple[ActivationRange, Tensor, Tensor]:
    """Inputs with some channels a hundred times as wide as others, and none around zero."""
    torch.manual_seed(0)
    inputs = torch.randn(400, 40) * torch.logspace(-1, 1, 40) + torch.linspace(-3, 3, 40)
    return ActivationRange.of(inputs), torch.randn(24, 40), inputs


def test_a_product_is_that_of_the_rounded_values_in_double_precision():
    ranges, weight, inputs = range_and_weight()
    quantizer, bias = ranges.quantizer(weight), torch.randn(24)
    product = Product(weight, bias, quantizer)
    factor, shift = quantizer.factor.double(), quantizer.shift.double()
    rounded = (torch.round(inputs * quantizer.factor + quantizer.shift).clamp(-128, 127).double() - shift) / factor
    dequantized = product.weight.double() * product.scales.double()[:, None] * factor
    truth = rounded @ dequantized.t() + bias
    # the bias takes up the shift with the weights as they were before rounding
    truth += (shift / factor) @ (dequantized - weight.double()).t()
    torch.testing.assert_close(product(quantizer(inputs)).double(), truth, atol=2e-3, rtol=1e-4)


def test_a_product_is_near_that_of_the_values_themselves_even_with_uneven_channels():
    ranges, weight, inputs = range_and_weight()
    quantizer = ranges.quantizer(weight)
    product, truth = Product(weight, torch.zeros(24), quantizer)(quantizer(inputs)), inputs @ weight.t()
    assert (product - truth).std() < 0.02 * truth.std()


def test_with_a_sample_the_product_is_right_on_average():
    ranges, weight, inputs = range_and_weight()
    quantizer, bias = ranges.quantizer(weight), torch.randn(24)
    error = Product(weight, bias, quantizer, inputs)(quantizer(inputs)) - (inputs @ weight.t() + bias)
    assert error.mean(0).abs().max() < 1e-4


def test_gelu_is_the_exact_one():
    quantizer = Quantizer(torch.full((32,), 20.0), torch.zeros(32))
    product, rows = Product(torch.randn(16, 32), torch.randn(16), quantizer), quantizer(torch.randn(50, 32))
    torch.testing.assert_close(product(rows, gelu=True), functional.gelu(product(rows)), atol=1e-4, rtol=1e-4)


def test_values_out_of_range_become_the_nearest_byte():
    quantizer = Quantizer(torch.ones(4), torch.zeros(4))
    values = torch.tensor([[-1e6, -128.0, -0.4, 0.0], [0.6, 126.6, 127.0, 1e6]])
    assert quantizer(values).tolist() == [[0, 0, 128, 128], [129, 255, 255, 255]]


# ---- layers and sentences ------------------------------------------------------------------------


def test_hidden_states_of_every_layer_are_near_those_in_float32(encoder):
    batch = batch_of(encoder)
    exact = states(encoder, layers_of(encoder.backbone), batch)
    for near, truth in zip(states(encoder, quantize(encoder), batch), exact, strict=True):
        assert cosines(near, truth).min() > 0.98
        assert cosines(near, truth).mean() > 0.998


@pytest.mark.parametrize("pooling", LAYERS)
def test_every_pooling_gives_a_vector_near_that_in_float32(pooling):
    encoder = make_encoder("bert", pooling=pooling).eval()
    batch, layers = batch_of(encoder), quantize(encoder)
    first_only = pooling == "cls"
    near = pool(states(encoder, layers, batch, first_only=first_only), batch, pooling, first_only=first_only)
    with torch.inference_mode():
        assert cosines(near, encoder(batch)).min() > 0.995


def test_the_first_tokens_alone_are_the_first_tokens_of_all(encoder):
    batch, layers = batch_of(encoder), quantize(encoder)
    alone = states(encoder, layers, batch, first_only=True)[-1]
    among = states(encoder, layers, batch)[-1][batch.firsts]
    # another shape of the bfloat16 products, so that a byte may tip over
    assert cosines(alone, among).min() > 0.9999


def test_a_sentence_has_the_same_states_alone_as_among_others(encoder):
    layers, sentences = quantize(encoder), encoder.tokenize(SENTENCES)[0]
    together = Batch.collate(sentences)
    blocks = states(encoder, layers, together)[-1].split(together.lengths)
    for row, block in zip(together.order.tolist(), blocks, strict=True):
        alone = states(encoder, layers, Batch.collate([sentences[row]]))[-1]
        assert cosines(alone, block).min() > 0.9999


def test_long_batches_are_computed_in_parts_and_nothing_changes(encoder, monkeypatch):
    batch, layers = batch_of(encoder), quantize(encoder)
    whole = states(encoder, layers, batch)[-1]
    monkeypatch.setattr(int8_layers, "CACHED", 7 * len(layers[0].up.bias))
    torch.testing.assert_close(states(encoder, layers, batch)[-1], whole, atol=1e-5, rtol=0)


def test_quantizing_twice_gives_the_same_layers_and_leaves_the_encoder_as_it_was(encoder):
    before = encoder.fingerprint()
    first, second = quantize(encoder), quantize(encoder)
    for a, b in zip(first, second, strict=True):
        assert all(torch.equal(x.factor, y.factor) for x, y in zip(a.quantizers, b.quantizers, strict=True))
    assert encoder.fingerprint() == before
    assert not any(module._forward_pre_hooks for module in encoder.backbone.modules())


def test_ranges_come_from_the_sentences_that_are_given(encoder):
    narrow, wide = quantize(encoder, SENTENCES[:2])[0], quantize(encoder)[0]
    assert not torch.equal(narrow.quantizers[0].factor, wide.quantizers[0].factor)


@pytest.mark.parametrize("family", ["bert", "albert", "mpnet"])
def test_each_layer_has_ranges_of_its_own_where_layers_share_their_weights_too(family):
    encoder = make_encoder(family, pooling="last2")
    texts = encoder.tokenize([*SENTENCES] * 6)[0]  # two batches
    layers = layers_of(encoder.backbone)
    ranges = int8_layers._measure(layers, texts, encoder.embed)
    with torch.inference_mode():
        inputs = encoder.hidden_states(Batch.collate(texts))
    assert len(ranges) == len(layers) == 3
    for (of_tokens, *_), state in zip(ranges, inputs, strict=False):
        torch.testing.assert_close(of_tokens.low, state.amin(0), atol=1e-5, rtol=0)
        torch.testing.assert_close(of_tokens.high, state.amax(0), atol=1e-5, rtol=0)


def test_a_real_model_keeps_its_similarities(shared_models):
    encoder = Encoder.load(shared_models / "minilm-l4-mlm", pooling="mean")
    texts = ("A man is playing a guitar.", "Someone plays an instrument.", "The stock market fell on Tuesday.")
    batch = batch_of(encoder, texts)
    near = pool(states(encoder, quantize(encoder), batch), batch, "mean")
    with torch.inference_mode():
        truth = encoder(batch)
    assert cosines(near, truth).min() > 0.99
    np.testing.assert_allclose(
        cosines(near[:, None], near[None]), cosines(truth[:, None], truth[None]), atol=0.03, rtol=0
    )


# ---- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["modernbert", "deberta-v2"])
def test_other_families_are_refused_with_a_list_of_those_that_work(family):
    with pytest.raises(ModelError, match=rf"albert, bert, camembert, distilbert, .*; this is '{family}'"):
        quantize(make_encoder(family))


def test_gradients_are_refused():
    encoder = make_encoder("bert")
    layers = quantize(encoder)
    with pytest.raises(ModelError, match="without gradient"):
        layers[0](torch.zeros(3, 32), Batch.collate([[1, 2, 3]]))


def test_another_device_is_refused():
    with pytest.raises(ModelError, match="for the CPU, and the model is on meta"):
        quantize(make_encoder("bert").to("meta"))


def test_a_processor_without_the_instructions_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_vnni_supported", lambda: False)
    with pytest.raises(ModelError, match="no AVX-512 VNNI"):
        quantize(make_encoder("bert"))


def test_no_sentence_to_measure_on_is_refused():
    with pytest.raises(ModelError, match="at least one sentence"):
        quantize(make_encoder("bert"), [])


def test_quantizing_again_gives_the_same_and_other_precisions_are_refused(shared_models):
    encoder = Encoder.load(shared_models / "minilm-l4-mlm", pooling="mean", precision="int8")
    first = encoder.encode(["a man plays"])
    np.testing.assert_array_equal(encoder.quantize().encode(["a man plays"]), first)
    with pytest.raises(ModelError, match=r"float32, and these are in torch\.float16"):
        Encoder.load(shared_models / "minilm-l4-mlm", pooling="mean").half().quantize()
