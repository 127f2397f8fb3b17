"""Lines of text in every packing, encoding and line end that people bring."""

import gzip
import tracemalloc
from pathlib import Path

import pytest

from simemb.corpus.lines import lines
from simemb.corpus.rows import open_rows
from simemb.errors import DataError

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


BOMBS = {
    "zeros": (bytes(1 << 20), "line 1, byte 1: a NUL byte"),
    "a line without end": (b"a" * (1 << 20), "line 1 is longer than 2 MB"),
    "a line without end below others": (b"one\ntwo\n" + b"a" * (1 << 20), "line 3 is longer than 2 MB"),
    "UTF-16": (b"\xff\xfe" + b"a\0" * (1 << 20), "line 1 is longer than 2 MB"),
    "the first Macs": (b"one\rtwo\r" + b"a" * (1 << 20), "line 3 is longer than 2 MB"),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_of_a_packed_line_without_end_only_a_part_is_unpacked(bomb: str, tmp_path: Path, monkeypatch):
    start, message = BOMBS[bomb]
    monkeypatch.setattr("simemb.corpus.lines.LINE", 2 << 20)
    monkeypatch.setattr("simemb.corpus.bounds.LINE", 2 << 20)
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(start + b"a\0"[: 1 + (bomb == "UTF-16")] * (40 << 20)))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=message):
            list(lines(path, "a.txt.gz"))
        assert tracemalloc.get_traced_memory()[1] < 24 << 20
    finally:
        tracemalloc.stop()


def test_a_line_of_the_longest_length_is_read(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("simemb.corpus.lines.LINE", 8)
    path = tmp_path / "a.txt"
    path.write_bytes(b"1234567\n12345678\n")
    assert next(lines(path, "a.txt")) == (1, "1234567\n")
    with pytest.raises(DataError, match="line 2 is longer"):
        list(lines(path, "a.txt"))
