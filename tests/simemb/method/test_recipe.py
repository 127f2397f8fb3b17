"""Recipes: as Python, as JSON, from a file of one's own, and what they refuse."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import simemb
from simemb.cookbook import RECIPES as PACKAGE
from simemb.cookbook import names, summary
from simemb.errors import RecipeError
from simemb.method.auxiliaries import (
    Auxiliary,
    Denoising,
    MaskedLM,
    MutualInformation,
    ReplacedTokenDetection,
    SoftmaxNLI,
)
from simemb.method.deferral import unchecked
from simemb.method.embedding_augmentations import (
    Adversarial,
    ElementDropout,
    FeatureCutoff,
    ShuffleEmbeddings,
    TokenCutoff,
)
from simemb.method.heads import MLP, Projector
from simemb.method.lessons import Lesson
from simemb.method.memory import Bank, Noise, Queue
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
)
from simemb.method.order_augmentations import Reverse, Shuffle
from simemb.method.recipe import Recipe, check
from simemb.method.recipe_files import find, settings
from simemb.method.recipe_json import noun_classes
from simemb.method.sampled_dropout import SampledDropout
from simemb.method.span_augmentations import MaskCharacters, MaskSpan, SpanPair
from simemb.method.targets import EMA, Frozen, StopGradient, Twin
from simemb.method.text_augmentations import Negate
from simemb.method.token_augmentations import (
    Crop,
    Delete,
    Mask,
    Repeat,
    Span,
)
from simemb.method.views import View

VIEWS = (View(target=False), View(online=False))
EVERYTHING = Recipe(
    views=(
        View(column=0, target=False),
        View(column=1, online=False, augment=(Repeat(rate=0.2, unit="word", count="paper", frozen=True),)),
        View(column=2, online=False, negative=True),
    ),
    objective=InfoNCE(
        temperature=0.07, hard_negative_weight=-0.5, weight=2.0, false_negatives=FalseNegatives(0.8, guided=True)
    ),
    head=Projector(width=7, activation="relu", keep=True, deviation=0.1),
    predictor=MLP(layers=3, hidden=5, width=7, activation="gelu"),
    target=EMA(momentum=0.9, final=1.0, dropout=False, keys=False),
    memory=Queue(size=9, view=0, start="random"),
    auxiliaries=(MaskedLM(weight=0.2, probability=0.3),),
    guide="mini",
    pooling="mean",
    dropout=0.0,
    max_steps=3,
    betas=(0.8, 0.95),
    patience=2,
)
BEHIND = View(online=False, offset=1)
AUGMENTED = View(
    online=False,
    augment=(
        *(Crop(0.2, 0.4), Delete(0.2, frozen=True), Mask(0.3), Span(0.2), Shuffle(frozen=True, special=False)),
        *(Reverse(), MaskSpan(0.3, shared=True), Negate()),
        *(TokenCutoff(0.1), FeatureCutoff(0.1), ElementDropout(0.1), ShuffleEmbeddings(), Adversarial(0.5)),
    ),
)
GRADED = (View(target=False), View(1, online=False), View(2, online=False, negative=True))
COMBINED = {
    "everything": EVERYTHING,
    "augmentations": Recipe((View(target=False), AUGMENTED), VICReg(1.0, 2.0, 3.0, 4e-4), MLP()),
    "bank": Recipe((View(),), NCE(0.1, 12, 3.0, weight=2.0), memory=Bank(0.25)),
    "swapped": Recipe(VIEWS, Swapped(0.2, 0.1, 4), MLP(prototypes=5), target=StopGradient()),
    "centered": Recipe(VIEWS, Centered(0.2, 0.1, 0.05, 0.3, 0.5), MLP(3, 5, 6, prototypes=7), target=EMA()),
    "nested": Recipe((View(target=False), BEHIND), Matryoshka(InfoNCE(learnt=True), (2, 4), (1.0, 0.5)), chunk=5),
    "twin": Recipe(VIEWS, AlignUniform(1.0, 3.0, 0.5), target=Twin("mini")),
    "distilled": Recipe(VIEWS, SquaredError(), predictor=Projector(), target=Frozen("some/teacher")),
    "similar": Recipe(VIEWS, SimilarityKL(0.2), target=Frozen(), keep="last"),
    "barlow": Recipe(VIEWS, BarlowTwins(1e-3), MLP(final_norm=True, bias=False), fixed_dropout=True),
    "regression": Recipe(VIEWS, Regression(), predictor=MLP(2, 5), target=StopGradient()),
    "spread": Recipe(VIEWS, InvariantSpread(0.3), head=MLP(keep=1, activation="gelu")),
    "scored": Recipe((View(target=False), View(1, online=False)), CoSENT(5.0), auxiliaries=(SoftmaxNLI(0.5, 2),)),
    "cosine": Recipe((View(target=False), View(1, online=False)), CosineRegression(-1.0, 1.0)),
    "margins": Recipe(GRADED, MarginMSE("cosine", 0.1), reranker="some/reranker", negatives=5),
    "candidates": Recipe(GRADED, CandidateKL(0.1, 2.0)),
    "classes": Recipe((View(), View()), SupCon(0.3), head=MLP(), per_label=3),
    "triplets of classes": Recipe((View(),), BatchTriplet("semi_hard", None, "cosine"), per_label=2),
    "lessons": Recipe(
        VIEWS,
        InfoNCE(),
        mix="proportional",
        weights=(1.0, 2.5),
        lessons=(Lesson(columns=("a", "b")), Lesson((View(),), SupCon())),
    ),
    "angles": Recipe((View(target=False), View(1, online=False)), Sum((AnglE(2.0), ScoredContrast(0.1, 2.5)))),
    "ranks": Recipe(
        VIEWS,
        Sum((InfoNCE(), Consistency(0.1), ListNet(0.1, 0.2, weight=0.5), ListMLE(0.2))),
        guide=("mini", "some/guide"),
        guide_weights=(1.0, 2.0),
    ),
    "sum": Recipe(VIEWS, Sum((InfoNCE(weight=0.5), Term(InfoNCE(learnt=True), Queue(9), weight=2.0), VICReg()))),
    "noise": Recipe(VIEWS, InfoNCE(angular_margin=0.1, mix=0.3), memory=Noise(9, 0.5, 2, 0.1, 0.2)),
    "own negatives": Recipe(
        GRADED, Sum((InfoNCE(hard_negatives=False), BidirectionalMargin(0.2, 0.4, weight=0.1), Entailment(0.1)))
    ),
    "networks": Recipe(
        tuple(View(online=not place, target=bool(place), augment=(SampledDropout(0.1, 0.3),)) for place in (0, 1)),
        InfoNCE(),
        auxiliaries=(
            ReplacedTokenDetection(0.1, 0.2, "some/generator", projected=False),
            Denoising(0.5, 2, tied=False),
        ),
    ),
    "spans": Recipe(
        (
            View(target=False, augment=(SpanPair("anchor", 0.1, 0.3),)),
            View(online=False, augment=(MaskCharacters(3, 9),)),
        ),
        ContrastiveTension(3),
    ),
    "windows": Recipe((View(),), auxiliaries=(MutualInformation(0.5, (1, 7), 8),)),
    "no objective": Recipe((View(),), auxiliaries=(MaskedLM(), MaskedLM(0.5, 0.4))),
}
RECIPES = {name: find(name) for name in names(PACKAGE)} | COMBINED


@pytest.mark.parametrize("name", RECIPES)
def test_the_repr_is_python_that_gives_the_recipe(name: str):
    public = {noun: getattr(simemb, noun) for noun in simemb.__all__}
    assert eval(repr(RECIPES[name]), public) == RECIPES[name]


@pytest.mark.parametrize("name", RECIPES)
def test_json_and_back_gives_the_recipe(name: str):
    content = json.loads(json.dumps(RECIPES[name].to_json()))
    assert Recipe.from_json(content) == RECIPES[name]


def kinds(content: Any) -> set[str]:
    """Every kind of noun in some JSON."""
    inner = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    own = {content["kind"]} if isinstance(content, dict) else set()
    return own.union(*map(kinds, inner))


def test_the_recipes_of_this_file_hold_every_kind_of_noun():
    here = {name for name, kind in noun_classes().items() if kind.__module__.startswith("simemb.")}
    assert set.union(*(kinds(recipe.to_json()) for recipe in COMBINED.values())) - {"Recipe"} == here


def test_a_noun_of_ones_own_goes_to_json_and_back_as_those_of_the_library_do(tmp_path: Path):
    mine = tmp_path / "own_nouns.py"
    mine.write_text(
        "from dataclasses import dataclass\n"
        "from simemb import *\n"
        "@dataclass(frozen=True)\nclass Nearness(Objective):\n    power: float = 2.0\n"
        "    def __call__(self, pair): return (pair.query - pair.key).abs().pow(self.power).mean()\n"
        "@dataclass(frozen=True)\nclass Reverse(TokenAugmentation):\n    often: int = 1\n"
        "    def __call__(self, sentence, vocabulary, rng): return sentence\n"
        "@dataclass(frozen=True)\nclass Halve(EmbeddingAugmentation):\n    to: float = 0.5\n"
        "    def __call__(self, tokens, lengths): return tokens * self.to\n"
        "@dataclass(frozen=True)\nclass Length(Auxiliary):\n    longest: int = 9\n"
        "    def build(self, encoder, views): return None\n"
        "view = View(online=False, augment=(Reverse(3, frozen=True), Halve(0.25)))\n"
        "recipe = Recipe((View(target=False), view), Nearness(3.0, weight=0.5), auxiliaries=(Length(2.0, 7),))\n"
    )
    recipe = find(str(mine))
    content = json.loads(json.dumps(recipe.to_json()))
    assert Recipe.from_json(content) == recipe
    assert content["objective"] == {"kind": "Nearness", "weight": 0.5, "power": 3.0}
    assert isinstance(recipe.objective, Objective)
    assert isinstance(recipe.auxiliaries[0], Auxiliary)
    run = tmp_path / "recipe.json"
    run.write_text(json.dumps({"recipe": content}))
    assert find(str(run)) == recipe


def test_an_unknown_field_or_kind_names_the_nearest():
    content = EVERYTHING.to_json()
    with pytest.raises(RecipeError, match=r"unknown field of Recipe 'bach_size': did you mean 'batch_size'\?"):
        Recipe.from_json({**content, "bach_size": 3})
    with pytest.raises(RecipeError, match=r"unknown kind of noun 'InfoNSE': did you mean 'InfoNCE'\?"):
        Recipe.from_json({**content, "objective": {"kind": "InfoNSE"}})
    with pytest.raises(RecipeError, match=r"unknown field of InfoNCE 'temprature'"):
        Recipe.from_json({**content, "objective": {"kind": "InfoNCE", "temprature": 1}})


def test_json_without_a_needed_field_is_refused():
    content = {name: value for name, value in EVERYTHING.to_json().items() if name != "views"}
    with pytest.raises(RecipeError, match=r"this Recipe is not whole: .*views"):
        Recipe.from_json(content)


@pytest.mark.parametrize(
    ("name", "field", "then"), [("simcse_mlm", "tied", True), ("consert_joint", "max_square", False)]
)
def test_json_of_before_a_field_was_there_is_the_recipe_that_it_was(name: str, field: str, then: bool):
    content = find(name).to_json()
    del content["auxiliaries"][0][field]
    before = Recipe.from_json(content)
    assert before == replace(find(name), auxiliaries=(replace(find(name).auxiliaries[0], **{field: then}),))
    assert before != find(name)


def test_a_recipe_without_an_objective_learns_from_its_auxiliaries_alone():
    recipe = Recipe(views=(View(),), auxiliaries=(MaskedLM(),), batch_size=1)
    assert recipe.objective is None
    assert find("mlm").objective is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"batch_size": 1}, "--batch-size 1 leaves no in-batch negatives"),
        ({"batch_size": 0}, "--batch-size must be at least 1"),
        ({"epochs": 0}, "--epochs must be at least 1"),
        ({"accumulate": 0}, "--accumulate must be at least 1"),
        ({"max_steps": 0}, "--max-steps must be at least 1"),
        ({"eval_every": -1}, "--eval-every must be at least 1"),
        ({"patience": 0}, "--patience must be at least 1"),
        ({"max_length": 0}, "--max-length must be at least 1"),
        ({"dropout": 1.0}, r"--dropout must be in \[0, 1\)"),
        ({"warmup": 1.0}, r"--warmup must be in \[0, 1\)"),
        ({"warmup": float("nan")}, r"--warmup must be in \[0, 1\)"),
        ({"learning_rate": 0.0}, "--learning-rate must be above 0"),
        ({"learning_rate": float("nan")}, "--learning-rate must be above 0"),
        ({"max_grad_norm": -1.0}, "--max-grad-norm must be above 0"),
        ({"epsilon": 0.0}, "--epsilon must be above 0"),
        ({"chunk": 0}, "--chunk must be at least 1"),
        ({"weight_decay": -0.1}, "--weight-decay must be at least 0, not -0.1"),
        ({"betas": (0.9, 1.0)}, r"--betas must each be in \[0, 1\), not \(0.9, 1.0\)"),
        ({"betas": (-0.1, 0.9)}, r"--betas must each be in \[0, 1\)"),
        ({"objective": InfoNCE(weight=-1.0)}, "--objective.weight must be at least 0, not -1.0"),
        (
            {"auxiliaries": (MaskedLM(), MaskedLM(weight=float("nan")))},
            "--auxiliaries.1.weight must be at least 0, not nan",
        ),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(changes: dict[str, Any], words: str):
    with pytest.raises(RecipeError, match=words):
        replace(EVERYTHING, **changes)


@pytest.mark.parametrize(
    ("place", "field", "value", "words"),
    [
        (
            lambda recipe: recipe,
            "schedule",
            "cosin",
            "unknown value of schedule 'cosin': did you mean 'cosine'?",
        ),
        (
            lambda recipe: recipe.head,
            "activation",
            "gelu",
            "unknown value of head.activation 'gelu': did you mean 're",
        ),
        (lambda recipe: recipe.predictor, "norm", "layer", "unknown value of predictor.norm 'layer' (allowed: none, b"),
        (lambda recipe: recipe.objective, "similarity", "euclid", "unknown value of objective.similarity 'euclid'"),
        (lambda recipe: recipe.memory, "start", 3, "unknown value of memory.start '3' (allowed: empty, random)"),
        (
            lambda recipe: recipe.views[1].augment[0],
            "unit",
            "words",
            "unknown value of views.1.augment.0.unit 'words': did you mean 'word'? (allowed: subword, word)",
        ),
    ],
)
def test_a_value_that_no_list_holds_is_refused_wherever_it_stands(
    place: Callable[[Recipe], Any], field: str, value: Any, words: str
):
    recipe = Recipe.from_json(EVERYTHING.to_json())
    object.__setattr__(place(recipe), field, value)  # the types that tests check would refuse it earlier
    with pytest.raises(RecipeError, match=re.escape(words)):
        check(recipe)


ATTACKED = View(online=False, augment=(Adversarial(),))
LABELED: dict[str, Any] = {"auxiliaries": (SoftmaxNLI(),)}
BATCH_NORM, PROTOTYPES = MLP(norm="batch"), MLP(prototypes=3)
ALONE = {"objective": None, "auxiliaries": (MaskedLM(),)}
TRIPLETS = (View(target=False), View(1, online=False), View(2, online=False, negative=True))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"objective": None}, "nothing to learn: the recipe has neither an objective nor an auxiliary"),
        # views
        ({"views": ()}, "no views: nothing is read"),
        ({"views": (View(column=-1), View())}, "a view's column and offset are counted from 0"),
        ({"views": (View(offset=-1), View())}, "a view's column and offset are counted from 0"),
        ({"views": (View(),)}, "no pair of views to compare: one view must be seen online and another by the target"),
        ({"views": (View(target=False), View(target=False))}, "no pair of views to compare"),
        (
            {"views": (View(online=False),), "objective": NCE(), "memory": Bank()},
            "no view is seen online, so there is nothing to compare with the bank",
        ),
        ({"views": TRIPLETS, "objective": Regression()}, "a view of negatives has no place: Regression has none"),
        ({"views": TRIPLETS, "objective": InvariantSpread()}, "a view of negatives has no place"),
        (
            {"views": TRIPLETS, "objective": InfoNCE(hard_negatives=False)},
            "a view of negatives has no place: InfoNCE leaves them out (hard_negatives=False)",
        ),
        (
            {"views": TRIPLETS, "objective": InfoNCE(hard_negatives=False, in_batch=False)},
            "a view of negatives has no place: InfoNCE leaves them out",
        ),
        (
            {"views": TRIPLETS, "objective": Sum((InfoNCE(hard_negatives=False, in_batch=False), Entailment()))},
            "no negatives: in_batch=False leaves the queue or a view of negatives, and there is none",
        ),
        (
            {"objective": Sum((InfoNCE(), BidirectionalMargin()))},
            "BidirectionalMargin compares a row's own candidates: give the recipe a view of negatives",
        ),
        (
            {"objective": CoSENT(), "views": (View(target=False), View(1, online=False, augment=(Negate(),)))},
            "CoSENT learns from scores of the texts as they are, and Negate makes others of those of view 1",
        ),
        (
            {
                "objective": InfoNCE(false_negatives=FalseNegatives(0.9, guided=True)),
                "guide": "mini",
                "views": (*VIEWS, View(online=False, negative=True, augment=(Negate(),))),
            },
            "a guide judges the texts as they are, and Negate makes others of those of view 2",
        ),
        # numbers
        ({"batch_size": 1, "head": BATCH_NORM, "objective": Regression()}, "--batch-size 1 leaves batch norm nothing"),
        (
            {"batch_size": 1, "predictor": BATCH_NORM, "objective": Regression()},
            "--batch-size 1 leaves batch norm nothing to compare with (allowed: 2 or more)",
        ),
        ({"batch_size": 1}, "--batch-size 1 leaves no in-batch negatives to tell the positive from (allowed: 2 or mor"),
        # memory
        ({"objective": NCE()}, "NCE takes its keys from a bank: give the recipe a memory=Bank(...)"),
        ({"objective": NCE(), "memory": Queue()}, "NCE takes its keys from a bank: give the recipe a memory=Bank(...)"),
        ({"memory": Bank()}, "a bank gives keys by example, which InfoNCE does not ask for; NCE does"),
        ({"objective": Regression(), "memory": Noise()}, "noise serves as negatives, and Regression has none"),
        ({"objective": InfoNCE(), "memory": Noise(), "target": EMA(keys=False)}, "a slow copy that encodes no keys"),
        ({"objective": Regression(), "memory": Queue()}, "a queue holds negatives, and Regression has none"),
        ({"views": (View(),), "objective": SupCon(), "target": EMA()}, "no pair of views to compare"),
        ({"views": (View(),), "objective": SupCon(), "predictor": MLP()}, "no pair of views to compare"),
        ({"views": (View(), View(1)), "objective": SupCon()}, "SupCon learns from labels of single texts"),
        (
            {"views": TRIPLETS, "objective": SupCon()},
            "a view of negatives has no place: SupCon meets those of the batch",
        ),
        ({"per_label": 4}, "--per-label groups texts by class labels, from which the recipe does not learn"),
        ({"objective": SupCon(), "per_label": 1}, "--per-label must be from 2 to --batch-size (64), not 1"),
        ({"objective": SupCon(), "per_label": 9, "batch_size": 8}, "--per-label must be from 2 to --batch-size"),
        ({"objective": InvariantSpread(), "memory": Queue()}, "a queue holds negatives, and InvariantSpread meets"),
        ({"memory": Queue(view=2)}, "--memory.view 2: the recipe has views 0 to 1"),
        ({"memory": Queue(view=-1)}, "--memory.view -1: the recipe has views 0 to 1"),
        # targets
        ({"target": EMA(keys=False)}, "a slow copy that encodes no keys fills a queue: give the recipe a memory=Queue"),
        ({"target": EMA(keys=False), "memory": Queue()}, "a slow copy that encodes no keys fills a queue"),
        (
            {"target": Frozen(), "views": (View(target=False), View(online=False, augment=(Shuffle(),)))},
            "a frozen teacher sees the texts as they are: augment a view of the encoder instead",
        ),
        ({"target": Frozen(), "views": (View(), View())}, "with a frozen teacher a view is seen by the encoder or by"),
        (
            {"target": StopGradient(), "objective": InfoNCE(symmetric=True)},
            "a symmetric loss sends its gradient through both sides, which StopGradient forbids",
        ),
        (
            {"target": EMA(), "views": (View(target=False), View(online=False, augment=(Adversarial(),)))},
            "an adversarial view is made with the encoder's gradient: no slow copy or twin can see it",
        ),
        (
            {"target": Twin(), "views": (View(target=False), View(online=False, augment=(Adversarial(),)))},
            "no slow copy or twin can see it",
        ),
        (
            {"target": StopGradient(), "views": (View(target=False), ATTACKED)},
            "view 1 is adversarial and only a key, and StopGradient sends no gradient to keys: make it a query (online",
        ),
        (
            {"objective": Swapped(), "head": PROTOTYPES, "views": (View(target=False), ATTACKED)},
            "view 1 is adversarial and only a key, and Swapped sends no gradient to keys",
        ),
        (
            {"target": StopGradient(), "views": (View(), View(), replace(ATTACKED, negative=True))},
            "view 2 is adversarial and only a key, and StopGradient sends no gradient to keys",
        ),
        (
            {"views": (*VIEWS, View(online=False, target=False, augment=(Adversarial(),)))},
            "view 2 is adversarial, and no objective compares it: labels are learnt from clean views, so nothing would",
        ),
        (
            {"views": (*VIEWS, View(group=1, augment=(Adversarial(),)))},
            "view 2 is adversarial, and no objective compares it",
        ),
        (
            {**LABELED, "objective": None, "views": (View(), View(augment=(Adversarial(),)), View(1))},
            "view 1 is adversarial, and no objective compares it",
        ),
        (
            {**LABELED, "views": (View(augment=(Adversarial(),)), View(1))},
            "view 0 is adversarial, and SoftmaxNLI learns from clean vectors: add a clean view of column 0",
        ),
        (
            {**LABELED, "views": (View(), View(1), View(3), View(3, augment=(Adversarial(),)))},
            "view 3 is adversarial and attacks the loss of SoftmaxNLI, which does not read its text (column 3, offset ",
        ),
        (
            {**LABELED, "views": (View(), View(1), View(1, offset=1, augment=(Adversarial(),)))},
            "which does not read its text (column 1, offset 1): no gradient reaches it",
        ),
        (
            {
                **LABELED,
                "target": EMA(),
                "views": (View(target=False, augment=(Adversarial(),)), View(online=False), View(1)),
            },
            "view 0 is adversarial, and SoftmaxNLI learns from clean vectors: add a clean view of column 0 for the enc",
        ),
        (
            {"target": EMA(head=False), "head": Projector(keep=True)},
            "kept layers are part of the encoder, of which the slow copy has its own: EMA(head=True)",
        ),
        ({"target": EMA(head=False), "head": MLP(keep=1)}, "kept layers are part of the encoder, of which the slow"),
        # heads
        ({"predictor": Projector(keep=True)}, "a predictor is never part of the encoder: it keeps no layers"),
        ({"predictor": MLP(keep=1)}, "a predictor is never part of the encoder: it keeps no layers"),
        # masks
        (
            {"fixed_dropout": True, "views": (View(target=False), View(1, online=False))},
            "--fixed-dropout: no two views of the encoder are read alike, so there is no mask to fix",
        ),
        ({"fixed_dropout": True, "target": EMA()}, "--fixed-dropout: no two views of the encoder are read alike"),
        # without an objective
        *(
            ({**ALONE, part: noun}, f"nothing is compared without an objective: leave the {part} out")
            for part, noun in {
                **{"head": Projector(keep=True), "predictor": Projector(), "target": EMA()},
                **{"memory": Queue(), "guide": "mini"},
            }.items()
        ),
        (
            {**ALONE, "views": (View(augment=(Shuffle(), TokenCutoff(0.1))),)},
            "TokenCutoff changes vectors, which neither an objective nor a label asks for",
        ),
        (
            {**ALONE, "views": (View(augment=(Adversarial(),)),)},
            "Adversarial changes vectors, which neither an obj",
        ),
        # objectives
        ({"objective": Swapped()}, "Swapped works on scores of prototypes: see MLP(prototypes=...)"),
        ({"objective": Swapped(), "head": MLP()}, "Swapped works on scores of prototypes: see MLP(prototypes=...)"),
        ({"head": PROTOTYPES}, "InfoNCE has no use for scores of prototypes: see MLP(prototypes=...)"),
        (
            {"objective": Matryoshka(InfoNCE(), (2,)), "head": Projector()},
            "the head is dropped after training, and the nested sizes with it: keep all of it (--head.keep), or have n",
        ),
        ({"objective": Matryoshka(InfoNCE(), (2,)), "head": MLP(layers=2, keep=1)}, "the head is dropped after train"),
        (
            {"objective": Matryoshka(InfoNCE(), (2,)), "predictor": Projector()},
            "the predictor is dropped after training, and the nested sizes with it: leave it out",
        ),
        ({"objective": InfoNCE(in_batch=False)}, "no negatives: in_batch=False leaves the queue or a view of negative"),
        (
            {"objective": InfoNCE(false_negatives=FalseNegatives(0.9, guided=True))},
            "InfoNCE asks a guide, and the recipe has none: set --guide MODEL",
        ),
        (
            {"objective": Sum((InfoNCE(), ListNet()))},
            "ListNet asks a guide, and the recipe has none: set --guide MODEL",
        ),
        (
            {"objective": ListMLE(), "guide": ("mini", "base"), "guide_weights": (1.0,)},
            "--guide-weights: there are 1 for 2 guides: give one for each",
        ),
        ({"guide_weights": (1.0,)}, "--guide-weights: there are 1 for 0 guides"),
        (
            {"objective": ListMLE(), "guide": ("mini", "base"), "guide_weights": (1.0, 0.0)},
            "--guide-weights must each be above 0",
        ),
        ({"guide": "mini"}, "false negatives: the recipe lacks FalseNegatives(guided=True) to judge"),
        (
            {"guide": "mini", "objective": Matryoshka(InfoNCE(), (2,))},
            "false negatives: the recipe lacks FalseNegatives(guided=True) to judge",
        ),
        (
            {"guide": "mini", "objective": Regression()},
            "--guide judges texts, about which Regression does not ask",
        ),
        # chunks
        (
            {"chunk": 4, "views": (View(target=False), View(online=False, augment=(Adversarial(),)))},
            "--chunk: an adversarial view needs the gradient of the whole batch at once",
        ),
    ],
)
def test_parts_that_do_not_go_together_are_refused_with_the_reason(fields: dict[str, Any], words: str):
    with pytest.raises(RecipeError, match=re.escape(words)) as caught:
        Recipe(**{"views": VIEWS, "objective": InfoNCE(), **fields})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"batch_size": 1, "objective": Regression()},
        {"batch_size": 1, "views": (View(),), "objective": NCE(), "memory": Bank()},
        {"target": EMA(keys=False), "memory": Queue(view=0)},
        {"objective": InfoNCE(in_batch=False), "memory": Queue()},
        {"objective": InfoNCE(in_batch=False), "views": TRIPLETS},
        {"objective": Matryoshka(InfoNCE(), (2,)), "head": Projector(keep=True)},
        {"objective": Matryoshka(InfoNCE(), (2,)), "head": MLP(layers=2, keep=2)},
        {"objective": InfoNCE(weight=0.0), "auxiliaries": (MaskedLM(weight=0.0),), "betas": (0.0, 0.0)},
        {"target": EMA(head=False), "head": MLP()},
        {"fixed_dropout": True},
        {**ALONE, "views": (View(augment=(Shuffle(),)),)},
        {
            "objective": None,
            "views": (View(augment=(TokenCutoff(0.1),)), View(1)),
            "auxiliaries": (MaskedLM(), SoftmaxNLI()),
        },
        {"target": Frozen(), "views": (View(target=False, augment=(Shuffle(),)), View(online=False))},
        {"target": EMA(), "views": (View(target=False, augment=(Adversarial(),)), View(online=False))},
        {"views": (View(target=False), ATTACKED)},
        {"target": StopGradient(), "views": (View(), View(augment=(Adversarial(),)))},
        {"views": (*VIEWS, replace(ATTACKED, negative=True))},
        {"views": (View(augment=(Adversarial(),)),), "objective": NCE(), "memory": Bank()},
        {**LABELED, "views": (View(augment=(Adversarial(),)), View(), View(1, online=False, target=False))},
        {**LABELED, "target": StopGradient(), "views": (View(), View(1), ATTACKED)},
    ],
)
def test_what_is_next_to_a_refusal_is_allowed(fields: dict[str, Any]):
    assert Recipe(**{"views": VIEWS, "objective": InfoNCE(), **fields})


def test_columns_counts_the_views_that_the_data_must_have():
    assert EVERYTHING.columns == 2
    assert Recipe(views=VIEWS, objective=InfoNCE()).columns == 1


def test_an_unknown_recipe_names_the_nearest():
    with pytest.raises(RecipeError, match=r"unknown recipe 'simsce': did you mean 'simcse'\?.*\./like_this\.py"):
        find("simsce")


def test_a_file_of_the_name_is_pointed_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text("recipe = None\n")
    with pytest.raises(RecipeError, match=r"a file of your own is named \./mine\.py"):
        find("mine")


def test_a_file_of_ones_own_is_a_recipe(tmp_path: Path):
    mine = tmp_path / "mine.py"
    mine.write_text(f"from simemb import *\nrecipe = {EVERYTHING!r}\n")
    assert find(str(mine)) == EVERYTHING


def test_a_file_imports_the_modules_beside_it_unless_one_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.path", list(sys.path))
    monkeypatch.setitem(sys.modules, "json", json)
    (tmp_path / "beside_a_recipe.py").write_text("rate = 0.5\n")
    (tmp_path / "json.py").write_text("raise RuntimeError\n")
    mine = tmp_path / "mine.py"
    imports = "import dataclasses, sys\ndel sys.modules['json']\nimport json\nfrom beside_a_recipe import rate\n"
    recipe = f"from simemb import *\nrecipe = dataclasses.replace({EVERYTHING!r}, learning_rate=rate)\n"
    mine.write_text(imports + recipe)
    assert find(str(mine)).learning_rate == 0.5


def test_a_recipe_that_is_not_checked_yet_may_be_mended():
    parts = {"views": VIEWS, "objective": Matryoshka(InfoNCE(), dims=(8,)), "head": MLP()}
    with unchecked():
        recipe = Recipe(**parts)
    with pytest.raises(RecipeError, match=r"--head\.keep"):
        check(recipe)
    with pytest.raises(RecipeError, match=r"--head\.keep"):
        Recipe(**parts)
    assert replace(recipe, head=MLP(keep=2)).head == MLP(keep=2)


@pytest.mark.parametrize(
    ("make", "option"),
    [
        (lambda: {"objective": InfoNCE(temperature=-1)}, "temperature"),
        (lambda: {"head": MLP(keep=9)}, "cannot keep 9"),
        (lambda: {"views": (View(augment=(TokenCutoff(7),)), View())}, "rate"),
        (lambda: {"auxiliaries": (MaskedLM(probability=2),)}, "masked tokens"),
    ],
)
def test_a_noun_that_is_not_checked_yet_is_checked_with_its_recipe(make: Callable[[], dict[str, Any]], option: str):
    with unchecked():
        recipe = Recipe(**{"views": VIEWS, "objective": InfoNCE(), **make()})
    for refused in (make, lambda: check(recipe)):
        with pytest.raises(RecipeError, match=option):
            refused()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def (", "cannot be imported: SyntaxError"),
        ("import no_such_module_here", "cannot be imported: ModuleNotFoundError"),
        ("from simemb import NoSuchNoun", "cannot be imported: "),
        ("from simemb import Recipe\nrecipe = Recipe(())", r"mine\.py, line 2: no views: nothing is read"),
        ("float(wrong=1)", "line 1: cannot be imported: TypeError"),
        ("", "defines no `recipe`"),
        ("recipe = 3", "defines no `recipe`"),
        ("\n1 / 0", "line 2: cannot be imported: ZeroDivisionError"),
        ("import sys\nsys.exit()", "line 2: cannot be imported: SystemExit$"),
        ("import sys\nsys.exit('enough')", "line 2: cannot be imported: SystemExit: enough"),
        ("def again():\n    again()\nagain()", "line 2: cannot be imported: RecursionError"),
        ("raise BaseException", "line 1: cannot be imported: BaseException"),
    ],
)
def test_a_file_that_gives_no_recipe_says_why(tmp_path: Path, text: str, words: str):
    mine = tmp_path / "mine.py"
    mine.write_text(text)
    with pytest.raises(RecipeError, match=words):
        find(str(mine))


def test_ctrl_c_in_a_file_stops_as_everywhere(tmp_path: Path):
    (tmp_path / "mine.py").write_text("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        find(str(tmp_path / "mine.py"))


def test_a_field_that_does_not_exist_gets_the_nearest(tmp_path: Path):
    (tmp_path / "one.py").write_text("from simemb import Recipe\nrecipe = Recipe((), batchsize=1)\n")
    (tmp_path / "two.py").write_text("from simemb import View\n\nView(kolumn=1)\n")
    # In a process of its own: the checkers of types in these tests come before simemb's.
    program = "\n".join(
        (
            "import sys",
            "from simemb.errors import RecipeError",
            "from simemb.method.recipe_files import find",
            "for name in sys.argv[1:]:",
            "    try: find(name)",
            "    except RecipeError as error: print(error)",
        )
    )
    words = [sys.executable, "-c", program, "one.py", "two.py"]
    one, two = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.splitlines()
    assert one.startswith("one.py, line 2: unknown argument of Recipe() 'batchsize': did you mean 'batch_size'?")
    assert two.startswith("two.py, line 3: unknown argument of View() 'kolumn': did you mean 'column'?")


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(RecipeError, match=r"no recipe file .*nothing\.py"):
        find(str(tmp_path / "nothing.py"))
    with pytest.raises(RecipeError, match=r"recipe\.json is not a run's recipe\.json"):
        find(str(tmp_path / "recipe.json"))


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"recipe": 3}', '{"recipe": []}'])
def test_json_that_is_no_run_is_refused(tmp_path: Path, text: str):
    path = tmp_path / "recipe.json"
    path.write_text(text)
    with pytest.raises(RecipeError):
        find(str(path))


def test_the_recipe_json_of_a_run_gives_recipe_and_settings(tmp_path: Path):
    path = tmp_path / "recipe.json"
    run = {
        "model": "m",
        "data": "d",
        "columns": ["a"],
        "dev": "none",
        "metric": "pearson",
        "seed": 3,
        "precision": "no",
    }
    path.write_text(json.dumps({"recipe": EVERYTHING.to_json(), "run": run | {"fingerprint": "f"}}))
    assert find(str(path)) == EVERYTHING
    assert settings(str(path)) == run | {"columns": ("a",), "data": ("d",), "dev": ("none",)}
    assert settings("simcse") == {}


@pytest.mark.parametrize("name", names(PACKAGE))
def test_every_recipe_has_a_summary_in_one_sentence(name: str):
    assert summary(PACKAGE, name).endswith(".")
    assert len(summary(PACKAGE, name)) <= 120


def test_every_field_of_a_recipe_has_a_help_text_on_the_command_line(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    import tyro

    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit):
        tyro.cli(Recipe, args=["--help"], default=EVERYTHING, config=(tyro.conf.AvoidSubcommands,))
    shown = capsys.readouterr().out.replace("│", " ")
    helps = {}
    for entry in re.split(r"\n\s*(?=--|-h)", shown)[1:]:
        words = entry.partition("\n\n")[0].split("╰")[0]
        option = re.match(r"--([a-z0-9.-]+)", words)
        if option:
            text = re.sub(r"--\S+|\b[A-Z]+\b|\{[^}]*\}\|?|\[.*\]|\(default:[^)]*\)?", " ", words)
            helps[option[1].replace("no-", "")] = " ".join(text.split())
    inner = ("objective", "head", "predictor", "target", "memory")
    parts = {"": EVERYTHING, **{f"{name}.": getattr(EVERYTHING, name) for name in inner}}
    parts |= {"views.1.": EVERYTHING.views[1], "auxiliaries.0.": EVERYTHING.auxiliaries[0]}
    parts |= {"views.1.augment.0.": EVERYTHING.views[1].augment[0]}
    parts |= {"objective.false_negatives.": EVERYTHING.objective.false_negatives}
    plain = {
        f"{prefix}{field.name}"
        for prefix, noun in parts.items()
        for field in fields(noun)
        if not is_dataclass(getattr(noun, field.name))
    }
    for name in plain - {"views", "auxiliaries", "lessons", "views.1.augment"}:
        assert len(helps[name.replace("_", "-")].split()) >= 2, (name, helps)
