"""Columns of which a row has any number of texts: which texts there are, and whose they are."""

import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from simemb.corpus.listed import apart, is_uneven, spans
from simemb.corpus.rows import Rows, open_rows
from simemb.errors import DataError

OBJECTS = [
    {"query": "q", "pos": ["p"], "neg": ["m", "n"]},
    {"query": "r", "pos": ["s", "t"], "neg": ["o"]},
    {"query": "u", "pos": ["v"], "neg": []},
    {"query": "w", "pos": ["x"], "neg": ["y"]},
]
DENSE = [("q", "p"), ("r", "s"), ("r", "t"), ("u", "v"), ("w", "x")]
SPANS = [[0, 2], [2, 1], [2, 1], [3, 0], [3, 1]]


def jsonl(path: Path, *objects: Any) -> Path:
    path.write_text("\n".join(map(json.dumps, objects)), encoding="utf-8")
    return path


def parts(rows: Rows) -> tuple[list[tuple[str, ...]], list[str], list[list[int]]]:
    """The texts in each row, those apart, and the spans."""
    name = rows.columns[-1]
    assert is_uneven(rows, name)
    dense = apart(rows, name)
    return list(dense.texts()), [text for (text,) in dense.listed[name].texts()], spans(dense, name).tolist()


def test_rows_of_lists_keep_their_texts_together(tmp_path: Path):
    expected = (DENSE, ["m", "n", "o", "y"], SPANS)
    assert parts(open_rows(jsonl(tmp_path / "a.jsonl", *OBJECTS))) == expected
    assert parts(open_rows(OBJECTS)) == expected
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(OBJECTS), tmp_path / "a.parquet")
    assert parts(open_rows(tmp_path / "a.parquet")) == expected


def test_in_numbered_columns_an_empty_cell_is_no_text(tmp_path: Path):
    path = tmp_path / "a.tsv"
    path.write_text("anchor\tpositive\tnegative_1\tnegative_2\na\tb\tc\td\n\ne\tf\t\tg\nh\ti\t\t\n")
    assert parts(open_rows(path)) == ([("a", "b"), ("e", "f"), ("h", "i")], ["c", "d", "g"], [[0, 2], [2, 1], [3, 0]])


@pytest.mark.parametrize("lacking", [{}, {"negative": None}])
def test_of_a_single_negative_a_row_may_have_none(tmp_path: Path, lacking: dict[str, None]):
    objects = [{"anchor": "a", "positive": "b", **lacking}, {"anchor": "c", "positive": "d", "negative": "e"}]
    expected = ([("a", "b"), ("c", "d")], ["e"], [[0, 0], [0, 1]])
    assert parts(open_rows(jsonl(tmp_path / "a.jsonl", *objects))) == expected
    assert parts(open_rows(objects)) == expected
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(objects[::-1]), tmp_path / "a.parquet")
    assert parts(open_rows(tmp_path / "a.parquet"))[2] == [[0, 1], [1, 0]]


def test_a_negative_in_every_row_needs_no_place_of_its_own(tmp_path: Path):
    objects = [{"anchor": "a", "positive": "b", "negative": "c"}] * 2
    assert not is_uneven(open_rows(jsonl(tmp_path / "a.jsonl", *objects)), "negative")
    assert not is_uneven(open_rows([("a", "b", "c")]), "negative")


def test_several_data_follow_each_other(tmp_path: Path):
    first, second = jsonl(tmp_path / "a.jsonl", *OBJECTS[:3]), jsonl(tmp_path / "b.jsonl", *OBJECTS[2:])
    texts, negatives, found = parts(open_rows([first, second]))
    assert (texts, negatives) == ([*DENSE[:4], *DENSE[3:]], ["m", "n", "o", "y"])
    assert found == [*SPANS[:4], [3, 0], [3, 1]]


def test_the_digest_tells_what_is_apart_from_what_is_left_out(tmp_path: Path):
    rows = open_rows(jsonl(tmp_path / "a.jsonl", *OBJECTS))
    dense = apart(rows, "neg")
    assert dense.digest() == rows.digest() != rows.narrowed(2).digest() == dense.narrowed(2).digest()
    assert (dense.ignored, dense.narrowed(2).listed) == ((), {})


def test_what_is_no_text_is_named(tmp_path: Path):
    rows = apart(open_rows(jsonl(tmp_path / "a.jsonl", *OBJECTS[:2], {**OBJECTS[2], "neg": [5]})), "neg")
    with pytest.raises(DataError, match=r"a.jsonl, line 3, column 'neg': the number 5 where text is needed"):
        spans(rows, "neg")
    with pytest.raises(DataError, match="line 3, column 'neg': the number 5"):
        list(rows.listed["neg"].texts())
