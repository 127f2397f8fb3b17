"""JSON in files of other names and in other shapes than an object a line."""

import io
import logging
import sys
from pathlib import Path

import pytest

from simemb.corpus.json_shape import are_objects
from simemb.corpus.rows import open_rows
from simemb.errors import DataError

OBJECTS = '{"id": 1, "text": "a dog, a cat"}\n\n{"id": 2, "text": "a bird"}\n'
FAULTS = [
    ('[{"id": 1, "text": "a"}, {"id": 2, "text": "b"}]', r"a JSON array, .*jq -c '\.\[\]' FILE"),
    ('[\n  {"text": "a"},\n  {"text": "b"}\n]\n', r"a JSON array, .*jq -c '\.\[\]' FILE"),
    ('[\n  {\n    "text": "a"\n  }\n]\n', r"a JSON array, .*jq -c '\.\[\]' FILE"),
    ('{\n  "text": "a"\n}\n{\n  "text": "b"\n}\n', r"JSON over several lines, .*jq -c \. FILE"),
    ('{"text": "a"},\n{"text": "b"}\n', r"a comma after an object, .*sed 's/,\$//'"),
]


@pytest.mark.parametrize("ending", ["jsonl", "json", "txt", "csv", "tsv"])
@pytest.mark.parametrize(("content", "message"), FAULTS)
def test_json_that_is_not_an_object_a_line_is_refused_with_the_way_out(
    content: str, message: str, ending: str, tmp_path: Path
) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_text(content)
    with pytest.raises(DataError, match=rf"a\.{ending} has {message}") as caught:
        open_rows(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("ending", ["json", "txt", "csv", "tsv"])
def test_json_lines_of_another_name_are_refused_with_the_name_they_need(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_text(OBJECTS)
    with pytest.raises(DataError, match=rf"a\.{ending} has JSON objects, one a line: let its name end in \.jsonl"):
        open_rows(path)


def test_whole_lines_are_read_where_the_user_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(OBJECTS)
    assert len(list(open_rows(path, columns=["sentence"]).texts())) == 2


def test_json_lines_from_standard_input_are_read_as_such(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(OBJECTS.encode())))
    with caplog.at_level(logging.WARNING, "simemb"):
        rows = open_rows("-")
    assert list(rows.texts()) == [("a dog, a cat",), ("a bird",)]
    assert "standard input: each line is a JSON object and read as one" in caplog.text
    del rows
    assert not list(tmp_path.iterdir())


def test_a_sentence_in_braces_is_no_object() -> None:
    assert not are_objects(['{"text": "a"}', "{sic}"])
    assert not are_objects([])
