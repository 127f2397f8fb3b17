"""JSON lines that Python itself gives up on: one line, with the number of theirs."""

from pathlib import Path

import pytest

from simemb.corpus.rows import open_rows
from simemb.errors import DataError


@pytest.mark.parametrize(
    ("value", "words"),
    [("[" * 100_000 + "]" * 100_000, "nested too deeply"), ("9" * 5000, "4300 digits"), ("[1", "not valid JSON")],
)
def test_json_that_cannot_be_read_is_named_by_its_line(value: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"text": "a"}}\n{{"text": "b", "x": {value}}}\n')
    with pytest.raises(DataError, match=rf"a\.jsonl, line 2.*{words}") as caught:
        list(open_rows(path).texts())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("line", ['{"text": "b", "text": "c"}', '{"text": "b", "meta": {"x": 1, "text": 2, "x": 3}}'])
def test_a_key_that_comes_twice_is_refused(line: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"text": "a", "meta": {{"text": "a"}}}}\n{line}\n')
    with pytest.raises(DataError, match=r"a\.jsonl, line 2: .*the key '(text|x)' comes twice in one object"):
        open_rows(path)
