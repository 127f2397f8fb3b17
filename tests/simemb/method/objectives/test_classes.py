"""SupCon and triplets against loops written from their papers, and against sentence-transformers."""

from collections.abc import Callable
from math import exp, log, sqrt
from typing import Any, Literal

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from simemb.errors import RecipeError
from simemb.method.objectives import BatchTriplet, Matryoshka, SupCon, row_blocks
from simemb.method.objectives.base import Objective, Pair

LABELS = [0, 1, 0, 2, 1, 0, 3, 1]
"""Three of one class, three of another, and two classes of one text."""


def rows(count: int, seed: int, dim: int = 5) -> Tensor:
    return torch.randn(count, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def alone(vectors: Tensor, labels: list[int]) -> Pair:
    """One view, compared with itself."""
    return Pair(vectors, vectors, others=vectors, labels=torch.tensor(labels), same=True)


def two(first: Tensor, second: Tensor, labels: list[int]) -> list[Pair]:
    """Two views, each of them as queries once."""
    numbers = torch.tensor(labels)
    return [Pair(a, b, others=a, labels=numbers) for a, b in ((first, second), (second, first))]


# ---- the papers, in loops ------------------------------------------------------------------------


def supcon(z: list[list[float]], labels: list[int], t: float) -> float:
    """Khosla et al., 2020, eq. 2, over the multiviewed batch z, divided by the number of anchors with a positive."""
    z = [[x / sqrt(sum(y * y for y in row)) for x in row] for row in z]
    dots = [[sum(x * y for x, y in zip(a, b, strict=True)) for b in z] for a in z]
    losses = []
    for i in range(len(z)):
        others = [a for a in range(len(z)) if a != i]
        positives = [p for p in others if labels[p] == labels[i]]
        if not positives:
            continue
        total = sum(exp(dots[i][a] / t) for a in others)
        losses.append(-sum(log(exp(dots[i][p] / t) / total) for p in positives) / len(positives))
    return sum(losses) / max(len(losses), 1)


def euclidean(a: list[float], b: list[float]) -> float:
    return sqrt(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)))


def cosine(a: list[float], b: list[float]) -> float:
    lengths = sqrt(sum(x * x for x in a)) * sqrt(sum(y * y for y in b))
    return 1 - sum(x * y for x, y in zip(a, b, strict=True)) / lengths


DISTANCES = {"euclidean": euclidean, "cosine": cosine}


def triplets(z: list[list[float]], labels: list[int], mining: str, distance: str, margin: float | None) -> float:
    """Hermans et al., 2017, eq. 5; and FaceNet's semi-hard negatives for every anchor and positive."""
    d, losses = DISTANCES[distance], []
    for a in range(len(z)):
        positives = [d(z[a], z[p]) for p in range(len(z)) if p != a and labels[p] == labels[a]]
        negatives = [d(z[a], z[n]) for n in range(len(z)) if labels[n] != labels[a]]
        if not positives or not negatives:
            continue
        if mining == "hard":
            chosen = [(max(positives), min(negatives))]
        else:
            behind = [[n for n in negatives if n > p] for p in positives]
            chosen = [(p, min(far) if far else max(negatives)) for p, far in zip(positives, behind, strict=True)]
        losses += [log(1 + exp(p - n)) if margin is None else max(0.0, p - n + margin) for p, n in chosen]
    return sum(losses) / max(len(losses), 1)


CASES: dict[str, tuple[Tensor, list[int]]] = {
    "usual": (rows(8, 1), LABELS),
    "two classes": (rows(6, 2), [0, 0, 0, 1, 1, 1]),
    "one class": (rows(4, 3), [1, 1, 1, 1]),
    "no two of a class": (rows(4, 4), [0, 1, 2, 3]),
    "equal texts": (rows(3, 5).repeat(2, 1), [0, 1, 2, 0, 1, 2]),
    "one text": (rows(1, 6), [0]),
}
TRIPLETS = [
    BatchTriplet(mining, margin, distance)
    for mining in ("hard", "semi_hard")
    for margin in (None, 0.4, 5.0)
    for distance in ("euclidean", "cosine")
]


@pytest.mark.parametrize("case", CASES)
def test_supcon_is_the_equation_of_the_paper(case: str):
    z, labels = CASES[case]
    assert SupCon(0.2)(alone(z, labels)).item() == pytest.approx(supcon(z.tolist(), labels, 0.2), abs=1e-9)
    other = z + 0.3 * rows(len(z), 9)
    both = torch.stack([SupCon(0.2)(pair) for pair in two(z, other, labels)]).mean()
    assert both.item() == pytest.approx(supcon([*z.tolist(), *other.tolist()], labels * 2, 0.2))


