"""JSON in the shape that a reader declares: what fits, and the place of what does not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from simemb.records import shaped


@dataclass(frozen=True)
class File:
    name: str
    size: int


@dataclass(frozen=True)
class Folder:
    files: tuple[File, ...]
    share: float = 0.5
    data: str | tuple[str, ...] = ()
    counts: Mapping[str, int] | None = None
    inner: "Folder | None" = None
    more: Any = None


def test_content_becomes_what_it_is_declared_as() -> None:
    inner = {"files": [], "unknown": True}
    content = {"files": [{"name": "a", "size": 3}], "share": 1, "data": ["x"], "counts": {"a": 1}, "inner": inner}
    expected = Folder((File("a", 3),), share=1, data=("x",), counts={"a": 1}, inner=Folder(()))
    assert shaped(content, Folder) == expected


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], "it must be an object, not a list"),
        ({}, "files is missing"),
        ({"files": None}, "files must be a list of"),
        ({"files": {"name": "a"}}, "files must be a list of"),
        ({"files": [{"name": "a", "size": 1}, {"name": "b"}]}, r"files\[1\].size is missing"),
        ({"files": [{"name": "a", "size": "1"}]}, r"files\[0\].size must be a whole number, not '1'"),
        ({"files": [{"name": "a", "size": True}]}, r"files\[0\].size must be a whole number, not True"),
        ({"files": [{"name": "a", "size": 1.5}]}, r"files\[0\].size must be a whole number, not 1.5"),
        ({"files": [{"name": None, "size": 1}]}, r"files\[0\].name must be a string, not None"),
        ({"files": [], "share": "half"}, "share must be a number, not 'half'"),
        ({"files": [], "data": [1]}, "data must be a string, not a list"),
        ({"files": [], "counts": {"a": []}}, "counts.a must be a whole number, not a list"),
        ({"files": [], "counts": [1]}, "counts must be an object, not a list"),
        ({"files": [], "inner": {"files": 1}}, "inner.files must be a list of"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(content: Any, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}"):
        shaped(content, Folder)
