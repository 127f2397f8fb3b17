"""The paper of a recipe: every recipe of the cookbook has one, and is known whatever its settings."""

from dataclasses import replace

import pytest

from simemb import InfoNCE, Mask, Recipe, View
from simemb.cookbook import RECIPES, card, names
from simemb.method import citations
from simemb.method.recipe_files import find


@pytest.mark.parametrize("name", names(RECIPES))
def test_every_recipe_of_the_cookbook_is_cited_with_the_paper_of_its_docstring(name: str):
    entry = citations.of(replace(find(name), batch_size=32, learning_rate=1e-6))
    assert entry == citations.entries()[card(name).url]
    assert card(name).year in entry
    assert card(name).paper.split()[0].strip(",") in entry


def test_an_ablation_is_of_the_same_method_and_a_recipe_of_other_nouns_of_none():
    simcse = find("simcse")
    assert citations.nearest(replace(simcse, objective=InfoNCE(temperature=0.2), pooling="mean")) == "simcse"
    assert citations.nearest(find("moco_v1")) == "moco_v1"
    assert citations.nearest(find("consert_sup_unsup")) == "consert_sup_unsup"
    own = Recipe(views=(View(augment=(Mask(),)), View()), objective=InfoNCE())
    assert citations.nearest(own) is None
    assert citations.of(own) == ""


def test_every_entry_is_whole():
    entries = citations.entries()
    text = "".join(entries.values())
    assert text.count("{") == text.count("}")
    for url, entry in entries.items():
        assert url.startswith("https://")
        assert all(f"  {field} = {{" in entry for field in ("title", "author", "year"))
