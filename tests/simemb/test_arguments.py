"""Arguments by their annotations: what passes, what it becomes, and the one line about what does not."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import pytest
import torch

from simemb.arguments import checked, checked_fields, kind_of, read, shown
from simemb.errors import ArgumentError


class Speaks(Protocol):
    """What has a voice."""

    name: str

    def speak(self) -> str: ...


class Dog:
    def speak(self) -> str:
        return "woof"


class OwnPath:
    def __fspath__(self) -> str:
        return "own"


def given(annotation: Any, value: Any) -> Any:
    kind = kind_of(annotation)
    assert kind is not None
    return read(kind, value, "it")


@pytest.mark.parametrize(
    ("annotation", "value", "becomes"),
    [
        (int, 3, 3),
        (int, np.int64(3), 3),
        (int, np.array(3), 3),
        (int, torch.tensor(3), 3),
        (float, 2, 2),
        (float, 2.5, 2.5),
        (float, np.float32(2.5), 2.5),
        (float, np.int8(2), 2),
        (float, torch.tensor(2.5), 2.5),
        (bool, True, True),
        (bool, np.bool_(False), False),
        (str, np.str_("a"), "a"),
        (int | None, None, None),
        (str | Path, "mini", "mini"),
        (str | Path, Path("mini"), Path("mini")),
        (str | os.PathLike[str], OwnPath(), Path("own")),
        (tuple[int, ...], [1, np.int64(2)], (1, 2)),
        (tuple[float, float], [0.9, 1], (0.9, 1)),
        (Sequence[str], (name for name in "ab"), ["a", "b"]),
        (Sequence[str] | None, np.array(["a", "b"]), ["a", "b"]),
        (str | Sequence[str] | None, ["a"], ["a"]),
    ],
)
def test_what_is_equal_in_meaning_becomes_what_the_annotation_says(annotation: Any, value: Any, becomes: Any) -> None:
    found = given(annotation, value)
    assert (type(found), found) == (type(becomes), becomes)


@pytest.mark.parametrize(
    ("annotation", "value", "line"),
    [
        (int, True, "it must be a whole number, not True"),
        (int, np.bool_(True), "it must be a whole number, not a bool"),
        (int, torch.tensor(True), "it must be a whole number, not a Tensor"),
        (int, 2.0, "it must be a whole number, not 2.0 (float)"),
        (int, "2", "it must be a whole number, not '2'"),
        (int | None, np.array([2]), "it must be a whole number or None, not an array of shape 1 (int64)"),
        (float, "2", "it must be a number, not '2'"),
        (float, np.array("2"), "it must be a number, not an array of shape () (<U1)"),
        (float, 2j, "it must be a number, not a complex"),
        (bool | None, 1, "it must be True or False or None, not 1 (int)"),
        (str, None, "it must be a string, not None"),
        (str, b"a", "it must be a string, not bytes"),
        (str | Path, "", "it must name something, not ''"),
        (str | Path, "a\0b", "it must name something, not 'a\\x00b'"),
        (str | Path | Dog, 7, "it must be a name, a path or a Dog, not 7 (int)"),
        (Dog, Dog, "it must be a Dog, not the class Dog"),
        (Speaks, 7, "it must be a Speaks, not 7 (int)"),
        (Speaks, Dog, "it must be a Speaks, not the class Dog"),
        (Literal["no", "bf16"], 16, "it must be one of no, bf16, not 16 (int)"),
        (Callable[[int], None] | None, 7, "it must be a function or None, not 7 (int)"),
        (Mapping[str, Any], [1], "it must be a dict, not a list"),
        (Sequence[str] | None, "text", "it must be a list of strings or None, not 'text'"),
        (Sequence[str], {"a": 1}, "it must be a list of strings, not a dict"),
        (Sequence[str], {"a"}, "it must be a list of strings, not a set"),
        (Sequence[str], ["a", 7], "it[1] must be a string, not 7 (int)"),
        (Sequence[int | Sequence[int]], [1, [2, "3"]], "it[1][1] must be a whole number, not '3'"),
        (tuple[float, float], 0.9, "it must be 2 numbers, not 0.9 (float)"),
        (tuple[float, float], (0.9,), "it must be 2 numbers, not 1"),
    ],
)
def test_what_does_not_fit_is_told_in_one_line(annotation: Any, value: Any, line: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        given(annotation, value)
    assert str(caught.value) == line


def test_a_protocol_is_known_by_its_methods() -> None:
    dog = Dog()
    assert given(Speaks, dog) is dog


def test_what_says_no_kind_is_left_to_the_function() -> None:
    from jaxtyping import Float

    assert kind_of(Any) is None
    assert kind_of(str | Any) is None
    assert kind_of(Float[torch.Tensor, "rows"]) is None


@checked
def paint(wall: str, *, color: Literal["red", "blue"] = "red", coats: int = 1) -> tuple[str, str, int]:
    """Paint a wall."""
    return wall, color, coats


def test_a_checked_function_is_called_with_what_its_annotations_say_and_keeps_its_name() -> None:
    assert paint("north", coats=np.int64(2)) == ("north", "red", 2)  # pyright: ignore[reportArgumentType]
    assert (paint.__name__, paint.__doc__) == ("paint", "Paint a wall.")


@pytest.mark.parametrize(
    ("arguments", "named", "line"),
    [
        (["north"], {"colour": "red"}, "unknown argument of paint() 'colour': did you mean 'color'?"),
        ([], {}, "paint(): missing a required argument: 'wall'"),
        (["north", "red"], {}, "paint(): too many positional arguments"),
    ],
)
def test_arguments_that_are_missing_unknown_or_too_many_are_told(
    arguments: list[Any], named: dict[str, Any], line: str
) -> None:
    with pytest.raises(ArgumentError) as caught:
        paint(*arguments, **named)
    assert str(caught.value).startswith(line)


def test_the_fields_of_a_dataclass_are_checked_before_its_own_rules() -> None:
    @checked_fields
    @dataclass(frozen=True)
    class Ladder:
        steps: int
        feet: tuple[str, ...] = ()

        def __post_init__(self) -> None:
            assert self.steps > 0

    assert repr(Ladder(np.int64(3), ["a"])).endswith("Ladder(steps=3, feet=('a',))")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ArgumentError, match=r"^steps must be a whole number, not 'three'"):
        Ladder("three")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ArgumentError, match=r"^unknown argument of Ladder\(\) 'step': did you mean 'steps'"):
        Ladder(step=3)  # pyright: ignore[reportCallIssue]


def test_a_long_string_is_cut() -> None:
    assert shown("a" * 100) == repr("a" * 60 + "...")


def test_a_path_may_begin_at_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from simemb.corpus.rows import open_rows
    from simemb.encoder.encoder import Encoder
    from simemb.search.index import Index

    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "texts.txt").write_text("a man\n")
    encoder = Encoder.load()
    assert isinstance(encoder, Encoder)
    assert encoder.save("~/model") == tmp_path / "model"
    assert Encoder.load("~/model").name == str(tmp_path / "model")
    assert Encoder.load(Path("~/model")).dim == encoder.dim
    Index.build("~/model", ["a man"], path="~/index")
    Index.load("~/index").save(Path("~/copy"))
    assert (tmp_path / "copy" / "index.json").is_file()
    assert list(open_rows("~/texts.txt").texts()) == [("a man",)]
    assert encoder.encode_to_file(["a man"], "~/vectors.npy") == 1
    assert (tmp_path / "vectors.npy").is_file()
