"""What is beyond the bounds is refused in one line, before it takes memory or time."""

import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from simemb.corpus import bounds
from simemb.corpus.delimited import head, quoted_rows
from simemb.corpus.rows import open_rows
from simemb.errors import DataError


def test_a_table_of_too_many_columns_is_refused_in_every_format(tmp_path: Path):
    names = [f"c{number}" for number in range(bounds.COLUMNS + 1)]
    (tmp_path / "a.csv").write_text(",".join(names) + "\n" + ",".join(names) + "\n", encoding="utf-8")
    (tmp_path / "a.tsv").write_text("\t".join(names) + "\n" + "\t".join(names) + "\n", encoding="utf-8")
    (tmp_path / "a.jsonl").write_text(json.dumps(dict.fromkeys(names, "a")) + "\n", encoding="utf-8")
    (tmp_path / "b.jsonl").write_text("".join(f'{{"{name}": "a"}}\n' for name in names) + "x", encoding="utf-8")
    pyarrow.parquet.write_table(pyarrow.table({name: ["a"] for name in names}), tmp_path / "a.parquet")
    for path in tmp_path.iterdir():
        with pytest.raises(DataError, match=r"has 16,385 columns or more, and at most 16,384 are read"):
            open_rows(path)


def test_a_row_of_quoted_cells_that_goes_on_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bounds, "LINE", 1000)
    path = tmp_path / "a.csv"
    path.write_text('sentence\n"a\nb"\n' * 300 + '"\n",' * 300, encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.csv, the row from line 901 on, is longer than"):
        list(quoted_rows(path, "a.csv", ","))


def test_the_first_lines_that_are_looked_at_are_few_where_they_are_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "a.txt"
    path.write_text(("a" * 99 + "\n") * 90, encoding="utf-8")
    assert len(head(path, "a.txt")) == 90
    monkeypatch.setattr(bounds, "HEAD", 450)
    assert len(head(path, "a.txt")) == 5
