"""Vectors on the disk: found again bit for bit, by any process, whatever happened to the files."""

import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simemb.evaluation import vector_cache
from simemb.evaluation.vector_cache import VectorCache, digest, shrink


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path))
    return tmp_path / "vectors"


def number(texts: list[str]) -> np.ndarray:
    """A vector that depends on every character of a text."""
    return np.array([np.frombuffer(digest(text), np.uint8)[:5] / 7 for text in texts], np.float32).reshape(-1, 5)


def refuse(texts: list[str]) -> np.ndarray:
    raise AssertionError(f"asked for {texts}")


def test_what_was_computed_is_found_bit_for_bit_and_nothing_is_computed_twice():
    texts = ["a", "", "b\ud800", "中文", "a long " * 1000]
    first = VectorCache("one").get_or_encode(texts, number)
    again = VectorCache("one").get_or_encode(texts[::-1], refuse)
    assert again[::-1].tobytes() == first.tobytes() == number(texts).tobytes()


def test_an_encoder_never_gets_the_vectors_of_another():
    VectorCache("one").get_or_encode(["a"], number)
    encoded: list[str] = []
    VectorCache("two").get_or_encode(["a"], lambda texts: encoded.extend(texts) or number(texts))
    assert encoded == ["a"]


def test_another_release_computes_anew(monkeypatch):
    VectorCache("one").get_or_encode(["a"], number)
    monkeypatch.setattr(vector_cache, "version", lambda _: "99.0")
    encoded: list[str] = []
    VectorCache("one").get_or_encode(["a"], lambda texts: encoded.extend(texts) or number(texts))
    assert encoded == ["a"]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.text(max_size=3), unique=True, max_size=6), max_size=5), st.uuids())
def test_any_order_of_questions_has_the_same_answers(questions, name):
    for texts in questions:
        assert VectorCache(str(name)).get_or_encode(texts, number).tobytes() == number(texts).tobytes()


@pytest.mark.parametrize("damage", [b"", b"no safetensors", None])
def test_a_damaged_file_is_named_removed_and_computed_anew(cache, caplog, damage):
    VectorCache("one").get_or_encode(["a", "b"], number)
    (path,) = cache.rglob("*.safetensors")
    path.write_bytes(path.read_bytes()[:-3] if damage is None else damage)
    again = VectorCache("one").get_or_encode(["a", "b"], number)
    assert again.tobytes() == number(["a", "b"]).tobytes()
    assert caplog.text.count("it is made anew") == 1
    assert VectorCache("one").get_or_encode(["a", "b"], refuse).tobytes() == again.tobytes()


def test_where_nothing_can_be_written_everything_still_works(monkeypatch, tmp_path, caplog):
    file = tmp_path / "file"
    file.write_text("in the way")
    monkeypatch.setenv("SIMEMB_CACHE", str(file))
    assert VectorCache("one").get_or_encode(["a"], number).tobytes() == number(["a"]).tobytes()
    assert "cannot be cached" in caplog.text


def test_many_at_once_leave_a_whole_cache():
    def work(place: int) -> None:
        VectorCache("shared").get_or_encode([f"text {i}" for i in range(place, place + 20)], number)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    texts = [f"text {i}" for i in range(27)]
    assert VectorCache("shared").get_or_encode(texts, refuse).tobytes() == number(texts).tobytes()


def test_what_was_not_added_to_for_longest_goes_first_when_there_is_too_much(cache, monkeypatch):
    for age, name in enumerate(("new", "middle", "old")):
        VectorCache(name).get_or_encode(["a", "b"], number)
        stamp = time.time() - 1000 * age
        os.utime(VectorCache(name).folder, (stamp, stamp))
    size = sum(file.stat().st_size for file in VectorCache("old").folder.iterdir())
    shrink(cache, 2 * size, keep=VectorCache("new").folder)
    assert {*cache.iterdir()} == {VectorCache("middle").folder, VectorCache("new").folder}
    monkeypatch.setattr(vector_cache, "LIMIT", 0)
    VectorCache("latest").get_or_encode(["a"], number)
    assert [*cache.iterdir()] == [VectorCache("latest").folder]
