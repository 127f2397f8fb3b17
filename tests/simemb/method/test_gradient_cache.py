"""Gradient caching: chunk by chunk, the gradient is that of the whole batch, and the memory is filled as by it."""

from contextlib import nullcontext
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
import torch
from families import make_encoder
from feeding import examples_of, gradients
from torch import Tensor

from simemb.method import gradient_cache
from simemb.method.auxiliaries import MaskedLM, SoftmaxNLI, masked_lm
from simemb.method.embedding_augmentations import FeatureCutoff
from simemb.method.heads import MLP, Projector
from simemb.method.memory import Bank, Noise, Queue
from simemb.method.method import Method
from simemb.method.objectives import (
    NCE,
    AlignUniform,
    AnglE,
    BarlowTwins,
    BatchTriplet,
    BidirectionalMargin,
    CandidateKL,
    Centered,
    Consistency,
    ContrastiveTension,
    CoSENT,
    CosineRegression,
    Entailment,
    FalseNegatives,
    InfoNCE,
    InvariantSpread,
    ListMLE,
    ListNet,
    MarginMSE,
    Matryoshka,
    Objective,
    Regression,
    ScoredContrast,
    SimilarityKL,
    SquaredError,
    Sum,
    SupCon,
    Swapped,
    Term,
    VICReg,
    row_blocks,
    walk,
)
from simemb.method.recipe import Recipe
from simemb.method.recipe_json import noun_classes
from simemb.method.step_input import StepInput
from simemb.method.targets import EMA, Frozen, StopGradient, Twin
from simemb.method.view_pairs import Encoded, join
from simemb.method.views import View

COLUMNS = (
    ["a man", "the red dog", "we saw the sky", "sky", "the man runs", "a dog", "fast", "we", "the guitar plays fast"],
    ["man", "a red dog runs", "we saw a sky", "the sky", "a man runs fast", "the dog", "runs", "us", "a guitar"],
    ["the sky", "a man", "dog", "red guitar", "we saw", "the man plays", "sky fast", "a guitar runs", "dog a dog"],
)
ONE_WAY = (View(0, target=False), View(1, online=False))
BOTH_WAYS = (View(0), View(1))
BOTH_DROPOUTS = (View(), View())
TRIPLETS = (*ONE_WAY, View(2, online=False, negative=True))
TAUGHT = (View(0, target=False), View(0, online=False))
NORMED = MLP(hidden=12, width=8, norm="batch", final_norm=True)
PREDICTOR = MLP(hidden=16)
SCORED = MLP(hidden=12, width=8, norm="batch", prototypes=5)

