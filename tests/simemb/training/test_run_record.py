"""What a run and its continuation must have in common, and what may lie elsewhere."""

import copy
from pathlib import Path
from typing import Any

import pytest

from simemb.training.run_record import difference, is_record

RECORD: dict[str, Any] = {
    "recipe": {"guide": "a", "target": {"model": "b"}, "batch_size": 2},
    "run": {"model": "m", "fingerprint": "f", "data": "d.txt", "dev": "dev.tsv", "seed": 1},
    "data": {"digest": "1", "teacher": "2", "guide": "3"},
    "dev": {"digest": "4"},
}


def changed(path: str, value: str, record: dict[str, Any] = RECORD) -> dict[str, Any]:
    content = copy.deepcopy(record)
    inner = content
    *folders, name = path.split(".")
    for folder in folders:
        inner = inner[folder]
    inner[name] = value
    return content


@pytest.mark.parametrize(
    ("path", "digest"),
    [
        ("run.model", "run.fingerprint"),
        ("run.data", "data.digest"),
        ("run.dev", "dev.digest"),
        ("recipe.target.model", "data.teacher"),
        ("recipe.guide", "data.guide"),
    ],
)
def test_a_name_may_change_if_its_content_is_the_same(path: str, digest: str):
    moved = changed(path, "elsewhere")
    assert difference(moved, RECORD) is None
    section, _, name = path.partition(".")
    assert difference(changed(digest, "0", moved), RECORD) == f'{section}: {name} is now "elsewhere" and was ' + (
        {"run.model": '"m"', "run.data": '"d.txt"', "run.dev": '"dev.tsv"', "recipe.guide": '"a"'}.get(path, '"b"')
    )


def test_other_settings_and_other_content_differ():
    assert difference(changed("run.seed", "2"), RECORD) == 'run: seed is now "2" and was 1'
    assert difference(changed("data.digest", "0"), RECORD) == (
        "data: d.txt has as many rows as it had, with other texts in them"
    )
    both = {**RECORD, "run": {**RECORD["run"], "data": ["d.txt", "e.txt"]}}
    assert "d.txt, e.txt has as many rows" in str(difference(changed("data.digest", "0", both), both))
    assert difference(changed("run.fingerprint", "0"), RECORD) == "model: m has other weights than it had"
    assert difference(RECORD, {**RECORD, "data": {}, "dev": {}}) is not None
    assert difference(RECORD, {**RECORD, "dev": {}}) is None  # of an earlier revision


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"recipe": {}, "run": 3, "data": {}}'])
def test_only_what_has_the_sections_is_a_record(text: str, tmp_path: Path):
    (tmp_path / "recipe.json").write_text(text)
    assert not is_record(tmp_path / "recipe.json")
    (tmp_path / "recipe.json").write_text('{"recipe": {}, "run": {}, "data": {}}')
    assert is_record(tmp_path / "recipe.json")
