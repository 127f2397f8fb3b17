"""Word embeddings from a teacher: their values against a plain computation, their scale, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file
from transformers import AutoModelForMaskedLM, AutoTokenizer

from simemb import Encoder
from simemb.cli import main
from simemb.encoder.untrained import SPECIAL, new
from simemb.encoder.word_vectors import word_vectors
from simemb.errors import ModelError

PIECES = ["man", "dog", "##s", "house", "red", "##", "guitar", "boat"]


def plain(pieces: list[str], encoder: Encoder) -> np.ndarray:
    """One text at a time, centered by hand."""
    rows = []
    for piece in pieces:
        text = piece[2:] if piece.startswith("##") and len(piece) > 2 else piece
        vector = encoder.encode([text])[0].astype(np.float64)
        rows.append(vector / np.sqrt((vector**2).sum()))
    mean = sum(rows) / len(rows)
    return np.stack([row - mean for row in rows])


@pytest.fixture
def teacher(tiny_base: Path) -> Encoder:
    encoder = Encoder.load(tiny_base, pooling="mean")
    assert isinstance(encoder, Encoder)
    return encoder


def test_a_word_is_the_centered_vector_of_the_teacher(teacher: Encoder) -> None:
    centered = plain(PIECES, teacher)
    vectors = word_vectors(PIECES, teacher, teacher.dim)
    scale = np.sqrt((centered**2).sum(axis=1).mean())
    np.testing.assert_allclose(vectors, centered / scale, atol=1e-5)
    assert vectors.dtype == np.float32


def test_a_narrower_width_keeps_the_directions_of_largest_variance(teacher: Encoder) -> None:
    centered = plain(PIECES, teacher)
    _, values, directions = np.linalg.svd(centered, full_matrices=False)
    expected = centered @ directions[:3].T
    vectors = word_vectors(PIECES, teacher, 3)
    assert (vectors**2).sum(axis=1).mean() == pytest.approx(1, rel=1e-5)
    np.testing.assert_allclose(  # a direction may point either way
        np.abs(vectors), np.abs(expected) / np.sqrt((values[:3] ** 2).sum() / len(PIECES)), atol=1e-4
    )


def test_a_new_model_starts_from_the_words_and_nothing_else_changes(
    tiny_base: Path, teacher: Encoder, sentences_file: Path, tmp_path: Path
) -> None:
    size = {"vocabulary": 150, "layers": 1, "width": 16, "heads": 2, "length": 24}
    plain_model = new(tmp_path / "plain", sentences_file, **size)
    model = new(tmp_path / "words", sentences_file, words_from=teacher, **size)
    words, random = (each.bert.embeddings.word_embeddings.weight.detach() for each in (model, plain_model))
    tokens = AutoTokenizer.from_pretrained(tmp_path / "words")
    pieces = tokens.convert_ids_to_tokens(list(range(len(SPECIAL), len(tokens))))
    np.testing.assert_array_equal(words[len(SPECIAL) :].numpy(), word_vectors(pieces, teacher, 16))
    assert words[: len(SPECIAL)].equal(random[: len(SPECIAL)])
    saved = AutoModelForMaskedLM.from_pretrained(tmp_path / "words").state_dict()
    for name, weight in plain_model.state_dict().items():
        if "word_embeddings" not in name and "decoder.weight" not in name:
            assert weight.equal(saved[name]), name


def test_the_command_line_takes_the_teacher_by_its_name(
    tiny_base: Path, teacher: Encoder, sentences_file: Path, tmp_path: Path
) -> None:
    words = ["new", str(tmp_path / "out"), "--data", str(sentences_file), "--vocabulary", "150", "--layers", "1"]
    words += ["--width", "16", "--heads", "2", "--length", "24", "--words-from", str(tiny_base)]
    assert main(words) == 0
    size = {"vocabulary": 150, "layers": 1, "width": 16, "heads": 2, "length": 24}
    new(tmp_path / "api", sentences_file, words_from=teacher, **size)
    first, second = (load_file(tmp_path / name / "model.safetensors") for name in ("out", "api"))
    assert all(first[name].equal(second[name]) for name in second)


def test_a_teacher_that_is_too_narrow_is_refused_before_anything_is_learnt(
    tiny_base: Path, sentences_file: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="vectors of 32 dimensions: too few for word embeddings of 64"):
        new(tmp_path / "out", sentences_file, width=64, heads=4, words_from=tiny_base)
    assert not (tmp_path / "out").exists()
