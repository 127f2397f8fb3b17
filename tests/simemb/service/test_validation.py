"""A value of JSON read by its schema agrees with jsonschema on what fits, fills in defaults, and names the place."""

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simemb.service.bodies import parse
from simemb.service.refusals import SYNTAX, TOO_LARGE, Refusal
from simemb.service.validation import read

NUMBER = {"type": "integer", "minimum": 0, "maximum": 9}
SCHEMAS: list[dict[str, Any]] = [
    NUMBER,
    {"type": ["boolean", "null"]},
    {"type": ["string", "null"], "enum": ["a", "b", None]},
    {"type": "array", "items": NUMBER, "minItems": 1, "maxItems": 2},
    {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}], "title": "a text or texts"},
    {"type": "object", "properties": {"a": NUMBER, "b": {"type": ["number", "null"]}}, "required": ["a"]},
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 11) | st.sampled_from([1.0, 2.5, "a", "b", "c"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
@given(value=VALUES)
@settings(max_examples=200)
def test_what_is_read_is_what_jsonschema_allows(schema: dict[str, Any], value: Any) -> None:
    assert _fits(value, schema) == jsonschema_rs.Draft202012Validator(schema).is_valid(value)


def _fits(value: Any, schema: Any) -> bool:
    try:
        read(value, schema, "it")
    except Refusal:
        return False
    return True


def test_defaults_stand_for_what_is_absent_or_null() -> None:
    flag = {"type": ["boolean", "null"], "default": True}
    schema = {"type": "object", "properties": {"a": flag, "b": {"default": 5}}}
    assert read({"a": None, "unknown": 1}, schema) == {"a": True, "b": 5}
    assert read({"a": False, "b": 6}, schema) == {"a": False, "b": 6}


@pytest.mark.parametrize(
    ("value", "schema", "message", "param"),
    [
        ({}, SCHEMAS[5], "a is missing", "a"),
        ({"a": 10}, SCHEMAS[5], "a must be in 0 to 9, not 10", "a"),
        ([0, "x"], SCHEMAS[3], "it[1] must be a whole number, not 'x'", "it[1]"),
        (True, NUMBER, "it must be a whole number, not True", "it"),
        (5, SCHEMAS[4], "it must be a text or texts, not 5 (int)", "it"),
        (["a", 5], SCHEMAS[4], "it[1] must be a string, not 5 (int)", "it[1]"),
    ],
)
def test_a_complaint_names_the_place(value: Any, schema: Any, message: str, param: str) -> None:
    name = "" if isinstance(value, dict) else "it"
    with pytest.raises(Refusal) as caught:
        read(value, schema, name)
    assert (str(caught.value), caught.value.param) == (message, param)


def test_too_many_is_another_kind_of_refusal() -> None:
    with pytest.raises(Refusal, match=r"it has 3 items \(allowed: 2 at most\)") as caught:
        read([1, 2, 3], SCHEMAS[3], "it")
    assert caught.value.kind is TOO_LARGE


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"NaN", b'{"a": Infinity}', b"[" * 100_000, b"9" * 5000, b"\xff", b'"\\', '{"ä": 1}'.encode("utf-16")],
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(Refusal, match=r"the body is (not JSON|nested too deeply)") as caught:
        parse(body)
    assert caught.value.kind is SYNTAX