RECIPES: dict[str, dict[str, Any]] = {
    "in-batch": {"views": ONE_WAY, "objective": InfoNCE(), "head": Projector()},
    "hard negatives, queue and predictor": {
        "views": TRIPLETS,
        "objective": InfoNCE(hard_negative_weight=0.5, temperature=0.2),
        "head": Projector(),
        "predictor": PREDICTOR,
        "memory": Queue(size=14),
    },
    "NT-Xent": {"views": BOTH_WAYS, "objective": InfoNCE(within_view=True, temperature=0.5), "head": NORMED},
    "learnt temperature": {"views": ONE_WAY, "objective": InfoNCE(symmetric=True, learnt=True)},
    "Barlow": {"views": ONE_WAY, "objective": BarlowTwins(), "head": NORMED},
    "VICReg": {"views": ONE_WAY, "objective": VICReg(), "head": NORMED},
    "tension": {"views": ONE_WAY, "objective": ContrastiveTension(2), "head": Projector()},
    "angles": {"views": ONE_WAY, "objective": Sum((AnglE(2.0), ScoredContrast(0.2))), "head": Projector()},
    "ranks": {
        "views": TAUGHT,
        "objective": Sum((Consistency(0.2), ListNet(0.2, 0.1), ListMLE(0.2))),
        "guide": ("one", "another"),
    },
    "sum, one term with a queue": {
        "views": TRIPLETS,
        "objective": Sum((Term(InfoNCE(0.2), Queue(14), weight=0.5), Matryoshka(InfoNCE(learnt=True), (4, 16)))),
        "head": Projector(keep=True),
    },
    "margin, mixture and moving noise": {
        "views": ONE_WAY,
        "objective": InfoNCE(0.2, angular_margin=0.2, mix=0.3, symmetric=True, learnt=True),
        "head": Projector(),
        "memory": Noise(size=14, steps=2, rate=0.5),
    },
    "nested, with noise": {
        "views": BOTH_WAYS,
        "objective": Matryoshka(InfoNCE(0.2, mix=0.2, angular_margin=0.1, within_view=True), (4, 16)),
        "memory": Noise(size=14, steps=1, rate=0.5),
    },
    "soft negatives and entailment": {
        "views": (*TRIPLETS, View(1, online=False, negative=True)),
        "objective": Sum((InfoNCE(hard_negatives=False), BidirectionalMargin(), Entailment(0.3))),
        "head": Projector(),
        "memory": Queue(size=14),
    },
    "slow copy": {
        "views": BOTH_WAYS,
        "objective": Regression(weight=2.0),
        "head": NORMED,
        "predictor": PREDICTOR,
        "target": EMA(momentum=0.9),
    },
    "slow copy with a queue": {
        "views": TRIPLETS,
        "objective": InfoNCE(in_batch=False, temperature=0.2),
        "head": NORMED,
        "target": EMA(),
        "memory": Queue(size=14, start="random"),
    },
    "slow copy that fills the queue": {
        "views": ONE_WAY,
        "objective": InfoNCE(),
        "head": Projector(),
        "target": EMA(dropout=False, keys=False, head=False),
        "memory": Queue(size=14, view=0),
    },
    "stopped gradient": {
        "views": BOTH_WAYS,
        "objective": Regression(),
        "head": NORMED,
        "predictor": PREDICTOR,
        "target": StopGradient(),
    },
    "twin": {"views": ONE_WAY, "objective": InfoNCE(symmetric=True), "head": Projector(width=8), "target": Twin()},
    "centered": {"views": BOTH_WAYS, "objective": Centered(), "head": SCORED, "target": EMA()},
    "swapped": {"views": BOTH_WAYS, "objective": Swapped(), "head": SCORED, "target": StopGradient()},
    "bank": {
        "views": (View(target=False),),
        "objective": NCE(draws=6),
        "head": Projector(width=8),
        "memory": Bank(),
    },
    "kept head": {"views": ONE_WAY, "objective": InfoNCE(), "head": MLP(layers=3, keep=2)},
    "labels": {"views": BOTH_WAYS, "objective": InfoNCE(), "auxiliaries": (SoftmaxNLI(weight=0.7),)},
    "nested": {"views": ONE_WAY, "objective": Matryoshka(InfoNCE(learnt=True), dims=(4, 8))},
    "false negatives": {
        "views": TRIPLETS,
        "objective": InfoNCE(false_negatives=FalseNegatives(margin=0.05), within_view=True),
        "memory": Queue(size=14),
    },
    "aligned and uniform": {"views": BOTH_WAYS, "objective": AlignUniform()},
    "spread": {"views": ONE_WAY, "objective": InvariantSpread(temperature=0.5)},
    "order of scores": {"views": ONE_WAY, "objective": CoSENT()},
    "scores": {"views": ONE_WAY, "objective": CosineRegression()},
    "margins": {"views": TRIPLETS, "objective": MarginMSE()},
    "candidates": {"views": TRIPLETS, "objective": CandidateKL(temperature=0.5), "head": NORMED},
    "classes": {"views": BOTH_DROPOUTS, "objective": SupCon(temperature=0.5), "head": Projector()},
    "triplets of classes": {"views": BOTH_DROPOUTS, "objective": BatchTriplet("semi_hard", None)},
    "teacher": {"views": TAUGHT, "objective": SquaredError(), "target": Frozen(model="teacher")},
    "teacher's neighbors": {"views": TAUGHT, "objective": SimilarityKL(), "target": Frozen(model="teacher")},
    "teacher with a queue": {
        "views": TAUGHT,
        "objective": InfoNCE(temperature=0.5),
        "target": Frozen(model="teacher"),
        "memory": Queue(size=14),
    },
    "fixed dropout": {"views": (View(target=False), View(online=False)), "objective": InfoNCE(), "fixed_dropout": True},
}


def made(dropout: float | None = 0.0, **fields: Any) -> Method:
    """In float64, so that what is left of a difference is one of the method."""
    recipe, encoder = Recipe(dropout=dropout, **fields), make_encoder(num_hidden_layers=1)
    teacher_width = encoder.dim if isinstance(recipe.target, Frozen) else None
    method = Method(recipe, encoder, columns=3, seed=1, examples=len(COLUMNS[0]), teacher_width=teacher_width)
    method.double()
    for part in (method.objective, method.memory):
        if isinstance(part, torch.nn.Module):
            part.float()  # vectors are compared in float32, whatever the precision
    # the draws of an objective must not depend on how often the encoder was run before
    compare = method.compare
    method.compare = lambda *given: torch.manual_seed(9) and compare(*given)  # type: ignore[method-assign]
    return method.train()


