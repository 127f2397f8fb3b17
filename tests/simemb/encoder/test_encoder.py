"""The encoder: ragged equals padded, in value and gradient, for every family; neighbors never matter."""

import numpy as np
import pytest
import torch
from families import (
    FAMILIES,
    RAGGED,
    SENTENCES,
    make_backbone,
    make_encoder,
    make_tokenizer,
    padded_hidden_states,
    padded_input,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from simemb.encoder.encoder import Encoder
from simemb.encoder.modules import Dense, Normalize
from simemb.encoder.pooling import LAYERS
from simemb.errors import ModelError
from simemb.transformer import attention, hf_forward, int8_layers
from simemb.transformer.batch import Batch


def batch_of(encoder: Encoder, texts: tuple[str, ...] = SENTENCES) -> Batch:
    return Batch.collate(encoder.tokenize(texts)[0])


def padded_vectors(encoder: Encoder, backbone: nn.Module, texts: tuple[str, ...] = SENTENCES) -> Tensor:
    """The encoder's vectors by a padded forward of transformers itself and pooling under a mask."""
    ids, mask = padded_input(encoder, texts)
    layers = padded_hidden_states(backbone, ids, mask)
    tokens = torch.stack([layers[layer] for layer in LAYERS[encoder.pooling]]).mean(0)
    if encoder.pooling == "cls":
        return tokens[:, 0]
    if encoder.pooling == "max":
        return tokens.masked_fill(mask[..., None] == 0, -torch.inf).amax(1)
    return (tokens * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


# ---- ragged equals padded ------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_ragged_exactly_when_its_attention_goes_through_the_interface(family):
    assert make_encoder(family).ragged == (family in RAGGED)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pooling", LAYERS)
def test_vectors_equal_those_of_a_padded_transformers_forward(family, pooling):
    encoder, plain = make_encoder(family, pooling=pooling), make_backbone(family)
    with torch.no_grad():
        torch.testing.assert_close(encoder(batch_of(encoder)), padded_vectors(encoder, plain), atol=1e-5, rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pooling", ["mean", "first_last"])
def test_gradients_of_all_parameters_equal_those_of_a_padded_transformers_forward(family, pooling):
    """In float64, where 1e-5 of the largest gradient of a tensor means what it says."""
    encoder, plain = make_encoder(family, pooling=pooling).double(), make_backbone(family).double()
    direction = torch.randn(len(SENTENCES), encoder.dim, dtype=torch.float64)
    (encoder(batch_of(encoder)) * direction).sum().backward()
    (padded_vectors(encoder, plain) * direction).sum().backward()
    expected = dict(plain.named_parameters())
    assert set(expected) == {name for name, _ in encoder.backbone.named_parameters()}
    for name, weight in encoder.backbone.named_parameters():
        assert (weight.grad is None) == (expected[name].grad is None), name
        if weight.grad is not None:
            torch.testing.assert_close(weight.grad, expected[name].grad, atol=1e-5, rtol=1e-5, msg=name)
    assert sum(weight.grad is not None and bool(weight.grad.any()) for weight in expected.values()) >= 20


@pytest.mark.parametrize("family", RAGGED)
def test_float32_gradients_of_all_parameters_agree_too(family):
    encoder, plain = make_encoder(family), make_backbone(family)
    torch.manual_seed(0)
    direction = torch.randn(len(SENTENCES), encoder.dim) / len(SENTENCES)
    (encoder(batch_of(encoder)) * direction).sum().backward()
    (padded_vectors(encoder, plain) * direction).sum().backward()
    expected = dict(plain.named_parameters())
    for name, weight in encoder.backbone.named_parameters():
        if weight.grad is not None:
            scale = max(1.0, expected[name].grad.abs().max().item())
            torch.testing.assert_close(weight.grad / scale, expected[name].grad / scale, atol=1e-5, rtol=0, msg=name)


@pytest.mark.parametrize("family", ["mpnet", "deberta-v2"])
def test_the_self_check_turns_a_family_off_whose_attention_leaves_the_interface(family, monkeypatch):
    monkeypatch.setattr(hf_forward, "VERIFIED_FAMILIES", frozenset({*RAGGED, family}))
    encoder, plain = make_encoder(family), make_backbone(family)
    assert not encoder.ragged
    assert encoder.backbone.config._attn_implementation == plain.config._attn_implementation
    with torch.no_grad():
        torch.testing.assert_close(encoder(batch_of(encoder)), padded_vectors(encoder, plain), atol=1e-5, rtol=0)


def test_a_family_that_nobody_verified_is_padded_and_right(monkeypatch):
    monkeypatch.setattr(hf_forward, "VERIFIED_FAMILIES", frozenset())
    encoder, plain = make_encoder("bert"), make_backbone("bert")
    assert not encoder.ragged
    with torch.no_grad():
        torch.testing.assert_close(encoder(batch_of(encoder)), padded_vectors(encoder, plain), atol=1e-5, rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_sentences_outreach_the_window_and_the_longest_is_cut(family):
    """Otherwise the tests above would leave something out."""
    sentences, cut = make_encoder(family, max_length=18).tokenize(SENTENCES)
    assert max(map(len, sentences)) == 18
    assert min(map(len, sentences)) == 3
    assert cut == 1


# ---- neighbors -----------------------------------------------------------------------------------------


SHARED = {family: make_encoder(family) for family in ("bert", "roberta", "modernbert", "mpnet")}
TEXTS = st.text(st.sampled_from("abgz .,9é猫 "), max_size=30)


@pytest.mark.parametrize("family", SHARED)
@given(text=TEXTS, others=st.lists(TEXTS, max_size=6), data=st.data())
@settings(max_examples=20, deadline=None)
def test_a_vector_depends_neither_on_neighbors_nor_on_place(family, text, others, data):
    encoder = SHARED[family]
    place = data.draw(st.integers(0, len(others)))
    together = encoder.encode([*others[:place], text, *others[place:]])
    np.testing.assert_allclose(together[place], encoder.encode(text), atol=1e-5, rtol=0)


@pytest.mark.parametrize("family", SHARED)
@given(texts=st.lists(TEXTS, min_size=1, max_size=8), size=st.integers(1, 9))
@settings(max_examples=15, deadline=None)
def test_a_vector_does_not_depend_on_the_batch_size(family, texts, size):
    encoder = SHARED[family]
    np.testing.assert_allclose(encoder.encode(texts, batch_size=size), encoder.encode(texts), atol=1e-5, rtol=0)


# ---- position ids --------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_positions_start_where_the_family_starts_them(family):
    roberta_like = ("roberta", "xlm-roberta", "camembert", "mpnet")
    encoder = make_encoder(family, max_length=None)
    assert encoder.position_offset == (2 if family in roberta_like else 0)
    assert encoder.max_length == (62 if family in roberta_like else 64)


@pytest.mark.parametrize("family", ["roberta", "xlm-roberta", "camembert"])
def test_the_padding_row_of_roberta_s_positions_is_never_used(family):
    encoder = make_encoder(family)
    encoder(batch_of(encoder)).sum().backward()
    gradient = encoder.backbone.embeddings.position_embeddings.weight.grad
    assert not gradient[:2].any()
    assert gradient[2].any()


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("tokenizer", ["bert", "mpnet"])
def test_mpnet_does_not_count_token_1_whatever_its_padding_is(tokenizer, fast):
    """transformers says so; in BERT's vocabulary that is an unknown word, and texts have those."""
    encoder = Encoder(make_backbone("mpnet", pad_token_id=0), make_tokenizer(tokenizer), max_length=40, name="pad 0")
    assert encoder.fast
    encoder.fast = fast
    texts = ("a man é plays 猫 the dog", "猫 猫 猫 dog 猫", "sky", "猫")
    batch = batch_of(encoder, texts)
    assert (1 in batch.ids) == (tokenizer == "bert")
    with torch.no_grad():
        expected = padded_vectors(encoder, make_backbone("mpnet", pad_token_id=0), texts)
        torch.testing.assert_close(encoder(batch), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("family", RAGGED)
def test_other_positions_than_the_natural_ones_reach_the_model(family):
    """Shuffling position ids is an augmentation, so they may not be recomputed on the way."""
    encoder = make_encoder(family, pooling="cls")
    batch = batch_of(encoder, ("a man plays the guitar",))
    shuffled = Batch(batch.ids, batch.positions.flip(0), batch.lengths, batch.order)
    with torch.no_grad():
        assert not torch.allclose(encoder(batch), encoder(shuffled), atol=1e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_text_as_long_as_the_positions_reach_is_encoded(family):
    encoder = make_encoder(family, max_length=None)
    sentences, cut = encoder.tokenize(["a " * 100])
    assert cut == 1
    assert len(sentences[0]) == encoder.max_length
    assert np.isfinite(encoder.embed(sentences)).all()


# ---- intercept -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_intercept_sees_the_output_of_the_embedding_layer(family):
    encoder, plain = make_encoder(family), make_backbone(family)
    ids, mask = padded_input(encoder)
    seen: list[Tensor] = []
    captured: list[Tensor] = []
    plain.embeddings.register_forward_hook(lambda _module, _args, output: captured.append(output))
    batch = batch_of(encoder)
    with torch.no_grad(), encoder.intercept(lambda tokens, _: seen.append(tokens) or tokens):
        vectors = encoder(batch)
        padded_hidden_states(plain, ids, mask)
    assert len(seen) == 1
    for row, (states, real) in enumerate(zip(captured[0], mask.bool(), strict=True)):
        torch.testing.assert_close(seen[0][batch.segments == row], states[real], atol=1e-5, rtol=0)
    with torch.no_grad():
        torch.testing.assert_close(vectors, encoder(batch))


@pytest.mark.parametrize("family", FAMILIES)
def test_intercept_comes_after_the_layer_norm(family):
    encoder = make_encoder(family)
    norm = getattr(encoder.backbone.embeddings, "LayerNorm", None) or encoder.backbone.embeddings.norm
    with torch.no_grad():
        norm.weight.fill_(1)
        if norm.bias is not None:
            norm.bias.fill_(0)
    seen: list[Tensor] = []
    with torch.no_grad(), encoder.intercept(lambda tokens, _: seen.append(tokens) or tokens):
        encoder(batch_of(encoder))
    torch.testing.assert_close(seen[0].mean(-1), torch.zeros(len(seen[0])), atol=1e-5, rtol=0)
    torch.testing.assert_close(seen[0].var(-1, correction=0), torch.ones(len(seen[0])), atol=1e-3, rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_intercept_replaces_the_embeddings_and_the_gradient_flows_through(family):
    encoder = make_encoder(family)
    batch = batch_of(encoder)
    noise = torch.zeros(len(batch.ids), 1, requires_grad=True)
    with encoder.intercept(lambda tokens, _: tokens * (1 + noise)):
        vectors = encoder(batch)
    torch.testing.assert_close(vectors, encoder(batch), atol=1e-5, rtol=0)
    # a mean over nearly normalized states hardly moves, so a random direction of each vector is looked at
    torch.manual_seed(0)
    (vectors * torch.randn_like(vectors)).sum().backward()
    assert (noise.grad != 0).all()
    with torch.no_grad(), encoder.intercept(lambda tokens, _: torch.zeros_like(tokens)):
        blank = encoder(batch)
    assert not torch.allclose(blank, vectors, atol=1e-3)


@pytest.mark.parametrize("family", ["bert", "mpnet"])
def test_what_one_sentence_is_changed_to_leaves_the_others_alone(family):
    encoder = make_encoder(family)
    batch = batch_of(encoder)
    with torch.no_grad(), encoder.intercept(lambda tokens, given: tokens + (given.segments == 2)[:, None].float()):
        changed = encoder(batch)
    with torch.no_grad():
        plain = encoder(batch)
    others = torch.arange(len(batch)) != 2
    torch.testing.assert_close(changed[others], plain[others], atol=1e-5, rtol=0)
    encoder_moved = (changed[2] - plain[2]).abs().max()
    assert encoder_moved > 1e-4


@pytest.mark.parametrize("family", ["roberta", "deberta-v2"])
def test_intercepts_nest_outer_first(family):
    encoder = make_encoder(family)
    batch = batch_of(encoder)
    with torch.no_grad():
        with encoder.intercept(lambda tokens, _: tokens + 1), encoder.intercept(lambda tokens, _: tokens * 2):
            nested = encoder(batch)
        with encoder.intercept(lambda tokens, _: (tokens + 1) * 2):
            torch.testing.assert_close(nested, encoder(batch), atol=1e-6, rtol=0)


def test_the_same_transform_may_nest_in_itself():
    encoder = make_encoder()
    batch = batch_of(encoder)

    def double(tokens: Tensor, given: Batch) -> Tensor:
        return tokens * 2

    with torch.no_grad():
        with encoder.intercept(double):
            with encoder.intercept(double):
                twice = encoder(batch)
            once = encoder(batch)
        with encoder.intercept(lambda tokens, _: tokens * 4):
            torch.testing.assert_close(twice, encoder(batch))
    assert not torch.allclose(once, twice, atol=1e-3)


@pytest.mark.parametrize("family", ["bert", "mpnet"])
def test_intercept_leaves_no_hook_behind_even_after_an_error(family):
    encoder = make_encoder(family)
    batch = batch_of(encoder)
    with torch.no_grad():
        before = encoder(batch)

    def broken(tokens: Tensor, given: Batch) -> Tensor:
        raise RuntimeError("broken on purpose")

    with pytest.raises(RuntimeError, match="on purpose"), encoder.intercept(broken):
        encoder(batch)
    assert not encoder._transforms
    assert not encoder.backbone.embeddings._forward_hooks
    with torch.no_grad():
        torch.testing.assert_close(encoder(batch), before, atol=0, rtol=0)


# ---- what follows the pooling --------------------------------------------------------------------------


def test_the_tail_is_applied_in_order_to_the_pooled_vectors():
    torch.manual_seed(0)
    dense, plain = Dense(32, 8, activation=nn.Tanh()), make_encoder()
    encoder = make_encoder(tail=(dense, Normalize()))
    batch = batch_of(encoder)
    with torch.no_grad():
        expected = torch.tanh(plain(batch) @ dense.linear.weight.T + dense.linear.bias)
        expected /= expected.norm(dim=1, keepdim=True)
        torch.testing.assert_close(encoder(batch), expected)
    assert encoder.dim == 8


@pytest.mark.parametrize(("truncate", "dim"), [(None, 32), (5, 5), (100, 32)])
def test_truncation_keeps_the_first_dimensions(truncate, dim):
    encoder, plain = make_encoder(truncate_dim=truncate), make_encoder()
    batch = batch_of(encoder)
    assert encoder.dim == dim
    with torch.no_grad():
        torch.testing.assert_close(encoder(batch), plain(batch)[:, :dim])


def test_an_unknown_pooling_is_refused_at_once():
    with pytest.raises(ModelError, match="did you mean 'mean'"):
        Encoder(make_backbone(), make_tokenizer(), pooling="meen")


# ---- the state of an encoder ---------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_setting_dropout_to_zero_makes_training_deterministic_and_setting_it_back_undoes_that(family):
    encoder = make_encoder(family)
    batch = batch_of(encoder)
    encoder.train()
    with torch.no_grad():
        encoder.set_dropout(0.0)
        assert torch.equal(encoder(batch), encoder(batch))
        encoder.set_dropout(0.5)
        assert not torch.allclose(encoder(batch), encoder(batch), atol=1e-3)


@pytest.mark.parametrize("family", RAGGED)
@pytest.mark.parametrize("stated", [0.1, 0])
def test_setting_dropout_reaches_the_attention_weights(family, stated):
    """With every nn.Dropout switched off afterwards, only attention's own probability is left to act."""
    name = "attention_dropout" if family in ("distilbert", "modernbert") else "attention_probs_dropout_prob"
    encoder = make_encoder(family, **{name: stated})
    encoder.set_dropout(0.5)
    probabilities: list[float] = []

    def recorded(kernel):
        return lambda *a, **k: probabilities.append(k["dropout"]) or kernel(*a, **k)

    with pytest.MonkeyPatch.context() as patch:
        for name in ("_attend_by_run", "attend_in_blocks"):
            patch.setattr(attention, name, recorded(getattr(attention, name)))
        encoder.train()
        encoder(batch_of(encoder))
        encoder.eval()
        encoder(batch_of(encoder))
    layers = len(probabilities) // 2
    assert probabilities == [0.5] * layers + [0.0] * layers
    assert layers == 3


@pytest.mark.parametrize("training", [True, False])
def test_embedding_runs_without_dropout_and_leaves_the_mode_as_it_was(training):
    encoder = make_encoder()
    encoder.train(training)
    sentences, _ = encoder.tokenize(SENTENCES)
    np.testing.assert_array_equal(encoder.embed(sentences), encoder.embed(sentences))
    assert encoder.training is training


def test_what_computes_the_states_can_be_set_and_reset():
    encoder = make_encoder("bert")
    batch = batch_of(encoder)
    with torch.no_grad():
        before = encoder(batch)
        encoder.states_by = lambda batch, *, first_only: tuple(
            2 * state for state in encoder.eager_states(batch, first_only=first_only)
        )
        assert torch.equal(encoder(batch), 2 * before)
        encoder.states_by = None
        assert torch.equal(encoder(batch), before)


def test_vectors_carry_a_gradient_and_embeddings_do_not():
    encoder = make_encoder()
    assert encoder(batch_of(encoder)).requires_grad
    vectors = encoder.embed(encoder.tokenize(SENTENCES)[0])
    assert vectors.dtype == np.float32


# ---- fingerprints --------------------------------------------------------------------------------------


def test_equal_encoders_have_equal_fingerprints():
    assert make_encoder().fingerprint() == make_encoder().fingerprint()


def test_a_name_does_not_change_the_fingerprint():
    encoder = make_encoder()
    before = encoder.fingerprint()
    encoder.name = "another"
    assert encoder.fingerprint() == before


@pytest.mark.parametrize("training", [True, False])
def test_use_does_not_change_the_fingerprint(training):
    encoder = make_encoder()
    before = encoder.fingerprint()
    encoder.train(training)
    encoder.encode(list(SENTENCES))
    assert encoder.fingerprint() == before


def test_everything_that_changes_a_vector_changes_the_fingerprint():
    def linear(activation: nn.Module, *, seed: int = 0, bias: bool = True) -> Dense:
        torch.manual_seed(seed)
        return Dense(32, 32, activation=activation, bias=bias)

    def nudged() -> Encoder:
        encoder = make_encoder()
        with torch.no_grad():
            next(iter(encoder.backbone.encoder.layer[2].parameters())).view(-1)[0] += 1e-6
        return encoder

    def other_tokenizer() -> Encoder:
        encoder = make_encoder()
        tokenizer = make_tokenizer()
        tokenizer.add_tokens(["platypus"])
        encoder.tokenizer = tokenizer
        return encoder

    encoders = [
        make_encoder(),
        nudged(),
        other_tokenizer(),
        make_encoder(seed=1),
        make_encoder(pooling="cls"),
        make_encoder(pooling="first_last"),
        make_encoder(max_length=31),
        make_encoder(truncate_dim=16),
        make_encoder(tail=(Normalize(),)),
        make_encoder(tail=(linear(nn.Tanh()),)),
        make_encoder(tail=(linear(nn.Tanh(), seed=1),)),
        make_encoder(tail=(linear(nn.Tanh(), bias=False),)),
        make_encoder(tail=(linear(nn.Identity()),)),
        make_encoder(tail=(linear(nn.Tanh()), Normalize())),
        make_encoder(hidden_act="relu"),
        make_encoder(num_attention_heads=2),
    ]
    assert len({encoder.fingerprint() for encoder in encoders}) == len(encoders)


# ---- precision int8 (its arithmetic is tested in test_int8) ---------------------------------------------

needs_int8 = pytest.mark.skipif(int8_layers.missing() is not None, reason=str(int8_layers.missing()))


@needs_int8
@pytest.mark.parametrize("pooling", LAYERS)
def test_a_quantized_encoder_gives_nearly_the_same_vectors_under_another_fingerprint(pooling):
    encoder = make_encoder("bert", pooling=pooling)
    whole, fingerprint = encoder.encode(SENTENCES, normalize=True), encoder.fingerprint()
    assert encoder.quantize() is encoder
    small = encoder.encode(SENTENCES, normalize=True)
    assert 0.99 < (whole * small).sum(1).min() < (whole * small).sum(1).max() < 1
    assert encoder.fingerprint() != fingerprint


@needs_int8
def test_another_calibration_is_another_fingerprint():
    one, same, other = (make_encoder("bert").quantize(texts) for texts in (SENTENCES, SENTENCES, SENTENCES[:2]))
    assert one.fingerprint() == same.fingerprint() != other.fingerprint()


@needs_int8
def test_a_quantized_encoder_does_not_train():
    encoder = make_encoder("bert").quantize()
    with pytest.raises(ModelError, match="only encodes"):
        encoder.train()
    encoder.encode(SENTENCES)
    encoder.eval()


@needs_int8
def test_int8_is_refused_for_families_without_bert_s_layout():
    with pytest.raises(ModelError, match="modernbert"):
        make_encoder("modernbert").quantize()
