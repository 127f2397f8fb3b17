"""Lessons: what each of several data teaches, and what no run could use."""

import json
from dataclasses import replace
from typing import Any

import pytest

from simemb.errors import RecipeError
from simemb.method.auxiliaries import MaskedLM
from simemb.method.lessons import Lesson, by_source
from simemb.method.objectives import CandidateKL, CoSENT, FalseNegatives, InfoNCE, Matryoshka, SupCon, Swapped
from simemb.method.recipe import Recipe
from simemb.method.trained_parts import LoRA
from simemb.method.views import View

PAIR = (View(target=False), View(1, online=False))
RECIPE = Recipe(
    views=(*PAIR, View(2, online=False, negative=True)),
    objective=InfoNCE(),
    mix="proportional",
    lessons=(Lesson(views=PAIR, columns=("question", "answer")), Lesson(), Lesson(PAIR, CoSENT())),
)


def test_a_recipe_with_lessons_is_valid_python_and_goes_to_json_and_back():
    assert eval(repr(RECIPE), globals() | {"LoRA": LoRA}) == RECIPE
    assert Recipe.from_json(json.loads(json.dumps(RECIPE.to_json()))) == RECIPE


def test_what_a_lesson_leaves_out_is_as_the_recipe_has_it():
    pairs, triplets, scored = by_source(RECIPE, 3)
    alone = replace(RECIPE, mix="join", lessons=())
    assert pairs == replace(alone, views=PAIR)
    assert triplets == alone
    assert scored == replace(alone, views=PAIR, objective=CoSENT())
    assert by_source(replace(RECIPE, lessons=()), 2) == [alone, alone]


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"mix": "join"}, "--mix join makes one of all data, and the recipe has a lesson for each"),
        ({"mix": "round_robin", "weights": (1, 2, 3)}, "--mix round_robin gives no weight to a source"),
        ({"weights": (1, 0, 2)}, r"--weights must each be above 0, not \(1, 0, 2\)"),
        ({"weights": (1, float("inf"), 2)}, "--weights must each be above 0"),
        ({"auxiliaries": (MaskedLM(),)}, "MaskedLM reads the views of the recipe, and a lesson has its own"),
        ({"lessons": (Lesson(), Lesson(PAIR, Swapped()))}, "^lessons.1: Swapped works on scores of prototypes"),
        ({"lessons": (Lesson(views=(View(),)),)}, "^lessons.0: no pair of views to compare"),
        ({"mix": "sometimes"}, "unknown value of mix 'sometimes'"),
    ],
)
def test_what_no_run_could_use_is_refused(fields: dict[str, Any], line: str):
    with pytest.raises(RecipeError, match=line):
        replace(RECIPE, **fields)


@pytest.mark.parametrize(("fields", "name"), [({}, "lessons"), ({"lessons": (), "weights": (1, 1, 1)}, "weights")])
def test_there_is_one_for_each_of_the_data(fields: dict[str, Any], name: str):
    with pytest.raises(RecipeError, match=f"^the recipe has 3 {name} for 2 sources of data"):
        by_source(replace(RECIPE, **fields), 2)


def test_only_a_lesson_of_classes_takes_several_texts_of_a_label():
    classes = Lesson((View(), View()), SupCon())
    pairs, topics = by_source(replace(RECIPE, per_label=4, lessons=(Lesson(), classes)), 2)
    assert (pairs.per_label, topics.per_label) == (None, 4)


def test_sizes_that_no_head_would_drop_go_with_other_objectives():
    assert replace(RECIPE, lessons=(Lesson(), Lesson(objective=Matryoshka(InfoNCE(), dims=(2, 4)))))


def test_a_model_that_judges_and_a_number_of_negatives_are_for_the_lessons_that_use_them():
    guided = InfoNCE(false_negatives=FalseNegatives(0.9, guided=True))
    lessons = (Lesson(PAIR, CoSENT()), Lesson(), Lesson(PAIR, guided), Lesson(objective=CandidateKL()))
    recipe = replace(RECIPE, lessons=lessons, negatives=3, guide="mini", reranker="mini")
    used = [(alone.negatives, alone.guide, alone.reranker) for alone in by_source(recipe, 4)]
    assert used == [(None, None, None), (3, None, None), (None, "mini", None), (3, None, "mini")]
    with pytest.raises(RecipeError, match="--reranker scores candidates"):
        replace(recipe, lessons=lessons[:3])
    with pytest.raises(RecipeError, match="lacks FalseNegatives"):
        replace(recipe, lessons=(*lessons[:2], lessons[3]))
