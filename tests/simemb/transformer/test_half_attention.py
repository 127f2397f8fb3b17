"""Attention without gradient against the softmax of its definition, sentence by sentence."""

import pytest
import torch
from torch import Tensor

from simemb.transformer import half_attention
from simemb.transformer.batch import Batch
from simemb.transformer.half_attention import attend_without_gradient

LENGTHS = (1, 3, 3, 4, 9, 30)


def by_sentence(query: Tensor, key: Tensor, value: Tensor, batch: Batch, scaling: float) -> Tensor:
    """softmax(q k^T * scaling) v in float64, one sentence after the other."""
    parts: list[Tensor] = []
    for first, length in zip(batch.firsts.tolist(), batch.lengths, strict=True):
        q, k, v = (x[first : first + length].transpose(0, 1).double() for x in (query, key, value))
        parts.append((torch.softmax(scaling * q @ k.transpose(1, 2), -1) @ v).transpose(0, 1))
    return torch.cat(parts).float()


@pytest.mark.parametrize("scaling", [1.0, 40.0, 3000.0])
@pytest.mark.parametrize("first_only", [False, True])
@pytest.mark.parametrize("scores", [1, 200, 1 << 20])
def test_attention_is_the_softmax_whatever_the_size_of_the_scores(monkeypatch, scaling, first_only, scores):
    """scores: how many at once; 1 takes every sentence, and every row of it, by itself."""
    monkeypatch.setattr(half_attention, "SCORES", scores)
    batch = Batch.collate([[1] * length for length in LENGTHS])
    torch.manual_seed(1)
    query, key, value = torch.randn(3, sum(LENGTHS), 2, 8)
    asked = query[batch.firsts] if first_only else query
    mixed = attend_without_gradient(asked, key, value, runs=batch.runs, scaling=scaling, first_only=first_only)
    expected = by_sentence(query, key, value, batch, scaling)
    torch.testing.assert_close(mixed, expected[batch.firsts] if first_only else expected, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("size", [0.5, 3.0])
def test_in_bfloat16_attention_is_near_the_softmax(size):
    batch = Batch.collate([[1] * length for length in LENGTHS])
    torch.manual_seed(2)
    query, key, value = (torch.randn(sum(LENGTHS), 2, 8).mul(size).bfloat16() for _ in range(3))
    mixed = attend_without_gradient(query, key, value, runs=batch.runs, scaling=8**-0.5, first_only=False)
    assert mixed.dtype == torch.bfloat16
    expected = by_sentence(query, key, value, batch, 8**-0.5)
    assert (mixed.float() - expected).abs().max() < 0.02 * expected.abs().max()


def test_scores_of_all_sizes_in_one_batch():
    """The largest scores are in one sentence; the others are computed as if it were not there."""
    batch = Batch.collate([[1] * 5] * 3)
    torch.manual_seed(3)
    query, key, value = torch.randn(3, 15, 1, 4)
    query[5:10] *= 1000
    mixed = attend_without_gradient(query, key, value, runs=batch.runs, scaling=1.0, first_only=False)
    torch.testing.assert_close(mixed, by_sentence(query, key, value, batch, 1.0), atol=1e-4, rtol=1e-3)
