"""Ragged attention against a loop over sentences, its two implementations against each other, its dropout."""

import math

import pytest
import torch
from families import RAGGED, SENTENCES, make_encoder, padded_input
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface

from simemb.transformer import attention
from simemb.transformer.batch import Batch, Runs
from simemb.transformer.hf_forward import NAME, VERIFIED_FAMILIES, no_mask, ragged_attention

IMPLEMENTATIONS = [attention._attend_by_run, attention._attend_padded]
HEADS, DIM = 2, 4
RUNS: Runs = ((2, 1), (1, 3), (3, 6), (1, 11))
WINDOWS = [None, 1, 3, 6, 20]


def projections(runs: Runs = RUNS, *, seed: int = 0) -> list[Tensor]:
    torch.manual_seed(seed)
    tokens = sum(count * length for count, length in runs)
    return [torch.randn(tokens, HEADS, DIM, dtype=torch.float64, requires_grad=True) for _ in range(3)]


def by_sentence(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    bias: Tensor | None = None,
    *,
    runs: Runs,
    scaling: float,
    window: int | None,
) -> Tensor:
    """softmax(q k^T scaling + bias) v, sentence by sentence, head by head."""
    outputs, start = [], 0
    for length in (length for count, length in runs for _ in range(count)):
        rows = slice(start, start + length)
        start += length
        heads = []
        for head in range(HEADS):
            scores = query[rows, head] @ key[rows, head].T * scaling
            if bias is not None:
                scores = scores + bias[head, :length, :length]
            for i in range(length):
                for j in range(length):
                    if window is not None and abs(i - j) >= window:
                        scores[i, j] = -math.inf
            heads.append(scores.softmax(-1) @ value[rows, head])
        outputs.append(torch.stack(heads, 1))
    return torch.cat(outputs)


LONG_RUNS: Runs = ((1, 2), (2, 130), (1, 300))
"""Longer than the blocks of queries that a window is computed in."""


