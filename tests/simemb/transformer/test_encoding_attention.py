"""Attention without gradient against the softmax of its definition, sentence by sentence."""

import pytest
import torch
from torch import Tensor

from simemb.transformer import encoding_attention
from simemb.transformer.attention import attend
from simemb.transformer.batch import Batch
from simemb.transformer.encoding_attention import attend_without_gradient

LENGTHS = (1, 3, 3, 4, 9, 30, 90)
HEADS = 2


def batch() -> Batch:
    return Batch.collate([[1] * length for length in LENGTHS])


def rows(seed: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    query, key, value = torch.randn(3, sum(LENGTHS), HEADS, 8, generator=torch.Generator().manual_seed(seed))
    return query, key, value


def by_sentence(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    scaling: float,
    bias: Tensor | None = None,
    sliding_window: int | None = None,
) -> Tensor:
    """softmax(q k^T * scaling + bias) v in float64, one sentence after the other."""
    parts: list[Tensor] = []
    for first, length in zip(batch().firsts.tolist(), batch().lengths, strict=True):
        q, k, v = (x[first : first + length].transpose(0, 1).double() for x in (query, key, value))
        scores = scaling * q @ k.transpose(1, 2) + (0 if bias is None else bias[:, :length, :length].double())
        if sliding_window is not None:
            distance = (torch.arange(length)[:, None] - torch.arange(length)).abs()
            scores = scores.masked_fill(distance >= sliding_window, -torch.inf)
        parts.append((torch.softmax(scores, -1) @ v).transpose(0, 1))
    return torch.cat(parts).float()


@pytest.mark.parametrize("scaling", [1.0, 40.0, 3000.0])
@pytest.mark.parametrize("first_only", [False, True])
@pytest.mark.parametrize("scores", [1, 200, 1 << 20])
@pytest.mark.parametrize("biased", [False, True])
def test_attention_is_the_softmax_whatever_the_size_of_the_scores(monkeypatch, scaling, first_only, scores, biased):
    """scores: how many at once; 1 takes every sentence, and every row of it, by itself."""
    monkeypatch.setattr(encoding_attention, "SCORES", scores)
    query, key, value = rows()
    bias = scaling * torch.randn(HEADS, 90, 90, generator=torch.Generator().manual_seed(2)) if biased else None
    asked = query[batch().firsts] if first_only else query
    options = {"scaling": scaling, "bias": bias}
    mixed = attend_without_gradient(asked, key, value, runs=batch().runs, first_only=first_only, **options)
    expected = by_sentence(query, key, value, **options)
    torch.testing.assert_close(mixed, expected[batch().firsts] if first_only else expected, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("sliding_window", [1, 2, 9, 40, 90, 1000])
@pytest.mark.parametrize("first_only", [False, True])
@pytest.mark.parametrize("rows_at_once", [1, 128])
def test_a_window_hides_what_is_far(monkeypatch, sliding_window, first_only, rows_at_once):
    monkeypatch.setattr(encoding_attention, "ROWS", rows_at_once)
    query, key, value = rows()
    bias = torch.randn(HEADS, 90, 90, generator=torch.Generator().manual_seed(2))
    asked = query[batch().firsts] if first_only else query
    options = {"scaling": 1.0, "bias": bias, "sliding_window": sliding_window}
    mixed = attend_without_gradient(asked, key, value, runs=batch().runs, first_only=first_only, **options)
    expected = by_sentence(query, key, value, **options)
    torch.testing.assert_close(mixed, expected[batch().firsts] if first_only else expected, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("size", [0.5, 2.0])
@pytest.mark.parametrize("sliding_window", [None, 20])
def test_in_bfloat16_attention_is_near_the_softmax(size, sliding_window):
    query, key, value = (size * part for part in rows())
    half = (part.to(torch.bfloat16) for part in (query, key, value))
    with torch.no_grad():
        mixed = attend(*half, runs=batch().runs, scaling=8**-0.5, sliding_window=sliding_window)
    assert mixed.dtype == torch.bfloat16
    expected = by_sentence(query, key, value, scaling=8**-0.5, sliding_window=sliding_window)
    assert (mixed.float() - expected).abs().max() < 0.02 * expected.abs().max()


def test_scores_of_all_sizes_in_one_batch():
    """The largest scores are in one sentence; the others are computed as if it were not there."""
    query, key, value = rows(3)
    query[20:50] *= 1000
    mixed = attend_without_gradient(query, key, value, runs=batch().runs, scaling=1.0, first_only=False)
    torch.testing.assert_close(mixed, by_sentence(query, key, value, scaling=1.0), atol=1e-4, rtol=1e-3)
