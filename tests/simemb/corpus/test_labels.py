"""Pairs with labels: which are positives, which are hard negatives, which are left out."""

import logging

import datasets
import pytest

from simemb.corpus.labels import check_scores, check_unused, numbered, positives
from simemb.corpus.rows import Rows, open_rows
from simemb.errors import DataError

PAIRS = [("a", "yes", "entailment"), ("a", "no", "contradiction"), ("a", "maybe", "neutral"), ("a", "eh", "-"),
         ("b", "sure", "entailment"), ("a", "never", "contradiction")]  # fmt: skip
NUMBERS = {"entailment": "0", "neutral": "1", "contradiction": "2", "-": "-1"}


def labeled(tmp_path, rows, header="premise\thypothesis\tgold_label") -> Rows:
    path = tmp_path / "nli.tsv"
    path.write_text("\n".join([header, *("\t".join(row) for row in rows)]) + "\n", encoding="utf-8")
    return open_rows(path)


@pytest.mark.parametrize("numbers", [False, True])
def test_entailments_are_positives_and_contradictions_their_negatives(tmp_path, caplog, numbers: bool):
    rows = labeled(tmp_path, [(a, b, NUMBERS[label] if numbers else label) for a, b, label in PAIRS])
    with caplog.at_level(logging.WARNING, "simemb"):
        made = positives(rows, "InfoNCE", negatives=True)
    assert made.columns == ("premise", "hypothesis", "negative")
    assert list(made.texts()) == [("a", "yes", "no"), ("a", "yes", "never")]
    assert "2 positives, 2 contradictions, 1 neither, 1 without a label; they make 2 triplets" in caplog.text
    assert "3 pairs are left out" in caplog.text
    assert list(positives(rows, "InfoNCE").texts()) == [("a", "yes"), ("b", "sure")]


def test_duplicates_are_positives(tmp_path):
    rows = labeled(tmp_path, [("0", "a", "b", "1"), ("1", "c", "d", "0")], "id\tquestion1\tquestion2\tis_duplicate")
    assert list(positives(rows, "InfoNCE", negatives=True).texts()) == [("a", "b")]


@pytest.mark.parametrize("label", ["4.5", "odd"])
def test_other_labels_are_refused_with_their_values(tmp_path, label: str):
    rows = labeled(tmp_path, [("a", "b", label), ("c", "d", "0")], "s1\ts2\tlabel")
    if label == "4.5":
        rows = open_rows([("a", "b", 4), ("c", "d", 0)])
    with pytest.raises(DataError, match=r"InfoNCE takes every pair as a positive, and column .*0, .*; --columns"):
        positives(rows, "InfoNCE")


def test_a_classifier_gets_numbers(tmp_path):
    made = numbered(labeled(tmp_path, PAIRS), 3)
    assert [score for *_, score in made.scored()] == [0, 2, 1, 0, 2]
    with pytest.raises(DataError, match="column gold_label holds entailmint: allowed are 0 to 2, or entailment"):
        numbered(labeled(tmp_path, [("a", "b", "entailmint")]), 3)


NAMES = ["contradiction", "entailment", "neutral"]


def classes(names: list[str], columns: tuple[str, str] = ("premise", "hypothesis")) -> datasets.Dataset:
    """A dataset whose labels have names in an order of their own."""
    texts = datasets.Value("string")
    features = datasets.Features({columns[0]: texts, columns[1]: texts, "label": datasets.ClassLabel(names=names)})
    content = {columns[0]: ["a", "a", "a"], columns[1]: ["no", "yes", "eh"], "label": [0, 1, -1]}
    return datasets.Dataset.from_dict(content, features=features)


@pytest.mark.parametrize("written", [False, True])
def test_names_of_numbers_go_before_their_usual_order(tmp_path, written: bool):
    data = classes(NAMES)
    if written:
        data.to_parquet(tmp_path / "a.parquet")
    rows = open_rows(tmp_path / "a.parquet" if written else data)
    assert list(positives(rows, "InfoNCE", negatives=True).texts()) == [("a", "yes", "no")]
    assert [score for *_, score in numbered(rows, 3).scored()] == [2, 0]
    with pytest.raises(DataError, match=r"holds labels of inference .*contradiction, entailment"):
        check_scores(rows, "a correlation is computed")


def test_several_data_name_their_numbers_alike(tmp_path):
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for path, names in zip(paths, (NAMES, NAMES[::-1]), strict=True):
        classes(names).to_parquet(path)
    joined = positives(open_rows([paths[0], paths[0]]), "InfoNCE")
    assert list(joined.texts()) == [("a", "yes")] * 2
    with pytest.raises(DataError, match="several data need the same labels"):
        open_rows(paths)


def test_names_of_other_classes_sort_too_and_their_numbers_stay_scores():
    rows = open_rows(classes(["not_equivalent", "equivalent"], ("sentence1", "sentence2")).select([0, 1]))
    assert list(positives(rows, "InfoNCE").texts()) == [("a", "yes")]
    check_scores(rows, "a correlation is computed")
    assert [score for *_, score in rows.scored()] == [0, 1]
    rows = open_rows(classes(["equivalent", "not_equivalent"], ("sentence1", "sentence2")).select([0, 1]))
    with pytest.raises(DataError, match="holds labels"):
        check_scores(rows, "a correlation is computed")