@pytest.mark.parametrize("objective", TRIPLETS, ids=repr)
@pytest.mark.parametrize("case", CASES)
def test_triplets_are_those_of_the_papers(case: str, objective: BatchTriplet):
    z, labels = CASES[case]
    rules = (objective.mining, objective.distance, objective.margin)
    assert objective(alone(z, labels)).item() == pytest.approx(triplets(z.tolist(), labels, *rules), abs=1e-7)


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
@pytest.mark.parametrize("kind", ["hard", "semi_hard", "soft"])
def test_sentence_transformers_computes_the_same(kind: str, distance: Literal["euclidean", "cosine"]):
    losses = pytest.importorskip("sentence_transformers.losses")
    metrics = losses.BatchHardTripletLossDistanceFunction
    metric: Callable[..., Any] = metrics.cosine_distance if distance == "cosine" else metrics.eucledian_distance
    z, labels = rows(12, 7).float(), torch.tensor([0, 1, 2] * 4)
    theirs, ours = {
        "hard": (losses.BatchHardTripletLoss(None, metric, 0.3), BatchTriplet("hard", 0.3, distance)),
        "semi_hard": (losses.BatchSemiHardTripletLoss(None, metric, 0.3), BatchTriplet("semi_hard", 0.3, distance)),
        "soft": (losses.BatchHardSoftMarginTripletLoss(None, metric), BatchTriplet("hard", None, distance)),
    }[kind]
    expected = theirs.compute_loss_from_embeddings([z], labels)
    torch.testing.assert_close(ours(alone(z, labels.tolist())), expected)


OBJECTIVES: list[Objective] = [SupCon(0.2), *TRIPLETS[:4], *TRIPLETS[6:10]]


@pytest.mark.parametrize("objective", OBJECTIVES, ids=repr)
def test_gradients_are_right_and_finite_for_equal_vectors(objective: Objective):
    def loss(vectors: Tensor) -> Tensor:
        return objective(alone(vectors, LABELS))

    assert torch.autograd.gradcheck(loss, (rows(8, 8).requires_grad_(),))
    equal = torch.ones(8, 5, dtype=torch.float64, requires_grad=True)
    loss(equal).backward()
    assert equal.grad is not None
    assert equal.grad.isfinite().all()


@pytest.mark.parametrize("objective", OBJECTIVES, ids=repr)
def test_processes_together_have_the_loss_of_one(objective: Objective):
    z, other, labels = rows(8, 10), rows(8, 11), torch.tensor(LABELS)
    for key, same in ((z, True), (other, False)):
        whole = objective(Pair(z, key, others=z, labels=labels, same=same))
        parts = [
            objective(Pair(z[first : first + 4], key, others=z, first=first, labels=labels, same=same))
            for first in (0, 4)
        ]
        torch.testing.assert_close(torch.stack(parts).mean(), whole)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=repr)
def test_strips_give_the_same(objective: Objective, monkeypatch: pytest.MonkeyPatch):
    z = rows(8, 12).requires_grad_()
    whole = objective(alone(z, LABELS))
    (gradient,) = torch.autograd.grad(whole, z)
    monkeypatch.setattr(row_blocks, "NUMBERS", 20)
    torch.testing.assert_close(objective(alone(z, LABELS)), whole)
    torch.testing.assert_close(torch.autograd.grad(objective(alone(z, LABELS)), z)[0], gradient)


def test_the_least_loss_has_all_texts_of_a_class_in_one_place():
    corners = normalize(torch.eye(4, 5))
    vectors = corners[torch.tensor(LABELS)]
    assert BatchTriplet("hard", 0.5)(alone(vectors, LABELS)).item() == 0
    near = SupCon()(alone(vectors, LABELS))
    assert near < SupCon()(alone(vectors.roll(1, dims=0), LABELS))


def test_nested_sizes_are_of_classes_too():
    nested = Matryoshka(SupCon(0.2), dims=(2, 5))
    z = rows(8, 13)
    expected = sum(supcon(z[:, :dim].tolist(), LABELS, 0.2) for dim in (2, 5))
    assert nested.classed
    assert nested(alone(z, LABELS)).item() == pytest.approx(expected)


@pytest.mark.parametrize(("kind", "field"), [(SupCon, "temperature"), (BatchTriplet, "margin")])
def test_what_must_be_above_zero_is(kind: type[Objective], field: str):
    with pytest.raises(RecipeError, match=f"objective.{field} must be above 0, not 0"):
        kind(**{field: 0.0})
