"""Every format, the rule for columns, and one line for everything that can be wrong with a user's file."""

import gzip
import io
import json
import logging
import sys
import tempfile
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from simemb.errors import DataError
from simemb.rows import open_rows

PAIRS = [("A man plays.", "A person plays.", 4.5), ("Two dogs run.", 'A "cat", asleep', 0.25)]


def write(folder: Path, name: str, content: str | bytes) -> str:
    data = content.encode() if isinstance(content, str) else content
    path = folder / name
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return str(path)


def parquet(folder: Path, columns: dict[str, object], name: str = "a.parquet") -> str:
    path = folder / name
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return str(path)


def pairs_in(folder: Path, kind: str) -> str:
    """The same two pairs as a file of each kind."""
    if kind == "parquet":
        first, second, scores = zip(*PAIRS, strict=True)
        return parquet(folder, {"sentence1": first, "sentence2": second, "score": scores})
    if kind.startswith("tsv"):
        body = "".join(f"{a}\t{b}\t{score}\n" for a, b, score in PAIRS)
        return write(folder, f"a.{kind}", f"sentence1\tsentence2\tscore\n{body}")
    if kind.startswith("csv"):
        body = 'A man plays.,A person plays.,4.5\r\nTwo dogs run.,"A ""cat"", asleep",0.25\r\n'
        return write(folder, f"a.{kind}", f"sentence1,sentence2,score\r\n{body}")
    objects = [dict(zip(("sentence1", "sentence2", "score"), pair, strict=True)) for pair in PAIRS]
    return write(folder, f"a.{kind}", "\n".join(map(json.dumps, objects)))


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "tsv", "tsv.gz", "jsonl", "jsonl.gz", "parquet"])
def test_every_format_gives_the_same_rows_twice(tmp_path: Path, kind: str):
    rows = open_rows(pairs_in(tmp_path, kind))
    assert (rows.columns, rows.score, rows.ignored) == (("sentence1", "sentence2"), "score", ())
    assert list(rows.scored()) == PAIRS
    assert list(rows.scored()) == PAIRS
    assert list(rows.texts()) == [pair[:2] for pair in PAIRS]


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "A.TXT"])
def test_a_text_file_is_one_sentence_a_line_and_blank_lines_are_counted(tmp_path: Path, name: str):
    rows = open_rows(write(tmp_path, name, "one\n\n two \n \t\nthree"))
    assert list(rows.texts()) == [("one",), (" two ",), ("three",)]
    assert rows.skipped == 2
    assert rows.columns == ("sentence",)


def test_only_line_feeds_end_a_line(tmp_path: Path):
    odd = "a\u2028b\x0bc\x85d\x1ce\rf"
    assert list(open_rows(write(tmp_path, "a.txt", f"{odd}\r\n{odd}\n")).texts()) == [(odd,), (odd,)]
    table = open_rows(write(tmp_path, "a.tsv", f"text\n{odd}\n"))
    assert list(table.texts()) == [(odd,)]
    quoted = open_rows(write(tmp_path, "a.csv", f'text,source\n"{odd}\nnext line",x\nlast,y\n'))
    assert list(quoted.texts()) == [(f"{odd}\nnext line",), ("last",)]
    lines = open_rows(write(tmp_path, "a.jsonl", json.dumps({"text": odd}, ensure_ascii=False)))
    assert list(lines.texts()) == [(odd,)]


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.tsv", "a.jsonl"])
def test_a_byte_order_mark_is_dropped(tmp_path: Path, name: str):
    content = '{"text": "ä"}\n' if name == "a.jsonl" else "ä\n" if name == "a.txt" else "text\nä\n"
    rows = open_rows(write(tmp_path, name, b"\xef\xbb\xbf" + content.encode()))
    assert list(rows.texts()) == [("ä",)]


def test_quotes_are_literal_in_tsv_and_empty_texts_are_kept(tmp_path: Path):
    rows = open_rows(write(tmp_path, "a.tsv", 'text1\ttext2\n"open\tsay "hi"\n\t\n'))
    assert list(rows.texts()) == [('"open', 'say "hi"'), ("", "")]
    assert rows.skipped == 0


