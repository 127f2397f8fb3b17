"""Every format, the rule for columns, and one line for everything that can be wrong with a user's file."""

import gzip
import io
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from simemb import files
from simemb.corpus.rows import open_rows
from simemb.errors import ArgumentError, DataError, SimembError

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
    with pytest.raises(ArgumentError, match=r"has splits \(train, test\): pass one"):
        open_rows(datasets.DatasetDict(train=dataset, test=dataset))
    with pytest.raises(DataError, match="the dataset, row 2, column 'text': null where text is needed"):
        list(open_rows(datasets.Dataset.from_dict({"text": ["a", None]})).texts())


def test_standard_input_can_be_read_twice_and_leaves_nothing_behind(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("zwölf\n\nBoxer\n".encode())))
    rows = open_rows("-")
    assert list(rows.texts()) == list(rows.texts()) == [("zwölf",), ("Boxer",)]
    assert rows.name == "standard input"
    rows = rows.narrowed(1)  # the first are gone, as in training
    assert list(rows.texts()) == [("zwölf",), ("Boxer",)]
    assert list(tmp_path.iterdir())
    del rows
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\n")))
    with pytest.raises(DataError, match="standard input has no rows"):
        open_rows("-")
    assert not list(tmp_path.iterdir())


def test_the_content_is_read_through_for_the_digest_once(tmp_path: Path, monkeypatch):
    rows = open_rows(write(tmp_path, "c.txt", "a\nb\n"))
    first = rows.digest()
    monkeypatch.setattr(files, "sha256_of", lambda _: pytest.fail("the file was read again"))
    assert rows.digest() == first


def test_the_digest_follows_the_content_and_the_columns(tmp_path: Path):
    path = write(tmp_path, "a.csv", "text,title\na,b\n")
    digest = open_rows(path).digest()
    assert digest == open_rows(path).digest() == open_rows(write(tmp_path, "b.csv", "text,title\na,b\n")).digest()
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


BAD_SCORES = ["high", "nan", "inf", "-Infinity", "1,5"]


@pytest.mark.parametrize("score", BAD_SCORES)
def test_a_bad_score_names_its_row_and_value(tmp_path: Path, score: str):
    path = write(tmp_path, "a.tsv", f"s1\ts2\tscore\na\tb\t1\na\tb\t{score}\n")
    point = "; a decimal point is needed: 1.5" if score == "1,5" else "$"
    with pytest.raises(DataError, match=f"line 3, column 'score': '{score}' is not a finite number{point}"):
        list(open_rows(path).scored())


@pytest.mark.parametrize("score", ["true", "[1]", "NaN"])
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
    ("name", "content"),
    [
        ("a.tsv", "label\tsentence\n1\ta cat\n 0 \ta dog\n"),
        ("a.csv", "text,label\na cat,1\na dog,0\n"),
        ("a.jsonl", '{"text": "a cat", "label": 1}\n{"text": "a dog", "label": 0.0}\n'),
    ],
)
def test_a_label_is_the_same_text_however_it_is_written(tmp_path: Path, name: str, content: str):
    assert list(open_rows(write(tmp_path, name, content)).labeled()) == [(("a cat",), "1"), (("a dog",), "0")]


def test_labels_may_be_words_and_texts_may_be_pairs(tmp_path: Path):
    rows = open_rows(write(tmp_path, "a.tsv", "label\tsentence1\tsentence2\nsame\ta\tb\nother\tc\td\n"))
    assert list(rows.labeled()) == [(("a", "b"), "same"), (("c", "d"), "other")]
    assert list(open_rows([("a cat", 1), ("a dog", 0)]).labeled()) == [(("a cat",), "1"), (("a dog",), "0")]


@pytest.mark.parametrize(
    ("label", "found"), [('" "', "nothing"), ("null", "null"), ("0.5", "the number 0.5"), ("[1]", "a list")]
)
def test_a_missing_label_names_its_row(tmp_path: Path, label: str, found: str):
    path = write(tmp_path, "a.jsonl", f'{{"text": "a", "label": 1}}\n{{"text": "a", "label": {label}}}\n')
    with pytest.raises(DataError, match=f"line 2, column 'label': {found} where a label is needed"):
        list(open_rows(path).labeled())