@pytest.mark.parametrize(
    ("header", "numbers"),
    [("sentence1\tsentence2\tlabel", "012"), ("query\tanswer\tlabel", "012"), ("premise\thypothesis\tlabel", "010")],
)
def test_numbers_are_inference_only_if_columns_and_values_say_so(tmp_path, header: str, numbers: str):
    rows = labeled(tmp_path, [("a", "b", number) for number in numbers], header)
    with pytest.raises(DataError, match=r"column label \(0, 1.*\) does not say which are; --columns .* in words or"):
        positives(rows, "InfoNCE")


def test_whole_numbers_may_be_written_with_a_point(tmp_path):
    rows = labeled(tmp_path, [("a", "yes", "0.0"), ("a", "no", "2.0"), ("a", "eh", "-1.0")])
    assert list(positives(rows, "InfoNCE", negatives=True).texts()) == [("a", "yes", "no")]
    rows = labeled(tmp_path, [("a", "b", "1.0"), ("c", "d", "0.0")], "question1\tquestion2\tis_duplicate")
    assert list(positives(rows, "InfoNCE").texts()) == [("a", "b")]


@pytest.mark.parametrize("labels", [("entailment", "neutral"), ("0", "2"), ("0", "1")])
def test_labels_of_inference_are_no_scores(tmp_path, labels: tuple[str, str]):
    rows = labeled(tmp_path, [("a", "b", label) for label in labels])
    with pytest.raises(
        DataError, match=r"column gold_label holds labels of inference \(.*\), and it learns from scores"
    ):
        check_scores(rows, "it learns")


def test_numbers_in_columns_that_the_user_named_are_scores(tmp_path):
    labeled(tmp_path, [("a", "b", "0"), ("c", "d", "1")])
    rows = open_rows(tmp_path / "nli.tsv", columns=["premise", "hypothesis", "gold_label"])
    check_scores(rows, "it learns", surely=True)
    labeled(tmp_path, [("a", "b", "0"), ("c", "d", "2")])
    rows = open_rows(tmp_path / "nli.tsv", columns=["premise", "hypothesis", "gold_label"])
    check_scores(rows, "it learns")
    with pytest.raises(DataError, match="labels of inference"):
        check_scores(rows, "it learns", surely=True)


def test_words_of_inference_are_labels_whatever_their_column_is_called(tmp_path):
    labeled(tmp_path, PAIRS, "premise\thypothesis\trelation of the two")
    rows = open_rows(tmp_path / "nli.tsv", columns=["premise", "hypothesis", "relation of the two"])
    assert (rows.columns, rows.score) == (("premise", "hypothesis"), "relation of the two")
    assert list(positives(rows, "InfoNCE").texts()) == [("a", "yes"), ("b", "sure")]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        *((name, ("1", "0", "1")) for name in ("labels", "relation", "class", "target", "similar", "标签", "x")),
        *(("labels", values) for values in (("same", "other", "same"), ("1.0", "0.0", "1.0"))),
        *((name, ("entailment", "neutral", "-")) for name in ("verdict", "labels")),
    ],
)
def test_a_column_that_is_not_used_and_may_sort_the_pairs_is_refused(tmp_path, column: str, values: tuple[str, ...]):
    rows = labeled(tmp_path, [("a", "b", value) for value in values], f"sentence1\tsentence2\t{column}")
    with pytest.raises(
        DataError, match=f"mining takes every pair as a positive, and column '{column}' .* --columns sent"
    ):
        check_unused(rows, "mining")
    with pytest.raises(DataError, match="takes every pair"):
        check_unused(open_rows([tmp_path / "nli.tsv"] * 2), "mining")
    check_unused(open_rows(tmp_path / "nli.tsv", columns=["sentence1", "sentence2"]), "mining")


@pytest.mark.parametrize("values", [("snli", "mnli", "snli"), ("a long text of somebody", "b", "b"), ("1", "1", "1")])
def test_other_columns_that_are_not_used_sort_nothing(tmp_path, values: tuple[str, ...]):
    check_unused(labeled(tmp_path, [("a", "b", value) for value in values], "s1\ts2\tsource"), "mining")


def test_tuples_may_end_with_a_label_in_words():
    rows = open_rows([("a", "yes", "entailment"), ("a", "no", "contradiction")])
    assert list(positives(rows, "InfoNCE", negatives=True).texts()) == [("a", "yes", "no")]
    with pytest.raises(DataError, match="3 texts and a label: a label is allowed after 2 texts"):
        open_rows([("a", "b", "c", "neutral")])
    with pytest.raises(DataError, match=r"row 1 ends with '1'.*a negative has letters"):
        open_rows([("a", "b", "1"), ("c", "d", "0")])
    assert open_rows([("a", "b", 1), ("c", "d", 0)]).score == "score"
