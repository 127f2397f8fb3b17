"""Which columns of a file are the texts, which one is the score, and which are left over."""

import logging
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from simemb.corpus.rows import open_rows
from simemb.errors import DataError


def write(folder: Path, name: str, content: str) -> str:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return str(path)


def parquet(folder: Path, columns: dict[str, object], name: str = "a.parquet") -> str:
    path = folder / name
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return str(path)


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
    row = "\t".join("a cat" for _ in header.split())
    rows = open_rows(write(tmp_path, "a.tsv", header.replace(" ", "\t") + f"\n{row}\n"))
    assert (rows.columns, rows.score, rows.ignored) == (columns, score, ignored)


def test_the_only_column_of_text_is_taken_with_a_notice(tmp_path: Path, caplog):
    with caplog.at_level(logging.WARNING, "simemb"):
        rows = open_rows(write(tmp_path, "a.csv", ",guid,texte,score\n0,x17,a man eats,1\n1,y18,the dog runs,2\n"))
    assert (rows.columns, rows.score, rows.ignored) == (("texte",), "score", ("", "guid"))
    assert "'texte' is the only one with text" in caplog.text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("left,right\na man eats,he eats it\n", r"left \('a man eats'\), right .*--columns left right; --no-header"),
        ("guid,number\n17,18\n", r"not certain \(it has: guid \('17'\), number \('18'\)\)"),
        ("cat\ndog\nfish\n", "not certain .*--columns cat; --no-header if the first line is data"),
        ("a man eats\na dog\n", r"first line looks like data \('a man eats'\).*--no-header reads it as a row"),
        ("2,a cat\n3,a dog\n", "first line looks like data .'2'.*--no-header"),
        ("sentence1;sentence2\na;b\n", "every line is cut by ';', .*: --delimiter ';' reads"),
        ("a man eats\the eats it\n", "every line is cut by tab, .*: --delimiter tab --no-header reads"),
    ],
)
def test_what_is_not_certain_is_refused_with_the_options_to_type(tmp_path: Path, content: str, message: str):
    with pytest.raises(DataError, match=message) as caught:
        open_rows(write(tmp_path, "a.csv", content))
    assert "\n" not in str(caught.value)


def test_a_table_between_tabs_is_no_text_file(tmp_path: Path):
    path = write(tmp_path, "snli.txt", 'gold_label\tsentence1\tsentence2\nneutral\t"a\tb\n')
    with pytest.raises(DataError, match="--delimiter tab reads them as columns; --columns sentence reads whole lines"):
        open_rows(path)
    assert list(open_rows(path, delimiter="tab").texts()) == [('"a', "b")]
    assert len(list(open_rows(path, columns=["sentence"]).texts())) == 2


def test_the_options_read_what_the_ending_does_not_say(tmp_path: Path):
    path = write(tmp_path, "a.csv", "a man eats;3\na dog;1\n")
    rows = open_rows(path, delimiter=";", header=False)
    assert (rows.columns, rows.ignored, list(rows.texts())) == (
        ("column1",),
        ("column2",),
        [("a man eats",), ("a dog",)],
    )
    for bad in ("", ";;", '"'):
        with pytest.raises(DataError, match="is not one character"):
            open_rows(path, delimiter=bad)
    with pytest.raises(DataError, match="leave out --delimiter and --no-header"):
        open_rows(write(tmp_path, "a.jsonl", '{"text": "a"}'), header=False)