@pytest.mark.parametrize(
    ("header", "columns", "score", "ignored"),
    [
        ("anchor positive negative source", ("anchor", "positive", "negative"), None, ("source",)),
        ("hard_neg sent1 sent0", ("sent0", "sent1", "hard_neg"), None, ()),
        ("sent0 sent1 sent2", ("sent0", "sent1", "sent2"), None, ()),
        ("Premise HYPOTHESIS Label", ("Premise", "HYPOTHESIS"), "Label", ()),
        ("pair_ID sentence_A sentence_B relatedness_score", ("sentence_A", "sentence_B"), "relatedness_score",
         ("pair_ID",)),
        ("score sentence1 sentence2", ("sentence1", "sentence2"), "score", ()),
        ("source text", ("text",), None, ("source",)),
        ("question answer", ("question", "answer"), None, ()),
    ],
)  # fmt: skip
def test_recognized_names_fill_the_roles(tmp_path: Path, header, columns, score, ignored):
    row = "\t".join("1" for _ in header.split())
    rows = open_rows(write(tmp_path, "a.tsv", header.replace(" ", "\t") + f"\n{row}\n"))
    assert (rows.columns, rows.score, rows.ignored) == (columns, score, ignored)


def test_unrecognized_names_are_taken_in_order_with_a_notice(tmp_path: Path, caplog):
    with caplog.at_level(logging.WARNING, "simemb"):
        rows = open_rows(write(tmp_path, "a.csv", "left,score,right\na,1,b\n"))
    assert (rows.columns, rows.score) == (("left", "right"), "score")
    assert "'left' as anchor, 'right' as positive" in caplog.text


def test_named_columns_win_in_any_case_and_may_hold_the_score(tmp_path: Path):
    path = write(tmp_path, "a.csv", "Score,b,A,gold\n1,x,y,2\n")
    assert list(open_rows(path, columns=["a", "B"]).scored()) == [("y", "x", 1.0)]
    assert list(open_rows(path, columns=["b", "A", "score"]).scored()) == [("x", "y", 1.0)]
    assert list(open_rows(path, columns=["b", "A"], score="gold").scored()) == [("x", "y", 2.0)]


def test_columns_that_hold_no_text_are_never_texts(tmp_path: Path):
    content = {"id": [1, 2], "words": [["a"], ["b"]], "title": ["t", "u"]}
    rows = open_rows(parquet(tmp_path, content))
    assert (rows.columns, rows.ignored) == (("title",), ("id", "words"))
    coded = pyarrow.array(["t", "t"]).dictionary_encode()
    rows = open_rows(parquet(tmp_path, {"text": coded}, "b.parquet"))
    assert list(rows.texts()) == [("t",), ("t",)]


def test_lists_of_texts_and_of_tuples(tmp_path: Path):
    assert list(open_rows(["a", "b"]).texts()) == [("a",), ("b",)]
    assert open_rows([("a", "b", "c")]).columns == ("anchor", "positive", "negative")
    assert list(open_rows(PAIRS).scored()) == PAIRS
    assert open_rows(["a", "b"]).digest() == open_rows(["a", "b"]).digest() != open_rows(["a\nb"]).digest()


def test_a_dataset_is_read_like_a_file():
    datasets = pytest.importorskip("datasets")
    dataset = datasets.Dataset.from_dict(
        {"label": [0, 1], "sentence1": ["a", "b"], "sentence2": ["c", "d"]}
    ).with_format("numpy")
    rows = open_rows(dataset)
    assert list(rows.scored()) == [("a", "c", 0.0), ("b", "d", 1.0)]
    assert rows.digest() == open_rows(dataset).digest()
    assert rows.digest() != open_rows(dataset.select([1])).digest()
    with pytest.raises(DataError, match=r"has splits \(train, test\): pass one"):
        open_rows(datasets.DatasetDict(train=dataset, test=dataset))
    with pytest.raises(DataError, match="the dataset, row 2, column 'text': null where text is needed"):
        list(open_rows(datasets.Dataset.from_dict({"text": ["a", None]})).texts())


def test_standard_input_can_be_read_twice_and_leaves_nothing_behind(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("zwölf\n\nBoxer\n".encode())))
    rows = open_rows("-")
    assert list(rows.texts()) == list(rows.texts()) == [("zwölf",), ("Boxer",)]
    assert rows.name == "standard input"
    assert list(tmp_path.iterdir())
    del rows
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\n")))
    with pytest.raises(DataError, match="standard input has no rows"):
        open_rows("-")
    assert not list(tmp_path.iterdir())


def test_the_digest_follows_the_content_and_the_columns(tmp_path: Path):
    path = write(tmp_path, "a.csv", "text,title\na,b\n")
    digest = open_rows(path).digest()
    assert (
        digest
        == open_rows(path).digest()
        == open_rows(write(tmp_path, "b.csv", "text,title\na,b\n")).digest()
    )
    assert digest != open_rows(path, columns=["title"]).digest()
    write(tmp_path, "a.csv", "text,title\na,c\n")
    assert digest != open_rows(path).digest()


def test_a_file_is_read_as_a_stream(tmp_path: Path):
    # The last line is broken, yet the first ones come out.
    rows = open_rows(write(tmp_path, "a.txt", b"good\n" * 50_000 + b"\xff\n"))
    stream = rows.texts()
    assert [next(stream) for _ in range(3)] == [("good",)] * 3
    with pytest.raises(DataError, match="line 50001, byte 1: 0xff is not UTF-8"):
        list(stream)


