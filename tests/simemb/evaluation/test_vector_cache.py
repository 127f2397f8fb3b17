"""Vectors on the disk: found again bit for bit, by any process, whatever happened to the files."""

import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from damage import flipped
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

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


def rewritten(path: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    """Put other vectors in the place of those of a file, which stays a file that can be read."""
    content = load_file(path)
    save_file({"keys": content["keys"], "vectors": change(content["vectors"])}, path)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "no safetensors": lambda path: path.write_bytes(b"no safetensors"),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-3]),
    "other numbers": lambda path: rewritten(path, lambda vectors: vectors[::-1] + np.float32(0.5)),
    "not finite": lambda path: rewritten(path, lambda vectors: vectors * np.float32("nan")),
    "another width": lambda path: rewritten(path, lambda vectors: vectors[:, :3].copy()),
    "another type": lambda path: rewritten(path, lambda vectors: vectors.astype(np.float64)),
    "fewer vectors": lambda path: rewritten(path, lambda vectors: vectors[:1].copy()),
    "a bit of a vector": lambda path: flipped(path, -2),
    "a bit of the header": lambda path: flipped(path, 40),
    "a bit of a key": lambda path: flipped(path, path.read_bytes().index(digest("a"))),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_is_not_what_was_written_is_computed_anew(cache: Path, caplog, damage: str):
    VectorCache("one", 5).get_or_encode(["a", "b"], number)
    (path,) = cache.rglob("*.safetensors")
    DAMAGES[damage](path)
    again = VectorCache("one", 5).get_or_encode(["a", "b"], number)
    assert again.tobytes() == number(["a", "b"]).tobytes()
    assert caplog.text.count("it is made anew") == 1
    assert VectorCache("one", 5).get_or_encode(["a", "b"], refuse).tobytes() == again.tobytes()


def test_the_file_of_another_encoder_is_not_read(cache: Path):
    VectorCache("one").get_or_encode(["a"], number)
    VectorCache("two").get_or_encode(["a"], lambda texts: -number(texts))
    one, two = (path for name in ("one", "two") for path in VectorCache(name).folder.glob("*.safetensors"))
    one.replace(two)
    assert VectorCache("two").get_or_encode(["a"], lambda texts: -number(texts)).tobytes() == (-number(["a"])).tobytes()


def test_vectors_of_another_length_than_those_of_the_encoder_are_not_read():
    VectorCache("one", 5).get_or_encode(["a"], number)
    wider = VectorCache("one", 10).get_or_encode(["a", "b"], lambda texts: np.hstack([number(texts)] * 2))
    assert wider.shape == (2, 10)


def test_a_damaged_file_in_a_folder_that_may_only_be_read_does_not_end_the_work(cache: Path, monkeypatch):
    VectorCache("one").get_or_encode(["a"], number)
    (path,) = cache.rglob("*.safetensors")
    path.write_bytes(b"")

    def refused(_: Path, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refused)
    monkeypatch.setattr(Path, "mkdir", refused)
    assert VectorCache("one").get_or_encode(["a"], number).tobytes() == number(["a"]).tobytes()


def test_where_nothing_can_be_written_everything_still_works(monkeypatch, tmp_path, caplog):
    file = tmp_path / "file"
    file.write_text("in the way")
    monkeypatch.setenv("SIMEMB_CACHE", str(file))
    assert VectorCache("one").get_or_encode(["a"], number).tobytes() == number(["a"]).tobytes()
    assert "cannot be cached" in caplog.text


def test_a_place_whose_name_is_too_long_is_a_place_where_nothing_can_be_written(monkeypatch, caplog):
    monkeypatch.setenv("SIMEMB_CACHE", "a" * 300)
    assert VectorCache("one").get_or_encode(["a"], number).tobytes() == number(["a"]).tobytes()
    assert "cannot be cached: File name too long" in caplog.text


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
    (VectorCache("middle").folder / "mine.txt").write_text("of the user")
    (cache / "mine").mkdir()
    shrink(cache, 0, keep=VectorCache("new").folder)
    assert {*cache.iterdir()} == {VectorCache("middle").folder, VectorCache("new").folder, cache / "mine"}
    shutil.rmtree(VectorCache("middle").folder)
    (cache / "mine").rmdir()
    monkeypatch.setattr(vector_cache, "LIMIT", 0)
    VectorCache("latest").get_or_encode(["a"], number)
    assert [*cache.iterdir()] == [VectorCache("latest").folder]
