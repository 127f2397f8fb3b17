"""Lines of text in every packing, encoding and line end that people bring."""

import gzip
from pathlib import Path

import pytest

from simemb.corpus.lines import lines
from simemb.corpus.rows import open_rows

TEXTS = [("ein Bär",), ("two words",), ("最後",)]


def rows_of(path: Path, content: bytes) -> list[tuple[str, ...]]:
    path.write_bytes(content)
    return list(open_rows(path).texts())


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.tsv", "a.jsonl"])
def test_gzip_is_recognized_whatever_its_name(tmp_path: Path, name: str):
    lines_of = {"a.jsonl": [f'{{"text": "{text}"}}' for (text,) in TEXTS], "a.txt": [text for (text,) in TEXTS]}
    content = "\n".join(lines_of.get(name, ["text", *lines_of["a.txt"]])) + "\n"
    assert rows_of(tmp_path / name, gzip.compress(content.encode())) == TEXTS


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_byte_order_mark_says_the_encoding(tmp_path: Path, encoding: str, end: str):
    content = end.join([text for (text,) in TEXTS]) + end
    assert rows_of(tmp_path / "a.txt", content.encode(encoding)) == TEXTS
    assert rows_of(tmp_path / "a.csv", f"text{end}{content}".encode(encoding)) == TEXTS


def test_a_big_endian_mark_is_read_too(tmp_path: Path):
    assert rows_of(tmp_path / "a.txt", b"\xfe\xff" + "ein Bär\n".encode("utf-16-be")) == TEXTS[:1]


def test_carriage_returns_alone_end_lines_only_in_a_file_without_line_feeds(tmp_path: Path):
    assert rows_of(tmp_path / "a.txt", b"one\rtwo\r\rthree") == [("one",), ("two",), ("three",)]
    assert rows_of(tmp_path / "b.tsv", b"text\tscore\rone\t1\rtwo\t2\r") == [("one",), ("two",)]
    assert rows_of(tmp_path / "c.txt", b"one\rtwo\nthree\n") == [("one\rtwo",), ("three",)]


def test_lines_are_numbered_whatever_ends_them(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\r\rthree")
    assert list(lines(path, "a")) == [(1, "one\n"), (2, "\n"), (3, "three")]
