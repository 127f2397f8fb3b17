"""Files that are laid out otherwise than their ending says."""

from pathlib import Path

import pytest

from simemb.corpus.rows import open_rows
from simemb.errors import DataError


def refusal(path: Path, content: str) -> str:
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        open_rows(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "shown", "option"),
    [
        ('id;text\n1;"one\ntwo"\n2;"three"\n', "';' into 'id', 'text'", "--delimiter ';' reads"),
        ('"id"|"text"\n1|"one\ntwo"\n', "'|' into 'id', 'text'", "--delimiter '|' reads"),
        ('Text\tscore\n"one\ntwo"\t1\n', "tab into 'Text', 'score'", "--delimiter tab reads"),
    ],
)
def test_a_header_alone_can_show_the_delimiter(content: str, shown: str, option: str, tmp_path: Path) -> None:
    message = refusal(tmp_path / "a.csv", content)
    assert f"the header is cut by {shown}" in message
    assert option in message


def test_a_header_with_the_delimiter_of_its_ending_is_not_suspected(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id;label,text\n1,one\n")
    assert list(open_rows(path).texts()) == [("one",)]


def test_names_over_numbers_are_not_taken_for_data(tmp_path: Path) -> None:
    mrpc = "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t702876\t702977\tA man ran off.\tOff ran a man.\n"
    message = refusal(tmp_path / "msr.tsv", mrpc)
    assert "looks like data" not in message
    assert "#1 String ('A man ran off.')" in message
    data = "A man ran off.\tOff ran a man.\t3\nA dog.\tA cat.\t1\n"
    assert "looks like data" in refusal(tmp_path / "b.tsv", data)