def random_bias(runs: Runs = RUNS) -> Tensor:
    return torch.randn(HEADS, runs[-1][1], runs[-1][1], dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("attend", IMPLEMENTATIONS)
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("scaling", [0.5, 0.1])
def test_attention_equals_a_loop_over_sentences_in_value_and_gradient(attend, window, biased, scaling):
    inputs = [*projections(), *([random_bias()] if biased else [])]
    weights = torch.randn(inputs[0].shape, dtype=torch.float64)
    wanted = by_sentence(*inputs, runs=RUNS, scaling=scaling, window=window)
    options = {"runs": RUNS, "scaling": scaling, "dropout": 0.0, "sliding_window": window}
    got = attend(*inputs[:3], bias=inputs[3] if biased else None, **options)
    torch.testing.assert_close(got, wanted)
    gradients = [torch.autograd.grad((output * weights).sum(), inputs) for output in (got, wanted)]
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("attend", IMPLEMENTATIONS)
@pytest.mark.parametrize("window", [1, 40, 200])
def test_a_window_in_long_sentences_equals_a_mask(attend, window):
    inputs = projections(LONG_RUNS)
    places = torch.arange(300)
    near = (places[:, None] - places).abs() < window
    mask = torch.zeros(HEADS, 300, 300, dtype=torch.float64).masked_fill(~near, -torch.inf)
    options = {"runs": LONG_RUNS, "scaling": 0.5}
    got = attend(*inputs, dropout=0.0, sliding_window=window, **options)
    wanted = by_sentence(*inputs, mask, window=None, **options)
    torch.testing.assert_close(got, wanted)
    gradients = [torch.autograd.grad((output * output).sum(), inputs) for output in (got, wanted)]
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("attend", [*IMPLEMENTATIONS, attention.attend])
@pytest.mark.parametrize("window", [None, 1, 6, 20])
@pytest.mark.parametrize("biased", [False, True])
def test_first_queries_alone_see_what_they_see_among_others(attend, window, biased):
    query, key, value = (tensor.detach() for tensor in projections())
    firsts = Batch.collate([[1] * length for count, length in RUNS for _ in range(count)]).firsts
    options = {"runs": RUNS, "scaling": 0.5, "dropout": 0.0, "sliding_window": window}
    options["bias"] = random_bias().detach() if biased else None
    got = attend(query[firsts], key, value, first_only=True, **options)
    torch.testing.assert_close(got, attend(query, key, value, **options)[firsts])


@pytest.mark.parametrize("attend", IMPLEMENTATIONS)
def test_the_scale_is_one_over_the_root_of_the_dimension_unless_said(attend):
    inputs = projections()
    default = attend(*inputs, runs=RUNS, scaling=None, dropout=0.0, sliding_window=None)
    torch.testing.assert_close(default, by_sentence(*inputs, runs=RUNS, scaling=DIM**-0.5, window=None))


@pytest.mark.parametrize("attend", IMPLEMENTATIONS)
def test_attention_dropout_differs_between_draws_and_keeps_the_mean(attend):
    inputs = [tensor.detach() for tensor in projections()]
    options = {"runs": RUNS, "scaling": 0.5, "sliding_window": None}
    plain = attend(*inputs, dropout=0.0, **options)
    torch.manual_seed(1)
    draws = torch.stack([attend(*inputs, dropout=0.3, **options) for _ in range(1500)])
    assert not torch.equal(draws[0], draws[1])
    error = draws.std(0) / math.sqrt(len(draws))
    assert ((draws.mean(0) - plain).abs() < 5 * error + 1e-9).all()


@pytest.mark.parametrize("attend", IMPLEMENTATIONS)
def test_attention_dropout_drops_weights_at_its_rate_and_scales_the_others(attend):
    """A sentence of one token has one weight, 1: it comes out as 0 or as value / (1 - p)."""
    runs: Runs = ((4000, 1),)
    query, key, _ = (tensor.detach() for tensor in projections(runs))
    value = torch.ones_like(query)
    torch.manual_seed(2)
    output = attend(query, key, value, runs=runs, scaling=0.5, dropout=0.25, sliding_window=None)
    kept = output[..., 0] != 0
    torch.testing.assert_close(output[kept], torch.full_like(output[kept], 1 / 0.75))
    assert abs(kept.double().mean().item() - 0.75) < 5 * math.sqrt(0.25 * 0.75 / kept.numel())


def test_the_registered_function_takes_and_gives_what_transformers_expects():
    query, key, value = (tensor.detach().transpose(0, 1)[None] for tensor in projections())
    output, weights = ragged_attention(torch.nn.Identity(), query, key, value, None, runs=RUNS, scaling=0.5)
    assert output.shape == (1, query.shape[2], HEADS, DIM)
    assert weights is None
    flat = [projection[0].transpose(0, 1) for projection in (query, key, value)]
    torch.testing.assert_close(output[0], by_sentence(*flat, runs=RUNS, scaling=0.5, window=None))


def test_both_functions_are_registered_with_transformers():
    assert AttentionInterface()[NAME] is ragged_attention
    assert AttentionMaskInterface()[NAME] is no_mask
    assert no_mask(1, anything=2) is None


def test_every_verified_family_has_a_model_in_these_tests():
    assert set(RAGGED) == VERIFIED_FAMILIES


@pytest.mark.parametrize("family", RAGGED)
def test_the_configured_attention_dropout_acts_in_training_and_not_in_evaluation(family):
    names = {"distilbert": ["attention_dropout"], "modernbert": ["attention_dropout"]}
    others = {
        "distilbert": ["dropout"],
        "modernbert": ["embedding_dropout", "mlp_dropout"],
    }
    attention_names = names.get(family, ["attention_probs_dropout_prob"])
    other_names = others.get(family, ["hidden_dropout_prob"])
    fields = dict.fromkeys(attention_names, 0.4) | dict.fromkeys(other_names, 0.0)
    encoder = make_encoder(family, **fields)
    batch = Batch.collate(encoder.tokenize(SENTENCES)[0])
    with torch.no_grad():
        assert torch.equal(encoder(batch), encoder(batch))
        encoder.train()
        assert not torch.allclose(encoder(batch), encoder(batch), atol=1e-3)


@pytest.mark.parametrize("family", RAGGED)
def test_the_gpu_path_gives_the_vectors_of_the_cpu_path(family, monkeypatch):
    encoder = make_encoder(family)
    batch = Batch.collate(encoder.tokenize(SENTENCES)[0])
    with torch.no_grad():
        wanted = encoder(batch)
        monkeypatch.setattr(attention, "_attend_by_run", attention._attend_padded)
        torch.testing.assert_close(encoder(batch), wanted, atol=1e-5, rtol=0)


def test_a_sliding_window_changes_what_modernbert_gives_on_these_sentences():
    """Otherwise the tests of the window would prove nothing."""
    narrow, wide = (make_encoder("modernbert", local_attention=width) for width in (8, 128))
    ids, mask = padded_input(narrow)
    with torch.no_grad():
        outputs = [
            encoder(Batch.collate([i[m.bool()].tolist() for i, m in zip(ids, mask, strict=True)]))
            for encoder in (narrow, wide)
        ]
    assert not torch.allclose(*outputs, atol=1e-2)
