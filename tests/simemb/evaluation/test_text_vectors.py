"""What an evaluation asks an encoder for."""

import numpy as np
import pytest

from simemb.errors import ModelError
from simemb.evaluation.text_vectors import TextVectors
from simemb.evaluation.vector_cache import VectorCache


class Lengths:
    """A text is its length, and its length squared."""

    name = "lengths"

    def __init__(self):
        self.encoded: list[list[str]] = []

    def fingerprint(self) -> str:
        return "lengths"

    def encode(self, texts: list[str], *, batch_size: int | None = None, progress: bool | None = None) -> np.ndarray:
        del batch_size, progress
        self.encoded.append(texts)
        return np.array([[len(text), len(text) ** 2] for text in texts], np.float32).reshape(-1, 2)


def test_each_distinct_text_is_encoded_once_and_found_in_any_order():
    encoder = Lengths()
    vectors = TextVectors(encoder, iter(["a", "bb", "a", "ccc", "bb"]))
    assert encoder.encoded == [["a", "bb", "ccc"]]
    assert vectors[["ccc", "a", "ccc"]].tolist() == [[3, 9], [1, 1], [3, 9]]


def test_a_text_that_was_not_announced_is_a_mistake_of_the_caller():
    with pytest.raises(KeyError):
        TextVectors(Lengths(), ["a"])[["b"]]


def test_vectors_that_are_not_finite_are_refused_and_never_cached(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path))
    encoder = Lengths()
    encoder.encode = lambda texts, **_: np.full((len(texts), 2), np.nan, np.float32)  # type: ignore[method-assign]
    with pytest.raises(ModelError, match=r"2 of 2 texts .* not finite"):
        TextVectors(encoder, ["a", "b"], cache=VectorCache("broken"))
    assert not list(tmp_path.rglob("*.safetensors"))


def test_a_second_evaluation_takes_its_vectors_from_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path))
    first, second = Lengths(), Lengths()
    before = TextVectors(first, ["a", "bb"], cache=VectorCache("x")).matrix
    after = TextVectors(second, ["bb", "ccc", "a"], cache=VectorCache("x"))
    assert second.encoded == [["ccc"]]
    assert after[["a", "bb"]].tolist() == before.tolist()