def cached(method: Method, examples: StepInput, scale: float = 1.0) -> tuple[Tensor, dict[str, Tensor]]:
    return gradient_cache.backward(method, examples, lambda loss: (scale * loss).backward(), nullcontext)


def in_chunks(method: Method, size: int | None = 4) -> StepInput:
    labels = torch.tensor([0.0, 1, 2, 2, 0, 1, 0, 2, 1])
    vectors = torch.randn(len(labels), method.encoder.dim, generator=torch.Generator().manual_seed(5))
    teacher_vectors = {1: vectors} if isinstance(method.recipe.target, Frozen) else None
    examples = examples_of(method, *COLUMNS, size=size, scores=labels, teacher_vectors=teacher_vectors)
    guide_vectors = dict.fromkeys(range(len(method.views)), vectors) if method.recipe.guides else {}
    graded = method.recipe.objective is not None and method.recipe.objective.graded
    grades = {1: labels, 2: labels.flip(0)} if graded else {}
    return replace(examples, classes=labels.long(), grades=grades, guide_vectors=guide_vectors)


def test_every_objective_is_among_the_recipes():
    own = [kind for kind in noun_classes().values() if kind.__module__.startswith("simemb.")]
    every = {kind.__name__ for kind in own if issubclass(kind, Objective)}
    assert every <= {type(each).__name__ for fields in RECIPES.values() for each in walk(fields["objective"])}