def test_a_corpus_is_opened_by_its_name_unless_a_file_has_it(tmp_path: Path, monkeypatch):
    (tmp_path / "data" / "wiki").mkdir(parents=True)
    write(tmp_path, "data/wiki/sentences.txt.gz", "From the corpus.\n")
    monkeypatch.setenv("SIMEMB_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path / "data")  # where a directory is called wiki, too
    rows = open_rows("wiki")
    assert (rows.name, list(rows.texts())) == ("wiki", [("From the corpus.",)])


BAD_FILES = [
    ("empty.txt", "", "empty.txt has no rows"),
    ("blank.txt", "\n \n", "blank.txt has no rows"),
    ("empty.csv", "", "empty.csv is empty: it needs a header line and rows"),
    ("header.tsv", "text\n", "header.tsv has no rows"),
    ("empty.jsonl", "\n", "empty.jsonl is empty: it needs one JSON object a line"),
    ("empty.parquet", "", "empty.parquet is not a whole parquet file"),
    (
        "a.docx",
        "text",
        r"a.docx has .docx: allowed are .txt .csv .tsv .jsonl .parquet, and .gz after all but",
    ),
    ("README", "text", "README has no ending: allowed are"),
    ("a.parquet.gz", "text", "a.parquet.gz has .parquet.gz: allowed are"),
    ("a.txt", b"fine\ncaf\xe9\n", "a.txt, line 2, byte 4: 0xe9 is not UTF-8; save the file as UTF-8"),
    ("a.txt", "text\n".encode("utf-16"), "a.txt, line 1, byte 4: a NUL byte; is this a text file?"),
    ("a.tsv", "text\na\nb\0c\n", "a.tsv, line 3, byte 2: a NUL byte"),
    ("a.csv", "s1,s2\na,b\n\na\n", r"a.csv, line 4 has 1 column, the header has 2 \(s1, s2\)"),
    ("a.tsv", "text\na\tb\n", r"a.tsv, line 2 has 2 columns, the header has 1 \(text\)"),
    ("a.csv", 'text\n"one\ntwo"\n"open\n', "a.csv, line 4 is not valid CSV .*unexpected end of data"),
    ("a.csv", 'text\n"a"b\n', "a.csv, line 2 is not valid CSV .*is a quote not closed or not doubled?"),
    ("a.csv", "text\na\rb\n", "a.csv, line 2 is not valid CSV .*new-line character"),
    ("a.tsv", "text\ttext\na\tb\n", r"a.tsv: column 'text' occurs twice \(text, text\)"),
    ("a.tsv", "text\tquery\na\tb\n", "a.tsv: text, query could each be the anchor; choose with columns="),
    ("a.tsv", "sent1\tsent2\na\tb\n", r"sent1, sent2 found, but no anchor \(it has: sent1, sent2\); choose"),
    ("a.tsv", "score\tlabel\ttext\n1\t1\ta\n", "score, label could each be the score; choose"),
    ("a.tsv", "a\tb\tc\td\n1\t1\t1\t1\n", r"no column is recognized as text \(it has: a, b, c, d\)"),
    ("a.jsonl", '{"id": 3}\n', r"no column is recognized as text \(it has: id\)"),
    ("a.jsonl", '{"text": "a"}\n{"text": a}\n', "a.jsonl, line 2, column 10: not valid JSON"),
    ("a.jsonl", '{"text": "a"}\n["a"]\n', r"a.jsonl, line 2 is a list, not an object like \{\.\.\.\}"),
    ("a.jsonl", '{"text": "a"}\n7\n', "a.jsonl, line 2 is the number 7, not an object"),
    ("a.jsonl", '{"text": "a"}\n{"txt": "a"}\n', r"a.jsonl, line 2 has no 'text' \(it has: txt\)"),
    ("a.jsonl", '{"text": "a"}\n{"text": null}\n', "line 2, column 'text': null where text is needed"),
    ("a.jsonl", '{"text": "a"}\n{"text": 5}\n', "line 2, column 'text': the number 5 where text is needed"),
    ("a.jsonl", '{"text": "a \\ud83d b"}\n', r"line 1, column 'text': a lone surrogate in 'a \\ud83d b'"),
]


@pytest.mark.parametrize(("name", "content", "message"), BAD_FILES)
def test_a_bad_file_is_one_line_that_says_where(
    tmp_path: Path, name: str, content: str | bytes, message: str
):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(DataError, match=message) as caught:
        list(open_rows(path).texts())
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


BAD_GZIP = [
    (gzip.compress(b"sentence\n" * 10_000)[:-20], "in the middle of its gzip data: an interrupted download"),
    (b"plain text\n", "a.txt.gz is not valid gzip .*fetch it again or rename it"),
    (gzip.compress(b"sentence\n")[:-8] + b"checksum", "a.txt.gz is not valid gzip .CRC check failed"),
    (gzip.compress(b"sentence\n")[:10] + b"\xff" * 40, "a.txt.gz is not valid gzip .*invalid block type"),
]


@pytest.mark.parametrize(("content", "message"), BAD_GZIP)
def test_a_bad_gzip_file_is_one_line(tmp_path: Path, content: bytes, message: str):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        list(open_rows(path).texts())


BAD_SCORES = ["", "high", "nan", "inf", "-Infinity", "1,5"]


@pytest.mark.parametrize("score", BAD_SCORES)
def test_a_bad_score_names_its_row_and_value(tmp_path: Path, score: str):
    path = write(tmp_path, "a.tsv", f"s1\ts2\tscore\na\tb\t1\na\tb\t{score}\n")
    with pytest.raises(DataError, match=f"line 3, column 'score': '{score}' is not a finite number"):
        list(open_rows(path).scored())


@pytest.mark.parametrize("score", ["true", "null", "[1]", "NaN"])
def test_a_score_of_another_kind_is_refused(tmp_path: Path, score: str):
    path = write(tmp_path, "a.jsonl", f'{{"s1": "a", "s2": "b", "score": {score}}}\n')
    with pytest.raises(DataError, match=r"line 1, column 'score': .* is not a finite number"):
        list(open_rows(path).scored())


def test_scored_pairs_need_a_pair_and_a_score(tmp_path: Path):
    for header in ("text\tscore", "s1\ts2"):
        rows = open_rows(write(tmp_path, "a.tsv", f"{header}\na\tb\n"))
        with pytest.raises(DataError, match="scored pairs need two text columns and a score"):
            list(rows.scored())


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["txt"], r"unknown column 'txt': did you mean 'text'\? \(allowed: text, title, score\)"),
        (["text", "text"], "columns text, text: give 1 to 3 different text columns"),
        ([], "columns none: give 1 to 3 different text columns"),
        (["score"], "columns score: give 1 to 3"),
    ],
)
def test_wrongly_named_columns_are_refused(tmp_path: Path, columns: list[str], message: str):
    with pytest.raises(DataError, match=message):
        open_rows(write(tmp_path, "a.csv", "text,title,score\na,b,1\n"), columns=columns)


