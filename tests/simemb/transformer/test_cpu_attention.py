"""Attention with dropout in blocks equals a loop over sentences and heads with the same dice."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from simemb.transformer import cpu_attention
from simemb.transformer.cpu_attention import attend_in_blocks, grouped

RUNS = ((2, 1), (1, 3), (3, 4), (1, 9), (2, 30))
TOKENS = sum(count * length for count, length in RUNS)
SENTENCES = sum(count for count, _ in RUNS)
HEADS, DIM = 3, 8


def projections(*, first_only: bool) -> list[Tensor]:
    torch.manual_seed(0)
    rows = SENTENCES if first_only else TOKENS
    return [torch.randn(count, HEADS, DIM, requires_grad=True) for count in (rows, TOKENS, TOKENS)]


def by_loop(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    bias: Tensor,
    masks: list[Tensor],
    scale: float,
    *,
    first_only: bool,
) -> Tensor:
    """Bias, softmax, mask, product: one sentence and one head at a time, in float64."""
    outputs, sentence, token, row = [], 0, 0, 0
    for group, mask in zip(grouped(RUNS), masks, strict=True):
        within = 0
        for length in [length for count, length in group for _ in range(count)]:
            asked = 1 if first_only else length
            heads = []
            for head in range(HEADS):
                q = query[row : row + asked, head].double()
                k, v = (each[token : token + length, head].double() for each in (key, value))
                weights = torch.softmax(q @ k.T * 0.4 + bias[head, :asked, :length].double(), -1)
                dice = mask[within * HEADS + head][:asked, :length]
                heads.append(weights * dice * scale @ v)
            outputs.append(torch.stack(heads, 1))
            sentence, token, row, within = sentence + 1, token + length, row + asked, within + 1
    return torch.cat(outputs)


@pytest.mark.parametrize("first_only", [False, True])
@pytest.mark.parametrize("probability", [0.1, 0.6])
@pytest.mark.parametrize("biased", [False, True])
def test_value_and_gradient_equal_those_of_a_loop(monkeypatch, first_only, probability, biased):
    masks: list[Tensor] = []
    draw = cpu_attention.keep_mask

    def noted(shape, chance):
        mask, scale = draw(shape, chance)
        masks.append(mask)
        return mask, scale

    monkeypatch.setattr(cpu_attention, "keep_mask", noted)
    given_ones = projections(first_only=first_only)
    bias = torch.randn(HEADS, 30, 30, requires_grad=True) if biased else torch.zeros(HEADS, 30, 30)
    options = {"runs": RUNS, "scaling": 0.4, "dropout": probability, "first_only": first_only}
    ours = attend_in_blocks(*given_ones, bias=bias if biased else None, **options)
    scale = draw(torch.Size([1]), probability)[1]
    expected = by_loop(*given_ones, bias, masks, scale, first_only=first_only)
    given_ones += [bias] if biased else []
    torch.testing.assert_close(ours.double(), expected, atol=1e-5, rtol=1e-5)
    weights = torch.randn_like(ours)
    found = torch.autograd.grad((ours * weights).sum(), given_ones)
    wanted = torch.autograd.grad((expected * weights).sum(), given_ones)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other.float(), atol=1e-5, rtol=1e-4)


def test_the_seed_decides():
    given_ones = projections(first_only=False)
    options = {"runs": RUNS, "scaling": 0.4, "dropout": 0.3, "first_only": False}
    torch.manual_seed(2)
    first, second = (attend_in_blocks(*given_ones, **options) for _ in range(2))
    torch.manual_seed(2)
    assert torch.equal(first, attend_in_blocks(*given_ones, **options))
    assert not torch.equal(first, second)


@settings(max_examples=50)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=40, unique=True))
def test_groups_keep_the_order_and_hold_similar_lengths(lengths):
    runs = tuple((1, length) for length in sorted(lengths))
    groups = list(grouped(runs))
    assert tuple(run for group in groups for run in group) == runs
    for group in groups:
        shortest, longest = group[0][1], group[-1][1]
        assert longest <= max(shortest * 1.25, shortest + 4)
