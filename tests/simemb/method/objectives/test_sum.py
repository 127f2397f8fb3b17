"""Sums of objectives against their terms one by one, on matrices and in whole steps."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from families import make_encoder
from feeding import batch_of, examples_of
from torch import Tensor, nn

from simemb.encoder.encoder import Encoder
from simemb.errors import RecipeError
from simemb.method.heads import MLP, Projector
from simemb.method.lessons import Lesson
from simemb.method.memory import Bank, Queue
from simemb.method.method import Method
from simemb.method.objectives import (
    NCE,
    CandidateKL,
    Centered,
    CoSENT,
    FalseNegatives,
    InfoNCE,
    Matryoshka,
    Objective,
    Pair,
    SimilarityKL,
    Sum,
    SupCon,
    Swapped,
    Term,
    TermLoss,
    Texts,
    VICReg,
    nested_sizes,
    served,
    terms,
    walk,
)
from simemb.method.recipe import Recipe
from simemb.method.targets import EMA, StopGradient
from simemb.method.views import View

ONE_WAY = (View(0, target=False), View(1, online=False))
COLUMNS = (
    ["the dog runs fast", "a man", "we saw the sky"],
    ["a dog runs", "the red man", "we saw a sky"],
)
WEIGHTED = (InfoNCE(0.5, weight=2.0), VICReg(weight=0.1), CoSENT(weight=0.0))


def rows(count: int, seed: int, dim: int = 8) -> Tensor:
    return torch.randn(count, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def scored_pair() -> Pair:
    scores = torch.tensor([0.0, 3.0, 1.0, 5.0], dtype=torch.float64)
    return Pair(rows(4, 1).requires_grad_(), rows(4, 2).requires_grad_(), memory=rows(3, 3), scores=scores)


@pytest.fixture
def encoder() -> Encoder:
    return make_encoder(num_hidden_layers=1, pooling="cls")


def method(encoder: Encoder, objective: Objective, **fields: Any) -> Method:
    recipe = Recipe(**{"views": ONE_WAY, "objective": objective, "dropout": 0.0, **fields})
    return Method(recipe, encoder, columns=2, seed=3).train()


# ---- the mathematics -----------------------------------------------------------------------------------


def test_value_and_gradient_are_those_of_the_weighted_terms():
    pair = scored_pair()
    loss = Sum(WEIGHTED).build(8)(pair)
    expected = 2.0 * InfoNCE(0.5)(pair) + 0.1 * VICReg()(pair)
    torch.testing.assert_close(loss, expected)
    sides = (pair.query, pair.key)
    for ours, theirs in zip(torch.autograd.grad(loss, sides), torch.autograd.grad(expected, sides), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_the_losses_of_the_terms_are_without_their_weights():
    pair = scored_pair()
    losses = Sum(WEIGHTED).build(8).terms(pair)
    torch.testing.assert_close(losses, torch.stack([InfoNCE(0.5)(pair), VICReg()(pair), CoSENT()(pair)]))


def test_terms_with_state_are_in_the_state_dict_and_learn():
    module = Sum((VICReg(), InfoNCE(0.5, learnt=True), Sum((InfoNCE(0.1, learnt=True),)))).build(8)
    assert [name for name, _ in module.named_parameters()] == ["states.1.log_scale", "states.2.states.0.log_scale"]
    module(scored_pair()).backward()
    assert all(parameter.grad for parameter in module.parameters())


@pytest.mark.parametrize("outside", [False, True], ids=["sum of Matryoshkas", "Matryoshka of a sum"])
def test_nested_sizes_go_inside_and_outside(outside: bool):
    pair, dims = scored_pair(), (2, 8)
    inner = (InfoNCE(0.5), VICReg())
    nested = Matryoshka(Sum(inner), dims) if outside else Sum((*(Matryoshka(each, dims) for each in inner),))
    expected = [each(replace(pair, query=pair.query[:, :dim], key=pair.key[:, :dim], memory=pair.memory[:, :dim]))
                for each in inner for dim in dims]  # fmt: skip
    torch.testing.assert_close(nested.build(8)(pair), torch.stack(expected).sum())
    assert nested_sizes(nested, 8) == dims


def test_flags_are_those_of_any_term_and_widths_must_suit_all():
    both = Sum((InfoNCE(), CoSENT()))
    assert both.negatives
    assert both.scored
    assert both.outsiders
    assert not both.any_width
    assert not both.guided
    assert Sum((SimilarityKL(),)).any_width
    assert Sum((VICReg(), InfoNCE(false_negatives=FalseNegatives(0.9, guided=True)))).guided


def test_a_walk_meets_all_nouns_and_the_recipes_memory_serves_those_without_their_own():
    own = Term(InfoNCE(0.1), Queue(5))
    tree = Sum((Matryoshka(InfoNCE(0.2)), own, VICReg()))
    assert [type(each).__name__ for each in walk(tree)] == ["Sum", "Matryoshka", "InfoNCE", "Term", "InfoNCE", "VICReg"]
    assert list(terms(tree)) == [InfoNCE(0.2), InfoNCE(0.1), VICReg()]
    assert served(tree) == [InfoNCE(0.2), VICReg()]
    assert list(walk(None)) == []


def test_the_queue_of_a_term_stands_for_the_memory_with_its_texts():
    module = Term(InfoNCE(0.5), Queue(3)).build(8)
    pair = replace(scored_pair(), texts=Texts(torch.arange(4), torch.arange(4, 8)))
    assert module(pair) == InfoNCE(0.5)(replace(pair, memory=None))
    module.queue.push(rows(5, 4).float(), torch.tensor([9, 9, 0, 8, 7]))
    memory, numbers = module.queue.read()
    assert numbers.tolist() == [0, 8, 7]
    assert pair.texts is not None
    expected = InfoNCE(0.5)(replace(pair, memory=memory, texts=replace(pair.texts, memory=numbers)))
    assert module(pair) == expected
    assert expected != InfoNCE(0.5)(replace(pair, memory=memory))


# ---- in a step -----------------------------------------------------------------------------------------


def test_a_sum_of_one_is_that_objective_bit_for_bit(encoder: Encoder):
    alone = method(encoder, InfoNCE(0.5))
    loss, signals = alone(examples_of(alone, *COLUMNS))
    summed = method(encoder, Sum((InfoNCE(0.5),)))
    total, watched = summed(examples_of(summed, *COLUMNS))
    assert total == loss
    assert set(watched) - set(signals) == {"term_0"}
    assert watched["term_0"] == signals["contrast"]
    assert not watched["term_0"].requires_grad


def test_the_weight_of_the_sum_and_those_of_its_terms_multiply(encoder: Encoder):
    summed = method(encoder, Sum((InfoNCE(0.5, weight=0.25), VICReg()), weight=3.0))
    loss, signals = summed(examples_of(summed, *COLUMNS))
    torch.testing.assert_close(loss.detach(), 3 * (0.25 * signals["term_0"] + signals["term_1"]))


def test_the_queue_of_a_term_fills_as_that_of_a_recipe(encoder: Encoder):
    one = method(encoder, InfoNCE(0.5), memory=Queue(5))
    own = method(encoder, Term(InfoNCE(0.5), Queue(5)))
    for _ in range(3):
        assert one(examples_of(one, *COLUMNS))[0] == own(examples_of(own, *COLUMNS))[0]
    assert isinstance(own.objective, nn.Module)
    assert torch.equal(one.memory.read()[0], own.objective.queue.read()[0])
    own.eval()(examples_of(own, *COLUMNS))
    assert own.objective.queue.count == 9


def test_one_term_sees_a_queue_and_another_does_not(encoder: Encoder):
    both = method(encoder, Sum((Term(InfoNCE(0.5), Queue(6)), InfoNCE(0.5))))
    first, second = (both(examples_of(both, *COLUMNS))[1] for _ in range(2))
    assert first["term_0"] == first["term_1"] == second["term_1"]
    # The second batch's texts are those in the queue, which are no negatives of themselves but of the others.
    assert second["term_0"] > second["term_1"]
    own = method(encoder, Sum((Term(InfoNCE(0.5), Queue(6)), InfoNCE(0.5))), memory=Queue(2))
    for _ in range(2):
        watched = own(examples_of(own, *COLUMNS))[1]
    assert watched["term_1"] != second["term_1"]
    assert watched["term_0"] == second["term_0"]


def test_beside_a_queue_of_slow_vectors_a_term_takes_the_keys_of_the_encoder(encoder: Encoder):
    slow = {"target": EMA(keys=False), "memory": Queue(6, view=0)}
    both = method(encoder, Sum((Term(InfoNCE(0.5), Queue(6)), InfoNCE(0.5))), **slow)
    both(examples_of(both, *COLUMNS))
    assert isinstance(both.objective, nn.Module)
    (own,) = [module.queue for module in both.modules() if isinstance(module, TermLoss)]
    keys = encoder(batch_of(encoder, COLUMNS[1]))
    torch.testing.assert_close(own.read()[0], keys.detach(), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(both.memory.read()[0], encoder(batch_of(encoder, COLUMNS[0])), atol=1e-6, rtol=1e-5)


def test_the_queue_under_a_matryoshka_has_each_length(encoder: Encoder):
    nested = method(encoder, Matryoshka(Term(InfoNCE(0.5), Queue(6)), (4, 8)))
    nested(examples_of(nested, *COLUMNS))
    keys = [loss.queue.read()[0] for loss in nested.objective.losses]
    assert [each.shape for each in keys] == [(3, 4), (3, 8)]
    assert torch.equal(keys[0], keys[1][:, :4])
    assert encoder.sizes == (4, 8)


# ---- what is refused -----------------------------------------------------------------------------------

PAIRS = {"views": ONE_WAY}
REFUSED: list[tuple[Callable[[], object], str]] = [
    (lambda: Sum(()), "objective.objectives: a sum needs a term"),
    (lambda: Sum((InfoNCE(weight=-1.0),)), "objective.objectives.0.weight must be at least 0, not -1.0"),
    (
        lambda: Sum((VICReg(), InfoNCE(weight=float("nan")))),
        "objectives.1.weight must be at least 0, not nan",
    ),
    (lambda: Sum((NCE(), InfoNCE())), "NCE takes its keys from a bank and InfoNCE does not: one sum cannot have both"),
    (lambda: Sum((VICReg(), Swapped())), "Swapped works on scores of prototypes and VICReg does not"),
    (lambda: Sum((CoSENT(), SupCon())), "CoSENT and SupCon learn from different labels"),
    (lambda: Sum((CandidateKL(), CoSENT())), "CoSENT and CandidateKL learn from different labels"),
    (lambda: Matryoshka(Sum((Swapped(), Centered()))), "Matryoshka cannot wrap Swapped"),
    (lambda: Matryoshka(Sum((InfoNCE(),), weight=2.0)), "objective.objective.weight is not used"),
    (lambda: Term(InfoNCE(weight=2.0), Queue()), "set the weight of the term"),
    (lambda: Term(VICReg(), Queue()), "a queue holds negatives, for which VICReg has no use"),
    (lambda: Term(InfoNCE(), Queue(view=0)), "only the recipe's memory can have a view"),
    (lambda: Recipe(ONE_WAY, Sum((VICReg(), InfoNCE(in_batch=False)))), "no negatives: in_batch=False leaves"),
    (lambda: Recipe(ONE_WAY, Sum((VICReg(),)), memory=Queue()), "a queue holds negatives, and Sum has none"),
    (lambda: Recipe(ONE_WAY, Term(InfoNCE(), Queue()), memory=Queue()), "has its own: leave the memory out"),
    (lambda: Recipe(ONE_WAY, Sum((InfoNCE(),)), memory=Bank()), "which Sum does not ask for; NCE does"),
    (lambda: Recipe((View(),), Sum((NCE(), NCE(0.1)))), "NCE takes its keys from a bank: give the recipe"),
    (lambda: Recipe((View(),), Sum((SupCon(), InfoNCE()))), "no pair of views to compare"),
    (lambda: Recipe(ONE_WAY, Sum((InfoNCE(), SupCon()))), "SupCon learns from labels of single texts"),
    (
        lambda: Recipe(ONE_WAY, Sum((VICReg(), InfoNCE(symmetric=True))), target=StopGradient()),
        "a symmetric loss sends its gradient through both sides",
    ),
    (
        lambda: Recipe(ONE_WAY, Sum((VICReg(), InfoNCE(false_negatives=FalseNegatives(0.9, guided=True))))),
        "InfoNCE asks a guide, and the recipe has none: set --guide MODEL",
    ),
    (lambda: Recipe(ONE_WAY, Sum((VICReg(), InfoNCE())), guide="mini"), "lacks FalseNegatives(guided=True)"),
    (
        lambda: Recipe(ONE_WAY, Sum((Matryoshka(InfoNCE()), VICReg())), Projector()),
        "the head is dropped after training, and the nested sizes with it",
    ),
    (lambda: Recipe(ONE_WAY, Sum((VICReg(),)), MLP(prototypes=3)), "Sum has no use for scores of prototypes"),
    (
        lambda: Recipe(ONE_WAY, InfoNCE(), mix="round_robin", lessons=(Lesson(objective=Sum((NCE(),))),)),
        "lessons.0: NCE takes its keys from a bank",
    ),
]


@pytest.mark.parametrize(("make", "reason"), REFUSED, ids=[reason for _, reason in REFUSED])
def test_what_does_not_go_together_is_refused_with_the_reason(make: Callable[[], object], reason: str):
    with pytest.raises(RecipeError, match=re.escape(reason)):
        make()


def test_what_goes_together_is_not_refused():
    Recipe(ONE_WAY, Sum((VICReg(), Term(InfoNCE(in_batch=False), Queue()))))
    Recipe((View(),), Sum((SupCon(), SupCon(0.5))))
    Recipe((View(), View()), Sum((SupCon(), InfoNCE())))
    Recipe((View(),), Sum((NCE(), NCE(0.1))), memory=Bank())
