"""What a teacher makes of the texts: every text once, found again, made anew where it is damaged."""

import errno
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from damage import flipped

from simemb import FalseNegatives, InfoNCE, fit
from simemb.corpus.rows import open_rows
from simemb.encoder.encoder import Encoder
from simemb.encoder.vector_files import NpyWriter
from simemb.errors import RecipeError, TrainingError
from simemb.files import cache_folder
from simemb.method.recipe_files import find
from simemb.method.targets import Frozen
from simemb.training.teacher_vectors import mixed, vectors_of
from simemb.transformer import int8_layers

PAIRS = [("a red dog", "the dog"), ("a cat", "the small cat"), ("the old man", "a man")]


@pytest.fixture
def teacher(tiny_base: Path) -> Any:
    return Encoder.load(tiny_base, pooling="mean")


def cached() -> list[Path]:
    return sorted((cache_folder() / "vectors").glob("*.npy"))


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path / "cache"))


def test_every_row_has_the_vector_of_its_text(teacher: Any):
    known = vectors_of(open_rows(PAIRS), teacher, {0, 1}, progress=False)
    for column in (0, 1):
        np.testing.assert_allclose(known[column], teacher.encode([pair[column] for pair in PAIRS]), atol=1e-6)


def test_what_was_computed_is_found_again(teacher: Any, monkeypatch: pytest.MonkeyPatch):
    first = vectors_of(open_rows(PAIRS), teacher, {1}, progress=False)
    monkeypatch.setattr(type(teacher), "encode_to_file", lambda *_, **__: pytest.fail("encoded twice"))
    again = vectors_of(open_rows(PAIRS), teacher, {1}, progress=False)
    np.testing.assert_array_equal(again[1], first[1])


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "no array": lambda path: path.write_bytes(b"no array"),
    "half a header": lambda path: path.write_bytes(b"\x93NUMPY\x01\x00"),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "random numbers": lambda path: np.save(path, np.random.default_rng(0).random(np.load(path).shape, np.float32)),
    "not finite": lambda path: np.save(path, np.load(path) * np.float32("inf")),
    "another width": lambda path: np.save(path, np.load(path)[:, :3]),
    "more than the file holds": lambda path: path.write_bytes(path.read_bytes().replace(b"(3, ", b"(9, ")),
    "a bit of a vector": lambda path: flipped(path, -2),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_is_not_what_was_written_is_made_anew(
    teacher: Any, damage: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    first = np.array(vectors_of(open_rows(PAIRS), teacher, {0}, progress=False)[0])
    (path,) = cached()
    DAMAGES[damage](path)
    np.testing.assert_array_equal(vectors_of(open_rows(PAIRS), teacher, {0}, progress=False)[0], first)
    assert caplog.text.count("it is made anew") == 1
    monkeypatch.setattr(type(teacher), "encode_to_file", lambda *_, **__: pytest.fail("encoded twice"))
    np.testing.assert_array_equal(vectors_of(open_rows(PAIRS), teacher, {0}, progress=False)[0], first)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_cache_that_cannot_be_written_is_said_once_and_done_without(
    teacher: Any, code: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    def fails(writer: NpyWriter, *blocks: Any) -> None:
        if writer.file.name.startswith(str(cache_folder())):
            raise OSError(code, os.strerror(code))
        append(writer, *blocks)

    append = NpyWriter.append
    monkeypatch.setattr(NpyWriter, "append", fails)
    known = vectors_of(open_rows(PAIRS), teacher, {0, 1}, progress=False)
    for column in (0, 1):
        np.testing.assert_allclose(known[column], teacher.encode([pair[column] for pair in PAIRS]), atol=1e-6)
    assert caplog.text.count(f"cannot be written ({os.strerror(code)}): it is done without") == 1
    assert not cache_folder().exists()


def test_the_file_of_another_column_is_not_read(teacher: Any):
    first = np.array(vectors_of(open_rows(PAIRS), teacher, {0, 1}, progress=False)[0])
    one, two = cached()
    shutil.copy(one, two)
    np.testing.assert_array_equal(vectors_of(open_rows(PAIRS), teacher, {0, 1}, progress=False)[0], first)


def test_other_texts_or_another_teacher_have_a_file_of_their_own(teacher: Any):
    vectors_of(open_rows(PAIRS), teacher, {0}, progress=False)
    vectors_of(open_rows(PAIRS[:2]), teacher, {0}, progress=False)
    teacher.pooling = "cls"
    vectors_of(open_rows(PAIRS), teacher, {0}, progress=False)
    assert len(cached()) == 3


def test_a_run_does_not_go_on_with_another_guide_under_the_same_name(
    tiny_base: Path, teacher: Any, sentences_file: Path, tmp_path: Path
):
    guide = teacher.save(tmp_path / "guide")
    objective = InfoNCE(false_negatives=FalseNegatives(threshold=0.9, guided=True))
    recipe = replace(find("simcse"), objective=objective, guide=str(guide), batch_size=8, max_steps=2)
    options: Any = {"output": tmp_path / "run", "dev": "none"}
    fit(recipe, tiny_base, sentences_file, **options)
    teacher.pooling = "cls"
    teacher.save(guide, overwrite=True)
    with pytest.raises(TrainingError, match="cannot resume with another data: guide is now"):
        fit(recipe, tiny_base, sentences_file, **options, resume=True)


@pytest.mark.skipif(int8_layers.missing() is not None, reason="int8 cannot be had here")
def test_a_teacher_in_int8_gives_nearly_the_same_vectors_and_has_a_file_of_its_own(tiny_base: Path, tmp_path: Path):
    recipe = replace(find("distil_similarity"), batch_size=3, max_steps=1)
    for precision in ("float32", "int8"):
        target = replace(recipe.target, model=str(tiny_base), precision=precision)
        fit(replace(recipe, target=target), tiny_base, PAIRS, output=tmp_path / precision, dev="none")
    first, second = (np.load(path) for path in cached())
    assert not np.array_equal(first, second)
    cosines = (first * second).sum(axis=1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    assert cosines.min() > 0.98


def test_a_precision_that_does_not_exist_is_refused():
    with pytest.raises(RecipeError, match="did you mean 'int8'"):
        replace(find("distil"), target=Frozen(precision="int"))  # type: ignore[arg-type]


def test_the_cosines_of_mixed_vectors_are_the_weighted_means_of_those_of_the_parts():
    random = np.random.default_rng(0)
    first, second = (random.standard_normal((6, dim)).astype(np.float32) for dim in (3, 5))
    second[2] = 0
    for weights, share in (((), 0.5), ((1.0, 3.0), 0.25)):
        both = mixed([{0: first}, {0: second}], weights)[0][[0, 2, 4]]
        assert both.shape == (3, 8)
        assert both.dtype == np.float32
        for one, row in enumerate((0, 2, 4)):
            for other, column in enumerate((0, 2, 4)):
                means = [cosine(first[row], first[column]), cosine(second[row], second[column])]
                expected = share * means[0] + (1 - share) * means[1]
                assert both[one] @ both[other] == pytest.approx(expected, abs=1e-6)


def test_the_vectors_of_a_single_guide_stay_as_they_are():
    vectors = np.ones((2, 3), np.float32)
    assert mixed([{0: vectors}])[0] is vectors
    assert mixed([]) == {}


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b) / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-12)


def test_a_recipe_of_two_guides_reads_the_texts_with_both(teacher: Any, tiny_base: Path, tmp_path: Path):
    guide = teacher.save(tmp_path / "guide")
    names = (str(guide), str(tiny_base))
    recipe = replace(find("rankcse"), guide=names, guide_weights=(1.0, 2.0), batch_size=3, max_steps=2)
    fit(recipe, tiny_base, PAIRS * 2, output=tmp_path / "run", dev="none", progress=False)
    record = json.loads((tmp_path / "run" / "recipe.json").read_text())
    assert record["recipe"]["guide"] == list(names)
    assert record["data"]["guide"] == f"{teacher.fingerprint()} {Encoder.load(tiny_base).fingerprint()}"
    assert find(str(tmp_path / "run" / "recipe.json")).guides == names
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert {"term_0", "term_1", "term_2"} <= set(next(line for line in lines if "loss" in line))
