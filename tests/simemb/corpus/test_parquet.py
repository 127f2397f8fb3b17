"""Parquet columns of the types that people's programs write."""

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from simemb.corpus.rows import open_rows
from simemb.errors import DataError


def parquet(folder: Path, **columns: object) -> Path:
    path = folder / "a.parquet"
    pyarrow.parquet.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.dictionary(pa.int32(), pa.binary())])
def test_bytes_that_are_utf8_are_text(tmp_path: Path, kind: pa.DataType):
    column = pa.array([b"a cat", "ein Bär".encode()]).cast(kind)
    assert list(open_rows(parquet(tmp_path, text=column)).texts()) == [("a cat",), ("ein Bär",)]


def test_other_bytes_are_named_with_their_row(tmp_path: Path):
    path = parquet(tmp_path, text=pa.array([b"a cat", b"\xff\xd8\xff"], pa.binary()))
    with pytest.raises(DataError, match="row 2, column 'text': bytes where text is needed"):
        list(open_rows(path).texts())


def test_a_column_without_any_value_is_named_as_one_of_nulls(tmp_path: Path):
    path = parquet(tmp_path, text=pa.nulls(2))
    with pytest.raises(DataError, match="row 1, column 'text': null where text is needed"):
        list(open_rows(path).texts())


def test_decimals_are_scores_and_labels(tmp_path: Path):
    scores = pa.array([Decimal("1.00"), Decimal("4.25")], pa.decimal128(5, 2))
    path = parquet(tmp_path, sentence1=["a", "b"], sentence2=["c", "d"], score=scores)
    assert list(open_rows(path).scored()) == [("a", "c", 1.0), ("b", "d", 4.25)]
    whole = pa.array([Decimal("1.00"), Decimal("0.00")], pa.decimal128(5, 2))
    assert [label for _, label in open_rows(parquet(tmp_path, text=["a", "b"], label=whole)).labeled()] == ["1", "0"]