def assert_same(actual: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float = 1e-6) -> None:
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(actual[name], value, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("numbers", [row_blocks.NUMBERS, 40])
@pytest.mark.parametrize("name", RECIPES)
def test_the_gradient_of_the_chunks_is_that_of_the_whole_batch(
    name: str, numbers: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(row_blocks, "NUMBERS", numbers)  # with 40 the objectives see a few rows at a time
    whole = made(**RECIPES[name])
    parts = made(**RECIPES[name])
    assert [chunk.size for chunk in in_chunks(parts).chunks] == [4, 4, 1]
    for _ in range(2):  # the second time there is something in the memory, and the slow copy has moved
        expected, signals = whole(in_chunks(whole, None))
        expected.backward()
        loss, cached_signals = cached(parts, in_chunks(parts))
        torch.testing.assert_close(loss, expected.detach(), atol=1e-6, rtol=1e-6)
        assert not loss.requires_grad
        assert gradients(parts)
        assert_same(gradients(parts), gradients(whole))
        assert_same(cached_signals, signals, 1e-5)
        for method in (whole, parts):
            with torch.no_grad():
                for parameter in method.parameters():
                    if parameter.grad is not None:
                        parameter -= 0.05 * parameter.grad
            method.zero_grad()
            method.after_step()
    assert_same(dict(parts.named_buffers()), dict(whole.named_buffers()), 1e-5)


def test_the_queue_takes_every_key_once_in_the_order_of_the_examples():
    method = made(**RECIPES["hard negatives, queue and predictor"])
    cached(method, in_chunks(method))
    keys, texts = method.memory.read()
    with torch.no_grad():
        expected = method.head(method.encoder(in_chunks(method, None).chunks[0].online))[9:18]
    torch.testing.assert_close(keys, expected.float(), atol=1e-6, rtol=0)
    assert torch.equal(texts, in_chunks(method).texts[1])


def test_the_trainers_scale_reaches_every_gradient():
    fields = {**RECIPES["labels"], "auxiliaries": (SoftmaxNLI(), SoftmaxNLI(weight=0.2))}
    one, half = made(**fields), made(**fields)
    cached(one, in_chunks(one))
    cached(half, in_chunks(half), 0.5)
    assert_same({name: 2 * value for name, value in gradients(half).items()}, gradients(one))


# ---- with dropout ----------------------------------------------------------------------------------------

NOISY: dict[str, dict[str, Any]] = {
    "dropout": RECIPES["hard negatives, queue and predictor"],
    "cutoff": {
        "views": (View(target=False), View(online=False, augment=(FeatureCutoff(0.3),))),
        "objective": InfoNCE(),
    },
    "slow copy": RECIPES["slow copy"],
    "twin": RECIPES["twin"],
}


def watch_encoding(method: Method) -> list[tuple[Tensor, Encoded]]:
    """Every call of `encode` from now on: the state of the random numbers before it, and what it gave."""
    calls: list[tuple[Tensor, Encoded]] = []
    encode = method.encode

    def noted(*given: Any) -> Encoded:
        state = torch.get_rng_state()
        calls.append((state, encode(*given)))
        return calls[-1][1]

    method.encode = noted  # type: ignore[method-assign]
    return calls


@pytest.mark.parametrize("name", NOISY)
def test_both_passes_draw_the_same_random_numbers(name: str):
    method = made(dropout=0.3, **NOISY[name])
    calls = watch_encoding(method)
    cached(method, in_chunks(method, 3))
    first, again = [part for _, part in calls[:3]], [part for _, part in calls[3:]]
    assert len(again) == 3
    for cached_part, part in zip(first, again, strict=True):
        for known, vectors in ((cached_part.online, part.online), (cached_part.second, part.second)):
            assert known.keys() == vectors.keys()
            for place in known:  # with a graph other kernels may round otherwise; other masks differ by far more
                torch.testing.assert_close(vectors[place], known[place], atol=1e-6, rtol=0)
        assert all(vectors.grad_fn is None for vectors in cached_part.online.values())
        assert all(vectors.requires_grad for vectors in part.online.values())
    assert len({bytes(state.numpy()) for state, _ in calls}) == 3  # chunks draw each their own


@pytest.mark.parametrize("name", NOISY)
def test_with_dropout_the_gradient_is_that_of_one_graph_through_all_chunks(name: str):
    method = made(dropout=0.3, **NOISY[name])
    plain = made(dropout=0.3, **NOISY[name])
    calls = watch_encoding(method)
    loss, _ = cached(method, in_chunks(method, 4))
    parts: list[Encoded] = []
    examples = in_chunks(plain, 4)
    for (state, _), chunk in zip(calls[:3], examples.chunks, strict=True):
        torch.set_rng_state(state)
        parts.append(plain.encode(chunk, examples))
    expected, _ = plain.compare(join(parts), examples)
    expected.backward()
    torch.testing.assert_close(loss, expected.detach(), atol=1e-6, rtol=1e-6)
    assert_same(gradients(method), gradients(plain))


def test_two_steps_draw_different_random_numbers():
    method = made(dropout=0.3, **RECIPES["in-batch"])
    calls = watch_encoding(method)
    torch.manual_seed(1)
    cached(method, in_chunks(method, 9))
    torch.manual_seed(2)
    cached(method, in_chunks(method, 9))
    assert not torch.equal(calls[0][1].online[0], calls[2][1].online[0])


# ---- further losses --------------------------------------------------------------------------------------


def every_third(ids: Tensor, ordinary: Tensor, probability: float, mask_id: int, vocabulary: int) -> Any:
    """Masking without chance."""
    chosen = ordinary & (ids % 3 == 0)
    return torch.where(chosen, mask_id, ids), chosen


@pytest.mark.parametrize("size", [1, 2, 4])
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("objective", [None, InfoNCE()])
def test_a_language_model_beside_it_has_the_gradient_of_the_whole_batch(
    objective: Any, tied: bool, size: int, monkeypatch: pytest.MonkeyPatch
):
    """Its loss is the mean over all masked tokens of the batch, of which chunks have more or fewer, or none."""
    monkeypatch.setattr(masked_lm, "mask_tokens", every_third)
    fields = {"views": ONE_WAY, "objective": objective, "auxiliaries": (MaskedLM(weight=0.4, tied=tied),)}
    method = made(**fields)
    whole = deepcopy(method)
    masked = [share[0].masked.selection.sum().item() for share in method.shares(in_chunks(method, size))]
    assert len(set(masked)) > 1
    assert (0 in masked) == (size == 1)
    loss, cached_signals = cached(method, in_chunks(method, size))
    expected, signals = whole(in_chunks(whole, None))
    expected.backward()
    torch.testing.assert_close(loss, expected.detach(), atol=1e-6, rtol=1e-6)
    assert_same(gradients(method), gradients(whole))
    assert_same(cached_signals, signals, 1e-6)
    contrast = float(signals.get("contrast", 0.0))
    assert float(loss) == pytest.approx(contrast + 0.4 * float(signals["auxiliary_0"]), abs=1e-6)