def test_what_does_not_exist_is_named_with_its_nearest_match(tmp_path: Path):
    write(tmp_path, "sentences.txt", "a\n")
    with pytest.raises(
        DataError, match=r"no file or corpus '.*sentence.txt': did you mean '.*/sentences.txt'"
    ):
        open_rows(tmp_path / "sentence.txt")
    with pytest.raises(DataError, match="no file or corpus 'wikki': did you mean 'wiki'"):
        open_rows("wikki")
    with pytest.raises(
        DataError, match=r"no file or corpus 'zzzzzz': it must be a file, - or a corpus \(.*wiki"
    ):
        open_rows("zzzzzz")
    with pytest.raises(DataError, match="is a directory: name a file in it"):
        open_rows(tmp_path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "the list has no rows"),
        (["a", 5], "the list, row 2, column 'sentence': the number 5 where text is needed"),
        (["a", None], "the list, row 2, column 'sentence': null where"),
        ([("a", "b"), ("a",)], "the list, row 2 has 1 values, the first has 2"),
        ([("a", "b", "c", "d")], "the list, row 1 has 4 values: 1 to 3 texts, or 2 and a score, are allowed"),
        ([("a", "b", "c", 1.0)], "the list, row 1 has 4 values"),
        (["\ud800"], "the list, row 1, column 'sentence': a lone surrogate"),
        (7, "data of type int cannot be read: allowed are a path, -, a corpus"),
        ({"a": 1}, "data of type dict cannot be read"),
    ],
)
def test_bad_data_in_memory_is_refused(data: object, message: str):
    with pytest.raises(DataError, match=message):
        list(open_rows(data).texts())  # type: ignore[arg-type]


def test_a_parquet_file_cut_short_or_without_rows_is_refused(tmp_path: Path):
    path = Path(parquet(tmp_path, {"text": ["a"] * 1000}))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="is not a whole parquet file"):
        open_rows(path)
    with pytest.raises(DataError, match=r"b.parquet has no rows"):
        open_rows(parquet(tmp_path, {"text": pyarrow.array([], pyarrow.string())}, "b.parquet"))
    with pytest.raises(DataError, match=r"c.parquet, row 2, column 'text': null where text is needed"):
        list(open_rows(parquet(tmp_path, {"text": ["a", None]}, "c.parquet")).texts())
