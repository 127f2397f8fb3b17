"""The suites for a language exist, and choose on another split than they report."""

import pytest

from simemb.corpus import sources
from simemb.evaluation.evaluate import find
from simemb.evaluation.languages import SUITES, final_suite, suites_for
from simemb.evaluation.tasks import Similarity


@pytest.mark.parametrize("language", SUITES)
def test_the_suites_exist_and_a_checkpoint_is_chosen_on_development_pairs(language: str):
    dev, test = SUITES[language]
    assert find(test).tasks
    (task,) = find(dev).tasks
    assert isinstance(task, Similarity)
    assert task.subsets == {"dev": dev}
    assert str(sources.get(dev).path).endswith("dev.tsv")


def test_a_model_is_scored_on_a_suite_of_its_language_or_on_pairs_of_the_users():
    assert [final_suite(language) for language in ("English", "Chinese", "Cyrillic")] == ["sts", "zh", "my_pairs.tsv"]
    assert suites_for("Cyrillic") is None


def test_texts_without_letters_are_treated_as_english():
    assert suites_for("") == SUITES["English"]