def test_labeled_texts_need_a_label_column(tmp_path: Path):
    rows = open_rows(write(tmp_path, "a.tsv", "text\ttitle\na\tb\n"))
    with pytest.raises(DataError, match=r"labeled texts need a column label \(it has: text, title\)"):
        list(rows.labeled())


def test_the_checksum_is_that_of_the_file(tmp_path: Path):
    path = write(tmp_path, "a.csv", "text,title\na,b\n")
    assert open_rows(path, columns=["title"]).checksum() == files.sha256_of(Path(path))
    assert open_rows(["a"]).checksum() == open_rows(["a"]).checksum() != open_rows(["b"]).checksum()


def test_what_does_not_exist_is_named_with_its_nearest_match(tmp_path: Path):
    write(tmp_path, "sentences.txt", "a\n")
    with pytest.raises(DataError, match=r"no file or corpus '.*sentence.txt': did you mean '.*/sentences.txt'"):
        open_rows(tmp_path / "sentence.txt")
    with pytest.raises(DataError, match="no file or corpus 'wikki': did you mean 'wiki'"):
        open_rows("wikki")
    with pytest.raises(DataError, match=r"no file or corpus 'zzzzzz': it must be a file, - or a corpus \(.*wiki"):
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
        ([("a", "b", "c", 1.0)], "the list, row 1 has 3 texts and a score: a score is allowed after 1 or 2 texts"),
        (["\ud800"], "the list, row 1, column 'sentence': a lone surrogate"),
        (7, "data must be a path, a corpus, a datasets.Dataset, .* or of tuples of texts, not 7"),
        ({"a": 1}, r"data is a dict, whose keys would be read: pass one of its values, data\['a'\]"),
        ({"a", "b"}, "data is a set, which has no order"),
        ({"text": ["a", 1]}, "data: the columns of a dict cannot be read: Expected bytes, got a 'int' object"),
    ],
)
def test_bad_data_in_memory_is_refused(data: object, message: str):
    with pytest.raises(SimembError, match=message):
        list(open_rows(data).texts())  # type: ignore[arg-type]


READINGS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "quoted": ("a.tsv", 'anchor\tpositive\n"He said ""no"""\tb\n', {}),
    "literal": ("a.tsv", "anchor\tpositive\na\tb\n", {}),
    "one column": ("a.tsv", "sentence\na\n", {}),
    "lines": ("a.txt", "sentence\na\n", {}),
    "commas": ("a.csv", "sentence\na\n", {}),
    "no header": ("a.tsv", "sentence\na\n", {"header": False}),
    "semicolons": ("a.csv", "sentence;b\na;b\n", {"delimiter": ";", "columns": ["sentence"]}),
    "pipes": ("a.csv", "sentence;b\na;b\n", {"delimiter": "|", "columns": ["sentence;b"]}),
    "objects": ("a.jsonl", '{"sentence": "a"}\n', {}),
    "objects as lines": ("a.txt", '{"sentence": "a"}\n', {"columns": ["sentence"]}),
}


def test_the_same_bytes_read_otherwise_have_another_digest(tmp_path: Path):
    digests = [open_rows(write(tmp_path, name, text), **how).digest() for name, text, how in READINGS.values()]
    assert len({*digests}) == len(READINGS)


def test_quoted_and_literal_cells_have_different_digests_though_the_file_is_the_same(tmp_path: Path, monkeypatch):
    path = write(tmp_path, "a.tsv", 'anchor\tpositive\n"He said ""no"""\tb\n')
    quoted = open_rows(path)
    monkeypatch.setattr("simemb.corpus.formats.is_quoted", lambda *_, **__: False)
    literal = open_rows(path)
    assert [*quoted.texts()] == [('He said "no"', "b")] != [*literal.texts()]
    assert (quoted.checksum(), quoted.columns) == (literal.checksum(), literal.columns)
    assert quoted.digest() != literal.digest()
