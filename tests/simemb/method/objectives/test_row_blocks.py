"""Objectives strip by strip: the value and the gradient are those of the whole matrix."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from simemb.method.objectives import (
    NCE,
    AlignUniform,
    CoSENT,
    FalseNegatives,
    InfoNCE,
    InvariantSpread,
    Matryoshka,
    Objective,
    Pair,
    SimilarityKL,
    Texts,
    row_blocks,
)

ROWS, WIDTH = 13, 6

OBJECTIVES: dict[str, Objective] = {
    "in-batch": InfoNCE(),
    "symmetric, within the view": InfoNCE(symmetric=True, within_view=True),
    "decoupled, learnt, dot": InfoNCE(decoupled=True, learnt=True, similarity="dot", temperature=2.0),
    "hard negatives and memory only": InfoNCE(in_batch=False, hard_negative_weight=0.7),
    "false negatives": InfoNCE(false_negatives=FalseNegatives(margin=0.1)),
    "guided": InfoNCE(false_negatives=FalseNegatives(margin=0.0, guided=True)),
    "angular margin, mixed negatives": InfoNCE(angular_margin=0.2, mix=0.3, within_view=True),
    "shorter vectors": Matryoshka(InfoNCE(learnt=True), dims=(2, 6)),
    "neighbors": SimilarityKL(),
    "uniformity": AlignUniform(),
    "spread": InvariantSpread(),
    "scores": CoSENT(),
    "bank": NCE(draws=5),
}


def numbers(rows: int, seed: int) -> Tensor:
    return torch.randn(rows, WIDTH, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def pair_for(objective: Objective, first: int) -> tuple[Pair, list[Tensor]]:
    """This process has all rows, or (from `first` on) the last ones; texts, guide and scores included."""
    vectors = [numbers(ROWS, seed).requires_grad_() for seed in range(3)]
    others, key, hard = vectors
    outsiders = objective.outsiders and not getattr(objective, "symmetric", False)
    texts = torch.arange(ROWS) % 5
    guide = Pair(numbers(ROWS, 4)[first:], numbers(ROWS, 5), numbers(ROWS, 6), first=first, others=numbers(ROWS, 4))
    pair = Pair(
        query=others[first:],
        key=key,
        hard=hard if outsiders else None,
        memory=numbers(9, 7) if outsiders or objective.banked else None,
        first=first,
        others=others,
        rows=torch.arange(first, ROWS),
        scores=(torch.arange(ROWS) % 4)[first:].double(),
        texts=Texts(texts, texts + 3, texts + 6, torch.arange(9)),
        guide=guide,
    )
    return pair if outsiders else replace(pair, texts=Texts(texts, texts + 3)), vectors


def computed(name: str, first: int) -> tuple[Tensor, list[Any]]:
    objective = OBJECTIVES[name]
    loss = objective.build(WIDTH)
    if isinstance(loss, nn.Module):
        loss.double()
    pair, vectors = pair_for(objective, first)
    torch.manual_seed(3)
    value = loss(pair)
    value.backward()
    learnt = [parameter.grad for parameter in loss.parameters()] if isinstance(loss, nn.Module) else []
    return value.detach(), [*(vector.grad for vector in vectors), *learnt]


@pytest.mark.parametrize("first", [0, 4])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_strips_give_the_loss_and_the_gradients_of_the_whole(name: str, first: int, monkeypatch: pytest.MonkeyPatch):
    whole, gradients = computed(name, first)
    cut: list[int] = []
    original = row_blocks.checkpoint
    monkeypatch.setattr(row_blocks, "checkpoint", lambda *given, **named: cut.append(1) or original(*given, **named))
    monkeypatch.setattr(row_blocks, "NUMBERS", 40)
    loss, theirs = computed(name, first)
    assert len(cut) > 1
    torch.testing.assert_close(loss, whole, atol=1e-12, rtol=1e-12)
    for one, other in zip(theirs, gradients, strict=True):
        assert (one is None) == (other is None)
        if other is not None:
            torch.testing.assert_close(one, other, atol=1e-10, rtol=1e-10)


def test_the_gradient_is_held_in_strips_of_the_matrix():
    rows, width = 3000, 8
    query, key = (torch.randn(rows, width, requires_grad=True) for _ in range(2))
    largest = 0

    def packed(tensor: Tensor) -> Tensor:
        nonlocal largest
        largest = max(largest, tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(packed, lambda tensor: tensor):
        InfoNCE()(Pair(query, key))
    assert largest <= rows * width


def test_rows_are_cut_so_that_every_strip_fits():
    for rows, columns in ((1, 1), (10, 7), (4096, 4096), (5, 2 * row_blocks.NUMBERS), (64, 65_536)):
        parts = row_blocks.strips(rows, columns)
        assert [number for part in parts for number in range(part.start, part.stop)] == list(range(rows))
        assert all((part.stop - part.start) * columns <= max(row_blocks.NUMBERS, columns) for part in parts)
    assert len(row_blocks.strips(512, 1024)) == 1