def test_sts_benchmark_is_read_as_it_is_downloaded(tmp_path: Path):
    line = 'main-captions\tMSRvid\t2012test\t0001\t5.000\tA "plane, off.\tA jet.'
    rows = open_rows(write(tmp_path, "sts-dev.csv", f"{line}\n{line}\tlicense\tsource\n"))
    assert list(rows.scored()) == [('A "plane, off.', "A jet.", 5.0)] * 2


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


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["txt"], r"unknown column 'txt': did you mean 'text'\? \(allowed: text, title, score\)"),
        (["text", "text"], "columns text, text: give 1 to 3 different text columns"),
        ([], "columns none: give 1 to 3 different text columns"),
        (["score"], "column score holds scores or labels by its name, not texts: name a column of texts, or rename"),
    ],
)
def test_wrongly_named_columns_are_refused(tmp_path: Path, columns: list[str], message: str):
    with pytest.raises(DataError, match=message):
        open_rows(write(tmp_path, "a.csv", "text,title,score\na,b,1\n"), columns=columns)


@pytest.mark.parametrize("name", ["positive", "pos", "sentence2"])
@pytest.mark.parametrize("cells", [("1", "0"), ("True", "false"), ("0.5", "1,5")])
def test_a_text_by_its_name_that_holds_numbers_must_be_named(tmp_path: Path, name: str, cells: tuple[str, str]):
    path = write(tmp_path, "a.tsv", f"anchor\t{name}\na cat\t{cells[0]}\na dog\t{cells[1]}\n")
    with pytest.raises(
        DataError, match=f"column {name} has the name of a text and holds numbers.*--columns anchor {name}"
    ):
        open_rows(path)
    assert open_rows(path, columns=["anchor", name]).columns == ("anchor", name)


def test_numbers_are_no_third_text_either(tmp_path: Path):
    path = write(tmp_path, "a.csv", "left,right,grade\na,b,1\nc,d,2\n")
    rows = open_rows(path, columns=["left", "right", "grade"])
    assert (rows.columns, rows.score) == (("left", "right"), "grade")


@pytest.mark.parametrize("columns", [None, ["query", "pos"]])
def test_lists_that_were_printed_are_refused(tmp_path: Path, columns: list[str] | None):
    path = write(tmp_path, "a.csv", 'query,pos\na,"[\'a b\', \'b c\']"\nb,"[""it\'s""]"\n')
    with pytest.raises(DataError, match=r"column pos holds lists of texts .*\.jsonl or \.parquet"):
        open_rows(path, columns=columns)
    assert open_rows(path, columns=["query"]).columns == ("query",)


@pytest.mark.parametrize(
    ("header", "advice"),
    [
        ("anchor,negative,passage", "--columns anchor passage negative"),
        ("anchor,neg", "--columns anchor POSITIVE neg"),
        ("positive,negative", "--columns ANCHOR positive negative"),
        ("passage,positive", "--columns passage positive"),
    ],
)
def test_no_negative_is_proposed_as_a_positive(tmp_path: Path, header: str, advice: str):
    cells = ",".join("a cat" for _ in header.split(","))
    with pytest.raises(DataError, match=f"found, but no .*{advice} "):
        open_rows(write(tmp_path, "a.csv", f"{header}\n{cells}\n"))


@pytest.mark.parametrize(("cell", "reason"), [("17", "numbers"), ("...", "no letters")])
def test_a_column_without_text_is_named_with_the_reason(tmp_path: Path, cell: str, reason: str):
    with pytest.raises(DataError, match=f": amount holds {reason}") as caught:
        open_rows(write(tmp_path, "a.csv", f"amount\n{cell}\n"))
    assert "ANCHOR" not in str(caught.value)


def test_in_python_the_advice_is_an_argument():
    with pytest.raises(DataError, match=r"choose in this order: columns=\['left', 'right'\]$"):
        open_rows({"left": ["a cat"], "right": ["a dog"]})


@pytest.mark.parametrize("negatives", [("neg_1",), ("negative-1", "negative-2"), ("hard_negative1",)])
def test_negatives_may_be_numbered(tmp_path: Path, negatives: tuple[str, ...]):
    cells = ",".join("no" for _ in negatives)
    rows = open_rows(write(tmp_path, "a.csv", f"query,pos,{','.join(negatives)}\na,b,{cells}\n"))
    assert list(rows.texts()) == [("a", "b", "no")] * len(negatives)
