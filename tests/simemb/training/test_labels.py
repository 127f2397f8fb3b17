"""What a recipe makes of labels: it learns from them, sorts the pairs by them, or refuses."""

from pathlib import Path

import pytest

from simemb.corpus.rows import Rows, open_rows
from simemb.errors import DataError
from simemb.method.recipe_files import find
from simemb.training.labels import examples, learns_labels


@pytest.fixture
def inference(tmp_path: Path) -> Rows:
    path = tmp_path / "nli.csv"
    path.write_text("premise,hypothesis,label\na,yes,0\na,no,2\na,maybe,1\n")
    return open_rows(path)


def test_positives_come_with_negatives_only_where_the_recipe_has_a_view_of_them(inference: Rows):
    assert list(examples(find("simcse_sup"), inference, None).texts()) == [("a", "yes", "no")]
    assert list(examples(find("two_tower"), inference, None).texts()) == [("a", "yes")]


def test_columns_named_without_the_label_leave_it_unused(inference: Rows):
    assert examples(find("simcse_sup"), inference, ("premise", "hypothesis")) is inference
    assert examples(find("simcse_sup"), inference, ("premise", "hypothesis", "label")) is not inference
    assert examples(find("simcse"), inference, None) is inference
    assert not learns_labels(find("simcse"), inference)


def test_a_recipe_of_scores_does_not_learn_from_labels_of_inference(inference: Rows):
    with pytest.raises(DataError, match=r"column label holds labels of inference \(0, 1, 2\), and CoSENT learns"):
        examples(find("cosent"), inference, None)
    scored = open_rows([("a", "b", 4.5), ("c", "d", 1)])
    assert examples(find("cosent"), scored, None) is scored


def test_single_texts_with_class_labels_are_sent_to_the_recipes_that_learn_from_them():
    rows = open_rows([{"text": "a b", "label": "x"}, {"text": "c d", "label": "y"}])
    with pytest.raises(DataError, match=r"single texts \(text\) with a label \(label: x, y\); the recipes supcon and"):
        examples(find("simcse_sup"), rows, None)


def test_a_column_that_is_not_used_is_no_matter_for_recipes_of_sentences(tmp_path: Path):
    path = tmp_path / "pairs.csv"
    path.write_text("sentence1,sentence2,similar\na,yes,1\nb,no,0\nc,yes,1\n")
    with pytest.raises(DataError, match="InfoNCE takes every pair as a positive, and column 'similar'"):
        examples(find("two_tower"), open_rows(path), None)
    rows = open_rows(path)
    assert examples(find("simcse"), rows, None) is rows


def test_a_classifier_learns_the_labels_themselves(inference: Rows):
    assert examples(find("consert_joint"), inference, None) is inference
    assert learns_labels(find("consert_joint"), inference)
