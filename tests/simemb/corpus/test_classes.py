"""Class labels of single texts: which column they are in, and what is none."""

from pathlib import Path
from typing import Any

import pytest

from simemb.corpus.classes import class_numbers, with_classes
from simemb.corpus.rows import open_rows
from simemb.errors import DataError


def found(path: Path, content: str, columns: list[str] | None = None) -> tuple[str, str | None, list[int]]:
    path.write_text(content, encoding="utf-8")
    rows = with_classes(open_rows(path, columns=columns), columns)
    return rows.columns[0], rows.score, class_numbers(rows).tolist()


@pytest.mark.parametrize("label", ["label", "class", "Category", "target", "类别"])
def test_a_column_that_is_called_so_holds_the_labels(label: str, tmp_path: Path):
    table = f"id,text,{label}\n1,a dog,animal\n2,a car,thing\n3,a cat,animal\n"
    assert found(tmp_path / "a.csv", table) == ("text", label, [0, 1, 0])


def test_columns_are_named_the_texts_and_then_the_labels(tmp_path: Path):
    table = "utterance,intent,label\nplay it,music,0\nstop it,music,1\nbuy it,shop,1\n"
    assert found(tmp_path / "a.csv", table, ["utterance", "intent"]) == ("utterance", "intent", [0, 0, 1])
    assert found(tmp_path / "a.csv", table, ["utterance", "label"]) == ("utterance", "label", [0, 1, 1])


@pytest.mark.parametrize(
    "data",
    [
        [("a dog", "animal"), ("a car", "thing"), ("a cat", "animal")],
        [("a dog", 3), ("a car", 7), ("a cat", 3)],
        {"text": ["a dog", "a car", "a cat"], "label": [0, 1, 0]},
    ],
)
def test_tuples_and_columns_in_memory_have_labels_too(data: Any):
    rows = with_classes(open_rows(data), None)
    assert class_numbers(rows).tolist() == [0, 1, 0]
    assert [text for (text,) in rows.texts()] == ["a dog", "a car", "a cat"]


def test_names_of_a_dataset_are_its_labels():
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["z", "a"])})
    data = datasets.Dataset.from_dict({"text": ["x", "y", "w"], "label": [0, 1, 0]}, features=features)
    assert class_numbers(with_classes(open_rows(data), None)).tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ("text,size\na dog,1\na car,2\n", "a class label is needed for every text, and no column is called so"),
        ("text,class,category\na dog,1,2\na car,2,1\n", "class, category could each be it"),
        ("sentence1,sentence2,label\na dog,a cat,1\na car,a bus,0\n", "its texts are pairs, and class labels"),
        ("text,label\na dog,1.5\na car,2\na cat,1.5\n", "holds 1.5: scores, of which cosent and cosine learn"),
        ("text,label\na dog,x\na car,x\n", "all 2 labels are 'x', and two classes are needed"),
        ("text,label\na dog,x\na car,y\n", r"\(x, y\): no two texts have the same label"),
        ("text,label\na dog,x\na car,\n", "line 3, column 'label': nothing where a label is needed"),
    ],
)
def test_what_is_no_class_label_is_refused_in_one_line(table: str, line: str, tmp_path: Path):
    with pytest.raises(DataError, match=line) as caught:
        found(tmp_path / "a.csv", table)
    assert "\n" not in str(caught.value)


def test_one_column_of_labels_is_named(tmp_path: Path):
    with pytest.raises(DataError, match="name the column of texts and that of their class labels"):
        found(tmp_path / "a.csv", "text,size\na dog,1\na car,1\n", ["text"])
