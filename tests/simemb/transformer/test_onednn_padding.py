"""A batch filled up to a round number of tokens gives what it gave, in value and gradient."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simemb.encoder.encoder import Encoder
from simemb.transformer import forward
from simemb.transformer.batch import Batch
from simemb.transformer.onednn_padding import Padding, missing_tokens


@given(st.integers(1, 10**6))
def test_little_is_missing_and_few_numbers_are_left(tokens):
    full = tokens + missing_tokens(tokens)
    assert 0 <= missing_tokens(tokens) <= tokens / 31
    assert bin(full).rstrip("0").count("0") + bin(full).count("1") <= 8  # 0b and six digits


def test_from_2048_to_4096_tokens_there_are_33_numbers():
    assert len({tokens + missing_tokens(tokens) for tokens in range(2048, 4097)}) == 33


@given(st.lists(st.integers(1, 40), min_size=1, max_size=30), st.booleans())
def test_what_is_put_in_comes_out_again(lengths, enabled):
    batch = Batch.collate([list(range(1, length + 1)) for length in lengths])
    padding = Padding(batch, enabled=enabled)
    tokens = torch.rand(len(batch.ids), 3)
    filled = padding.insert(tokens)
    assert len(filled) == len(padding.batch.ids) == len(padding.batch.positions) == sum(padding.batch.lengths)
    assert list(padding.batch.lengths) == sorted(padding.batch.lengths)
    assert len(filled) == len(tokens) + (missing_tokens(len(tokens)) if enabled else 0)
    assert torch.equal(padding.remove(filled, first_only=False), tokens)
    firsts = padding.remove(filled[padding.batch.firsts], first_only=True)
    assert torch.equal(firsts, tokens[batch.firsts])


@pytest.mark.parametrize("pooling", ["cls", "mean", "first_last"])
def test_vectors_and_gradients_are_those_without_it(tiny_base, monkeypatch, pooling):
    encoder = Encoder.load(tiny_base, pooling=pooling)
    batch = Batch.collate([[2, *range(5, 5 + length), 3] for length in (1, 9, 4, 4, 17, 30, 2)])
    assert missing_tokens(len(batch.ids)) > 0

    def run() -> tuple[torch.Tensor, list[torch.Tensor]]:
        encoder.zero_grad()
        vectors = encoder(batch)
        (vectors * torch.linspace(-1, 1, vectors.shape[1])).square().sum().backward()
        return vectors.detach(), [weight.grad.clone() for weight in encoder.parameters() if weight.grad is not None]

    filled, filled_gradients = run()
    monkeypatch.setattr(forward, "by_onednn", lambda _: False)
    plain, plain_gradients = run()
    torch.testing.assert_close(filled, plain, atol=1e-5, rtol=1e-5)
    for padded_gradient, plain_gradient in zip(filled_gradients, plain_gradients, strict=True):
        torch.testing.assert_close(padded_gradient, plain_gradient, atol=1e-4, rtol=1e-4)
