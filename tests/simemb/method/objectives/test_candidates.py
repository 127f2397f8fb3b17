"""Margin-MSE and KL over candidates against loops written from their sources, and beside sentence-transformers."""

from dataclasses import replace
from math import exp, log
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from simemb.errors import RecipeError
from simemb.method.objectives import CandidateKL, Grades, MarginMSE, Matryoshka, Objective, Pair

OWNER = torch.tensor([0, 2, 0, 3, 0, 3])  # row 1 has no negative
COUNT = 4


def rows(count: int, seed: int, dim: int = 5) -> Tensor:
    return torch.randn(count, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def pair_of() -> tuple[Pair, list[Tensor]]:
    tensors = [rows(COUNT, 1), rows(COUNT, 2), rows(len(OWNER), 3)]
    query, key, hard = (tensor.requires_grad_() for tensor in tensors)
    grades = Grades(3 * rows(COUNT, 4)[:, 0], 3 * rows(len(OWNER), 5)[:, 0])
    return Pair(query, key, hard, owner=OWNER, grades=grades), [query, key, hard]


def near(a: Tensor, b: Tensor, similarity: str) -> Tensor:
    product = sum(x * y for x, y in zip(a, b, strict=True))
    return product if similarity == "dot" else product / (a.norm() * b.norm())


def slow_margins(pair: Pair, similarity: str, scale: float) -> Tensor:
    """Triplet by triplet."""
    errors = []
    for n, i in enumerate(OWNER.tolist()):
        ours = near(pair.query[i], pair.key[i], similarity) - near(pair.query[i], pair.hard[n], similarity)
        errors.append((ours - scale * (pair.grades.key[i] - pair.grades.hard[n])) ** 2)
    return sum(errors) / len(errors)


def slow_divergence(pair: Pair, similarity: str, t: float, teacher_t: float) -> Tensor:
    """Query by query: KL of two softmaxes over its candidates."""
    losses = []
    for i in range(COUNT):
        own = [n for n, owner in enumerate(OWNER.tolist()) if owner == i]
        student = [near(pair.query[i], c, similarity) / t for c in (pair.key[i], *(pair.hard[n] for n in own))]
        teacher = [score.item() / teacher_t for score in (pair.grades.key[i], *(pair.grades.hard[n] for n in own))]
        total = sum(map(exp, teacher))
        r = [s.exp() / sum(x.exp() for x in student) for s in student]
        losses.append(sum(exp(s) / total * (log(exp(s) / total) - q.log()) for s, q in zip(teacher, r, strict=True)))
    return sum(losses) / COUNT


def check(objective: Objective, expected: Tensor, pair: Pair, tensors: list[Tensor]) -> None:
    loss = objective(pair)
    torch.testing.assert_close(loss, expected)
    theirs = torch.autograd.grad(expected, tensors)
    for mine, other in zip(torch.autograd.grad(loss, tensors), theirs, strict=True):
        torch.testing.assert_close(mine, other)


@pytest.mark.parametrize("similarity", ["dot", "cosine"])
def test_margins_equal_the_loops(similarity: Any):
    pair, tensors = pair_of()
    check(MarginMSE(similarity, 0.3), slow_margins(pair, similarity, 0.3), pair, tensors)


@pytest.mark.parametrize("similarity", ["dot", "cosine"])
def test_the_divergence_equals_the_loops(similarity: Any):
    pair, tensors = pair_of()
    check(CandidateKL(0.4, 2.0, similarity), slow_divergence(pair, similarity, 0.4, 2.0), pair, tensors)


@pytest.mark.parametrize("objective", [MarginMSE(), CandidateKL(), Matryoshka(CandidateKL(), (2, 5))])
def test_the_mean_over_processes_is_the_loss_of_the_whole_batch(objective: Objective):
    pair, tensors = pair_of()
    shares = []
    for first in (0, 2):
        own = slice(first, first + 2)
        grades = Grades(pair.grades.key[own], pair.grades.hard)
        shares.append(objective(replace(pair, query=pair.query[own], first=first, others=pair.query, grades=grades)))
    check(objective, torch.stack(shares).mean(), pair, tensors)


@pytest.mark.parametrize("objective", [MarginMSE(), MarginMSE("cosine"), CandidateKL()])
def test_only_differences_of_scores_count(objective: Objective):
    pair, _ = pair_of()
    shift = torch.arange(COUNT, dtype=torch.float64)
    moved = Grades(pair.grades.key + shift, pair.grades.hard + shift[OWNER])
    torch.testing.assert_close(objective(replace(pair, grades=moved)), objective(pair))


@pytest.mark.parametrize("objective", [MarginMSE(), CandidateKL()])
def test_without_negatives_there_is_nothing_to_learn(objective: Objective):
    pair, (query, *_) = pair_of()
    empty = Grades(pair.grades.key, pair.grades.hard[:0])
    for hard, owner in ((None, None), (pair.hard[:0], OWNER[:0])):
        loss = objective(replace(pair, hard=hard, owner=owner, grades=empty))
        (gradient,) = torch.autograd.grad(loss, [query])
        assert (loss.item(), gradient.abs().sum().item()) == (0, 0)


def test_a_student_that_agrees_has_no_loss():
    pair, _ = pair_of()
    unit = [normalize(block.detach(), dim=1) for block in (pair.query, pair.key, pair.hard)]
    agreeing = Grades((unit[0] * unit[1]).sum(1), (unit[0][OWNER] * unit[2]).sum(1))
    same = replace(pair, query=unit[0], key=unit[1], hard=unit[2], grades=agreeing)
    assert MarginMSE()(same).item() == pytest.approx(0, abs=1e-12)
    assert CandidateKL(0.1, 0.1)(same).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("count", [1, 3])
def test_margins_are_those_of_sentence_transformers(count: int):
    from sentence_transformers.sentence_transformer.losses import MarginMSELoss

    query, key, *negatives = (rows(COUNT, seed) for seed in range(2 + count))
    scores = rows(COUNT, 9, 1 + count)
    owner = torch.arange(COUNT).repeat(count)
    grades = Grades(scores[:, 0], scores[:, 1:].T.flatten())
    ours = MarginMSE()(Pair(query, key, torch.cat(negatives), owner=owner, grades=grades))
    theirs = MarginMSELoss(None).compute_loss_from_embeddings([query, key, *negatives], scores)
    torch.testing.assert_close(ours, theirs)


def test_numbers_out_of_range_are_refused():
    with pytest.raises(RecipeError, match=r"objective.scale must be above 0, not 0"):
        MarginMSE(scale=0.0)
    with pytest.raises(RecipeError, match=r"objective.teacher_temperature must be above 0, not -1"):
        CandidateKL(teacher_temperature=-1.0)
