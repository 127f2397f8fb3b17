"""Which prompt stands before which view, by what name the encoder has it, and what is refused."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from families import make_encoder
from feeding import examples_of

from simemb.errors import RecipeError
from simemb.method.lessons import Lesson
from simemb.method.method import Method
from simemb.method.recipe import Recipe
from simemb.method.recipe_files import find
from simemb.method.targets import view_plan
from simemb.method.view_prompts import assigned, give, named, of_run, resolved, roles
from simemb.method.views import View

TRIPLETS = find("simcse_sup")
E5 = {"query": "query: ", "document": "passage: "}


def prompts(recipe: Recipe) -> list[str]:
    return [view.prompt for view in recipe.views]


def test_queries_are_of_the_first_column_and_documents_of_all_others():
    assert prompts(assigned(TRIPLETS, E5)) == ["query: ", "passage: ", "passage: "]
    assert prompts(assigned(TRIPLETS, {"query": "query: "})) == ["query: ", "", ""]
    assert prompts(assigned(TRIPLETS, {"text": "x: "})) == ["x: "] * 3
    assert assigned(TRIPLETS, {}) == TRIPLETS


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"qery": "a "}, "unknown prompt 'qery': did you mean 'query'"),
        ({"text": "a ", "query": "b "}, "text is put before all texts: leave query and document out"),
        ({"query": 3}, "prompts must be texts by name, not query: 3"),
    ],
)
def test_prompts_of_no_view_are_refused(given, words):
    with pytest.raises(RecipeError, match=words):
        assigned(TRIPLETS, given)


def test_a_recipe_of_one_column_has_no_documents():
    with pytest.raises(RecipeError, match="all views read the first text column; text="):
        assigned(find("simcse"), {"document": "a "})


def test_a_prompt_is_one_of_the_model_by_its_name_or_a_text():
    encoder = make_encoder().set_prompts({"s2p": "find: ", "empty": ""})
    recipe = replace(TRIPLETS, views=(View(prompt="s2p"), View(1, prompt="empty"), View(2)))
    assert prompts(resolved(recipe, encoder)) == ["find: ", "", ""]
    assert prompts(resolved(assigned(TRIPLETS, E5), encoder)) == ["query: ", "passage: ", "passage: "]
    assert resolved(TRIPLETS, encoder) == TRIPLETS


@pytest.mark.parametrize(
    ("views", "fields", "words"),
    [
        ((View(prompt="s2q"), View(1)), {}, "unknown prompt 's2q': did you mean 's2p'.*; a text of its own ends in"),
        ((View(prompt="a: "), View(1, prompt="b: "), View(2)), {}, "the views have 3 prompts \\('a: ', 'b: ', ''\\)"),
        ((View(), View(1)), {"include_prompt": False}, "--include-prompt: no view has a prompt"),
    ],
)
def test_prompts_that_an_encoder_cannot_have_are_refused(views, fields, words):
    with pytest.raises(RecipeError, match=words):
        resolved(replace(TRIPLETS, views=views, **fields), make_encoder().set_prompts({"s2p": "find: "}))


def test_the_encoder_has_the_prompts_of_its_training_beside_its_own():
    encoder = make_encoder().set_prompts({"sts": "s: "}, default="sts")
    give(encoder, assigned(TRIPLETS, E5))
    assert encoder.prompts == {"sts": "s: ", **E5}
    assert encoder.default_prompt == "sts"
    assert encoder.include_prompt
    give(encoder, TRIPLETS)
    assert encoder.prompts == {"sts": "s: ", **E5}


def test_a_prompt_of_all_texts_is_the_default():
    encoder = make_encoder()
    give(encoder, replace(assigned(find("simcse"), {"text": "x: "}), include_prompt=False))
    assert encoder.prompts == {"query": "x: ", "document": "x: "}
    assert encoder.default_prompt == "query"
    assert not encoder.include_prompt


def test_one_column_may_have_two_prompts():
    views = (View(prompt="a: ", target=False), View(prompt="b: ", online=False))
    assert named(views) == {"query": "a: ", "document": "b: "}
    assert roles(views) == ["query", "document"]
    assert view_plan(views, fixed_dropout=True).online == (0, 1)  # else they would be one view


def test_the_tokens_of_a_prompt_are_left_out_of_the_mean():
    encoder = make_encoder(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0).eval()
    texts = [["the dog runs fast", "a man"], ["a dog", "the red man"]]
    recipe = replace(assigned(find("two_tower"), {"query": "we saw ", "document": "the "}), include_prompt=False)
    give(encoder, recipe)
    method = Method(recipe, encoder, columns=2, seed=1).eval()
    columns = [f"we saw {text}" for text in texts[0]], [f"the {text}" for text in texts[1]]
    examples = examples_of(method, *columns)
    encoded = method.encode(examples.chunks[0], examples)
    for place, role in enumerate((encoder.encode_query, encoder.encode_document)):
        vectors = encoded.online[place]
        torch.testing.assert_close(vectors.detach(), torch.from_numpy(role(texts[place])), atol=1e-5, rtol=0)


def lessons(*views: tuple[View, ...], **fields: Any) -> Recipe:
    return replace(TRIPLETS, mix="round_robin", lessons=tuple(Lesson(each) for each in views), **fields)


def test_the_views_of_lessons_get_the_prompts_too():
    (own, usual) = assigned(lessons((View(target=False), View(1, online=False)), ()), E5).lessons
    assert [view.prompt for view in own.views] == ["query: ", "passage: "]
    assert usual == Lesson()


def test_the_names_are_those_of_all_lessons_in_any_order():
    alike = (View(prompt="query: "), View(1, prompt="query: "))
    unlike = (View(prompt="query: "), View(1, prompt="passage: "))
    without = (View(), View(1))
    for recipe in (lessons(alike, unlike, without), lessons(without, unlike, alike)):
        encoder = make_encoder()
        give(encoder, resolved(recipe, encoder))
        assert (encoder.prompts, encoder.default_prompt) == (E5, None)


def test_a_lesson_may_be_without_a_prompt_whose_tokens_are_left_out():
    recipe = lessons((View(prompt="s2p"), View(1)), (View(), View(1)), include_prompt=False)
    encoder = make_encoder().set_prompts({"s2p": "find: "})
    assert of_run(resolved(recipe, encoder)) == {"query": "find: ", "document": ""}


def test_of_instructions_for_each_source_the_encoder_has_the_first():
    recipe = lessons((View(prompt="a "), View(1, prompt="b ")), (View(prompt="c "), View(1)))
    assert of_run(resolved(recipe, make_encoder())) == {"query": "a ", "document": "b "}
