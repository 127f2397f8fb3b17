"""CoSENT and cosine regression against loops written from their sources."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from math import exp, log

import pytest
import torch
from torch import Tensor

from simemb.errors import DataError, RecipeError
from simemb.method.objectives import row_blocks
from simemb.method.objectives.base import Objective, Pair, Texts
from simemb.method.objectives.scored_pairs import AnglE, CoSENT, CosineRegression, ScoredContrast

Case = tuple[Tensor, Tensor, list[float]]


def rows(count: int, seed: int, dim: int = 4) -> Tensor:
    return torch.randn(count, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def pair_of(query: Tensor, key: Tensor, scores: list[float], first: int = 0) -> Pair:
    return Pair(query, key, first=first, scores=torch.tensor(scores))


def duplicates() -> Case:
    query, key = rows(5, 1), rows(5, 2)
    query[3], key[3], key[4] = query[0], key[0], query[4]
    return query, key, [1.0, 2.0, 3.0, 1.0, 5.0]


def zeros() -> Case:
    query, key = rows(4, 3), rows(4, 4)
    query[1], key[2], query[3], key[3] = 0, 0, 0, 0
    return query, key, [4.0, 0.5, 2.5, 5.0]


CASES: dict[str, Callable[[], Case]] = {
    "random": lambda: (rows(6, 5), rows(6, 6), [0.0, 5.0, 2.2, 3.8, 1.0, 4.4]),
    "two": lambda: (rows(2, 7), rows(2, 8), [4.0, 1.0]),
    "one": lambda: (rows(1, 9), rows(1, 10), [4.0]),
    "duplicates": duplicates,
    "zero vectors": zeros,
    "ties": lambda: (rows(5, 11), rows(5, 12), [2.0, 2.0, 4.0, 4.0, 4.0]),
    "equal scores": lambda: (rows(4, 13), rows(4, 14), [3.0] * 4),
    "constant": lambda: (torch.ones(4, 4, dtype=torch.float64), torch.ones(4, 4, dtype=torch.float64), [0.0, 1, 2, 5]),
    "opposite": lambda: (rows(4, 15), -rows(4, 15), [5.0, 0.0, 5.0, 1.0]),
}


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """Of two vectors; 0 for a zero vector, whose gradient is that of a length of at least 1e-12."""
    lengths = []
    for vector in (a, b):
        squares = sum(v * v for v in vector)
        lengths.append(squares.sqrt() if squares > 0 else torch.tensor(1e-12, dtype=torch.float64))
    return sum((x / lengths[0]) * (y / lengths[1]) for x, y in zip(a, b, strict=True))


def slow_cosent(query: Tensor, key: Tensor, scores: list[float], scale: float) -> Tensor:
    cosines = [cosine(q, k) for q, k in zip(query, key, strict=True)]
    total = torch.ones((), dtype=torch.float64) + 0 * query.sum() + 0 * key.sum()
    for i, higher in enumerate(scores):
        for j, lower in enumerate(scores):
            if higher > lower:
                total = total + (scale * (cosines[j] - cosines[i])).exp()
    return total.log()


def slow_angle(query: Tensor, key: Tensor, scores: list[float], scale: float) -> Tensor:
    """With complex numbers: the quotient of the two vectors, part by part, and the sum of all its parts."""
    angles = []
    for q, k in zip(query, key, strict=True):
        half = len(q) // 2
        length = [max(vector.norm().item(), 1e-12) for vector in (q, k)]
        total = torch.zeros((), dtype=torch.float64) + 0 * q.sum() + 0 * k.sum()
        if query.requires_grad or min(length) > 1e-12:
            total = total + sum(
                (number.real + number.imag)
                for d in range(half)
                for number in [torch.complex(q[d], q[half + d]) * torch.complex(k[d], k[half + d]).conj()]
            ) / (safe_norm(q) * safe_norm(k))
        angles.append(total.abs())
    result = torch.ones((), dtype=torch.float64)
    for i, higher in enumerate(scores):
        for j, lower in enumerate(scores):
            if higher > lower:
                result = result + (scale * (angles[j] - angles[i])).exp()
    return result.log() + 0 * query.sum() + 0 * key.sum()


def safe_norm(vector: Tensor) -> Tensor:
    squares = sum(v * v for v in vector)
    return squares.sqrt() if squares > 0 else torch.tensor(1e-12, dtype=torch.float64)


def slow_contrast(query: Tensor, key: Tensor, scores: list[float], temperature: float, above: float) -> Tensor:
    texts = [*query, *key]
    total = torch.zeros((), dtype=torch.float64) + 0 * query.sum() + 0 * key.sum()
    for x in range(len(texts)):
        partner = (x + len(query)) % len(texts)
        if scores[x % len(query)] <= above:
            continue
        odds = [(cosine(texts[x], texts[c]) / temperature).exp() for c in range(len(texts)) if c != x]
        total = total + (sum(odds) / (cosine(texts[x], texts[partner]) / temperature).exp()).log()
    return total / len(texts)


def slow_regression(query: Tensor, key: Tensor, scores: list[float], low: float, high: float) -> Tensor:
    errors = [cosine(q, k) - (s - low) / (high - low) for q, k, s in zip(query, key, scores, strict=True)]
    return sum(error**2 for error in errors) / len(errors)


PROOFS: dict[str, tuple[Objective, Callable[[Tensor, Tensor, list[float]], Tensor]]] = {
    "cosent": (CoSENT(), lambda q, k, s: slow_cosent(q, k, s, 20.0)),
    "cosent, other scale": (CoSENT(scale=2.5), lambda q, k, s: slow_cosent(q, k, s, 2.5)),
    "angle": (AnglE(scale=3.0), lambda q, k, s: slow_angle(q, k, s, 3.0)),
    "contrast": (ScoredContrast(0.5), lambda q, k, s: slow_contrast(q, k, s, 0.5, 0.0)),
    "contrast above 2": (ScoredContrast(0.2, 2.0), lambda q, k, s: slow_contrast(q, k, s, 0.2, 2.0)),
    "regression": (CosineRegression(), lambda q, k, s: slow_regression(q, k, s, 0.0, 5.0)),
    "regression, other range": (CosineRegression(-5.0, 6.0), lambda q, k, s: slow_regression(q, k, s, -5.0, 6.0)),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("proof", PROOFS)
def test_value_and_gradient_are_those_of_the_source(case: str, proof: str):
    objective, slow = PROOFS[proof]
    *vectors, scores = CASES[case]()
    ours = [tensor.clone().requires_grad_() for tensor in vectors]
    theirs = [tensor.clone().requires_grad_() for tensor in vectors]
    loss = objective(Pair(ours[0], ours[1], scores=torch.tensor(scores, dtype=torch.float64)))
    reference = slow(theirs[0], theirs[1], scores)
    torch.testing.assert_close(loss, reference, atol=1e-6, rtol=1e-9)
    loss.backward()
    reference.backward()
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine.grad, other.grad, atol=1e-6, rtol=1e-6)


# Pairs at 90, 60 and 0 degrees: cosines 0, 0.5 and 1.
QUERY = torch.tensor([[1.0, 0.0], [3.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
KEY = torch.tensor([[0.0, 2.0], [0.5, 0.75**0.5], [4.0, 4.0]], dtype=torch.float64)


def test_cosent_by_hand():
    # Scores 3, 1, 1: the first should be above the two others, by 0.5 and by 1; those two are a tie.
    loss = CoSENT(scale=2.0)(pair_of(QUERY, KEY, [3.0, 1.0, 1.0]))
    assert loss.item() == pytest.approx(log(1 + exp(1) + exp(2)), abs=1e-9)


def test_cosine_regression_by_hand():
    # Scores 2, 3, 4 from 1 to 5 are 0.25, 0.5 and 0.75: errors -0.25, 0 and 0.25.
    loss = CosineRegression(low=1.0, high=5.0)(pair_of(QUERY, KEY, [2.0, 3.0, 4.0]))
    assert loss.item() == pytest.approx(0.125 / 3, abs=1e-9)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_they_equal_sentence_transformers():
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.losses import AnglELoss, CoSENTLoss, CosineSimilarityLoss

    query, key = rows(7, 20).float(), rows(7, 21).float()
    scores = [0.5, 1.0, 4.0, 1.0, 2.5, 5.0, 0.0]
    labels = torch.tensor(scores) / 5
    model = SentenceTransformer(modules=[torch.nn.Identity()])
    pairs = ((CoSENT(), CoSENTLoss), (AnglE(), AnglELoss), (CosineRegression(), CosineSimilarityLoss))
    for objective, loss in pairs:
        theirs = loss(model)
        expected = theirs.compute_loss_from_embeddings([query, key], labels)
        torch.testing.assert_close(objective(pair_of(query, key, scores)), expected, atol=1e-5, rtol=1e-5)


def test_cosent_sees_the_order_of_the_scores_only():
    query, key = rows(5, 22), rows(5, 23)
    small = CoSENT()(pair_of(query, key, [0.1, 0.2, 0.2, 0.4, 0.3]))
    assert small == CoSENT()(pair_of(query, key, [-7.0, 0.0, 0.0, 900.0, 1.0]))
    assert CoSENT()(pair_of(query, key, [3.0] * 5)).item() == 0


@pytest.mark.parametrize("objective", [CoSENT(), CosineRegression(), AnglE(2.0), ScoredContrast(0.5)])
def test_twenty_steps_descend(objective: Objective):
    query, key = rows(12, 24, dim=8).requires_grad_(), rows(12, 25, dim=8)
    scores = [float(number % 6) for number in range(12)]
    optimizer = torch.optim.SGD([query], lr=0.02)
    losses = []
    for _ in range(20):
        loss = objective(pair_of(query, key, scores))
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert all(after < before for before, after in pairwise(losses))


def test_every_process_compares_its_own_pairs():
    query, key, scores = rows(6, 26), rows(6, 27), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    for objective in (CoSENT(), CosineRegression(), AnglE()):
        for own in (slice(0, 3), slice(3, 6)):
            share = objective(pair_of(query[own], key, scores[own], first=own.start))
            assert share == objective(pair_of(query[own], key[own], scores[own]))
    halves = [
        CosineRegression()(pair_of(query[own], key, scores[own], first=own.start)) for own in (slice(0, 3), slice(3, 6))
    ]
    torch.testing.assert_close(torch.stack(halves).mean(), CosineRegression()(pair_of(query, key, scores)))


def test_the_contrast_of_pairs_is_that_of_the_whole_batch_and_in_strips(monkeypatch: pytest.MonkeyPatch):
    query, key, scores = rows(6, 26).requires_grad_(), rows(6, 27), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    texts = Texts(torch.tensor([0, 1, 2, 0, 4, 5]), torch.tensor([6, 7, 2, 9, 6, 8]))
    whole = ScoredContrast(0.5, 1.5)(replace(pair_of(query, key, scores), texts=texts))
    shares = [
        replace(pair_of(query[own], key, scores[own], first=own.start), others=query, texts=texts)
        for own in (slice(0, 3), slice(3, 6))
    ]
    torch.testing.assert_close(torch.stack([ScoredContrast(0.5, 1.5)(share) for share in shares]).mean(), whole)
    monkeypatch.setattr(row_blocks, "NUMBERS", 13)
    strips = ScoredContrast(0.5, 1.5)(replace(pair_of(query, key, scores), texts=texts))
    torch.testing.assert_close(strips, whole)
    torch.testing.assert_close(*(torch.autograd.grad(loss, query)[0] for loss in (strips, whole)))


def test_equal_texts_are_no_negatives_of_each_other():
    query, key, scores = rows(3, 28), rows(3, 29), [1.0, 1.0, 0.0]
    query[2] = query[0]  # the premise of a contradiction is that of an entailment
    texts = Texts(torch.tensor([0, 1, 0]), torch.tensor([2, 3, 4]))
    loss = ScoredContrast(0.5)(replace(pair_of(query, key, scores), texts=texts))
    candidates = {0: [3, 4, 5, 1], 1: [4, 3, 5, 0, 2], 3: [0, 1, 4, 5], 4: [1, 0, 2, 3, 5]}  # the partner first
    every, total = torch.cat([query, key]), 0.0
    for text, (partner, *others) in candidates.items():
        odds = [(cosine(every[text], every[c]) / 0.5).exp() for c in (partner, *others)]
        total += (sum(odds) / odds[0]).log().item()
    assert loss.item() == pytest.approx(total / 6)


def test_an_odd_width_has_no_imaginary_half():
    with pytest.raises(RecipeError, match="AnglE needs vectors of an even number of dimensions, not 7"):
        AnglE().build(7)
    assert AnglE().build(8) == AnglE()


@pytest.mark.parametrize("objective", [AnglE(3.0), ScoredContrast(0.3)])
def test_the_gradient_is_that_of_finite_differences(objective: Objective):
    vectors = (rows(5, 30).requires_grad_(), rows(5, 31).requires_grad_())
    assert torch.autograd.gradcheck(lambda q, k: objective(pair_of(q, k, [0.0, 1.0, 5.0, 1.0, 3.0])), vectors)


@pytest.mark.parametrize("objective", [CoSENT(), CosineRegression(), AnglE(), ScoredContrast()])
@pytest.mark.parametrize("case", CASES)
def test_nothing_is_infinite_in_single_precision(objective: Objective, case: str):
    *vectors, scores = CASES[case]()
    query, key = (tensor.float().requires_grad_() for tensor in vectors)
    loss = objective(pair_of(query, key, scores))
    loss.backward()
    assert loss.dtype == torch.float32
    assert all(torch.isfinite(tensor).all() for tensor in (loss, query.grad, key.grad))


@pytest.mark.parametrize("score", [5.1, -0.1, 80.0, float("nan")])
def test_a_score_outside_the_range_is_refused(score: float):
    with pytest.raises(
        DataError, match=rf"score {score:g} is outside \[0, 5\]: set objective\.low and objective\.high"
    ):
        CosineRegression()(pair_of(QUERY, KEY, [1.0, score, 2.0]))
    assert torch.isfinite(CosineRegression()(pair_of(QUERY, KEY, [0.0, 5.0, 2.0])))


def test_both_ask_for_scores():
    assert CoSENT.scored
    assert CosineRegression.scored
    assert not CoSENT.negatives


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CoSENT(scale=0.0), r"objective\.scale must be above 0, not 0\.0"),
        (
            lambda: CosineRegression(low=5.0, high=1.0),
            r"objective\.high must be above objective\.low \(5\.0\), not 1\.0",
        ),
        (
            lambda: CosineRegression(high=float("nan")),
            r"objective\.high must be above objective\.low \(0\.0\), not nan",
        ),
    ],
)
def test_a_constant_out_of_its_range_is_refused(make: Callable[[], Objective], message: str):
    with pytest.raises(RecipeError, match=message):
        make()
