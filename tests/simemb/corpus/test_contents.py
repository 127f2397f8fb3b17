"""What a file is, told by its content: read right, or named with the way out."""

import io
import zipfile
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from simemb.corpus.contents import is_gbk
from simemb.corpus.rows import open_rows
from simemb.errors import DataError


def packed(entry: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(entry, "x" * 100)
    return stream.getvalue()


def parquet() -> bytes:
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"text": ["a cat"]}), stream)
    return stream.getvalue()


OTHER_KINDS = [
    ("a.csv", packed("xl/workbook.xml"), "is an Excel workbook, not text: save the sheet as CSV"),
    ("a.txt", packed("word/document.xml"), "is a Word document, not text"),
    ("a.txt", packed("a.txt"), "is a zip archive, not text: unpack it first"),
    ("a.jsonl", parquet(), "is a parquet file, not text: let its name end in .parquet"),
    ("a.txt", b"%PDF-1.7\n%text\n", "is a PDF, not text"),
    ("a.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(9), "is a file of Excel or Word, not text: save it as CSV"),
    ("a.csv", b"<!DOCTYPE html>\n<html></html>\n", "is a web page .*was the download refused"),
    ("a.txt", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is a pointer of Git LFS.*git lfs pull"),
    ("a.txt", "two words\n".encode("utf-16-le"), "looks like UTF-16LE without .*iconv -f UTF-16LE -t UTF-8"),
    ("a.txt", "two words\n".encode("utf-16-be"), "looks like UTF-16BE without"),
    ("a.txt", "two words\n".encode("utf-32-le"), "looks like UTF-32LE without"),
    ("a.txt", b"\xff\xfea\0\n\0\0\xd8", "after line .*: not valid UTF-16"),
    ("a.parquet", b"text\na cat\n", "is not a whole parquet file, it is text: let its name end as the content is"),
    ("a.parquet", packed("xl/workbook.xml"), "is not a whole parquet file, it is an Excel workbook"),
]


@pytest.mark.parametrize(("name", "content", "message"), OTHER_KINDS, ids=lambda value: str(value)[:20].strip("\0"))
def test_a_file_of_another_kind_is_named_with_the_way_out(tmp_path: Path, name: str, content: bytes, message: str):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        list(open_rows(path).texts())
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_chinese_in_gbk_gets_the_command_that_converts_it(tmp_path: Path):
    path = tmp_path / "句子 一.txt"
    path.write_bytes("一个男人在弹吉他，ABC。\n猫“睡觉”。\n".encode("gbk"))
    with pytest.raises(DataError) as caught:
        list(open_rows(path).texts())
    command = f"iconv -f GB18030 -t UTF-8 '{path}' > FILE)"
    assert str(caught.value).endswith(
        f"line 1, byte 3: 0xb8 is not UTF-8; save the file as UTF-8 (if it is Chinese in GBK: {command}"
    )


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Ein schöner Tag für müde Männer", "latin-1"),
        ("naïve café, été à l'école", "cp1252"),
        ("一個男人在彈吉他", "big5"),
        ("男の人がギターを弾いている", "shift_jis"),
        ("Мужчина играет", "utf-16-le"),
    ],
)
def test_other_encodings_are_not_taken_for_gbk(text: str, encoding: str):
    assert not is_gbk(text.encode(encoding))


@pytest.mark.parametrize("start", ["PAR1 is a gene", "BZh is no word", "Rar! he said", "PK is a name"])
def test_a_sentence_may_begin_with_the_letters_of_a_format(tmp_path: Path, start: str):
    path = tmp_path / "a.txt"
    path.write_text(f"{start}\n")
    assert list(open_rows(path).texts()) == [(start,)]
