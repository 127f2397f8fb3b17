"""Static models made of an encoder: every step against loops, and what is written."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from families import SENTENCES, make_encoder
from tokenizers import Tokenizer, models

from simemb.comparison import provenance
from simemb.corpus.rows import open_rows
from simemb.encoder.encoder import Encoder
from simemb.encoder.modules import Normalize
from simemb.encoder.static import StaticEncoder
from simemb.encoder.static_distillation import distil_static, token_vectors, zipf
from simemb.encoder.static_vocabulary import added_words
from simemb.errors import DataError, ModelError

DATA = [*SENTENCES, "a man plays the guitar", "zebras zebras zebras plays"]


@pytest.fixture(scope="module")
def teacher() -> Encoder:
    return make_encoder()


def slow_table(teacher: Encoder, dim: int, a: float, chances: dict[int, float] | None = None) -> np.ndarray:
    """Up to the sign of each dimension: centered on ordinary tokens, principal components by SVD, SIF weights."""
    tokenizer: Any = teacher.tokenizer
    count = len(tokenizer)
    vectors = {
        token: teacher.embed([[tokenizer.cls_token_id, token, tokenizer.sep_token_id]])[0].astype(np.float64)
        for token in range(count)
        if token not in tokenizer.all_special_ids
    }
    mean = sum(vectors.values()) / len(vectors)
    _, _, directions = np.linalg.svd(np.stack([vector - mean for vector in vectors.values()]))
    if chances is None:
        total = sum(1 / (rank + 1) for rank in range(1, len(vectors) + 1))
        chances = {token: 1 / (rank + 1) / total for rank, token in enumerate(vectors, start=1)}
    table = np.zeros((count, dim))
    for token, vector in vectors.items():
        table[token] = a / (a + chances.get(token, 0)) * (directions[:dim] @ (vector - mean))
    return table


def assert_same_up_to_signs(table: np.ndarray, expected: np.ndarray) -> None:
    signs = np.sign((table * expected).sum(axis=0))
    np.testing.assert_allclose(table, expected * signs, atol=2e-4)


@pytest.mark.parametrize(("dim", "a"), [(4, 1e-4), (8, 0.1)])
def test_the_table_is_what_the_formula_says(teacher: Encoder, tmp_path: Path, dim: int, a: float):
    made = distil_static(teacher, tmp_path / "static", dim=dim, sif=a)
    assert_same_up_to_signs(made.table.numpy(), slow_table(teacher, dim, a))


def test_with_data_a_token_counts_by_its_share_of_them(teacher: Encoder, tmp_path: Path):
    made = distil_static(teacher, tmp_path / "static", dim=4, sif=0.01, data=DATA)
    counts: dict[int, int] = {}
    for text in DATA:
        for token in teacher.tokenizer(text, add_special_tokens=False)["input_ids"]:
            counts[token] = counts.get(token, 0) + 1
    total = sum(counts.values())
    expected = slow_table(teacher, 4, 0.01, {token: count / total for token, count in counts.items()})
    assert_same_up_to_signs(made.table.numpy(), expected)


def test_the_lengths_of_the_teachers_vectors_count_even_if_it_normalizes_them(teacher: Encoder, tmp_path: Path):
    normalizing = make_encoder(tail=(Normalize(),))
    made = distil_static(normalizing, tmp_path / "static", dim=4)
    assert_same_up_to_signs(made.table.numpy(), slow_table(teacher, 4, 1e-4))
    assert len(normalizing.tail) == 1


def test_zipf_is_a_distribution_over_ordinary_tokens_that_falls():
    ordinary = np.array([False, True, True, False, True])
    shares = zipf(ordinary)
    assert shares.sum() == pytest.approx(1)
    assert shares[~ordinary].tolist() == [0, 0]
    np.testing.assert_allclose(shares[ordinary] / shares[1], [1, 2 / 3, 2 / 4])


def test_words_of_the_data_become_tokens_with_the_teachers_vector_of_the_word(teacher: Encoder, tmp_path: Path):
    made = distil_static(teacher, tmp_path / "static", data=DATA, words=1)
    count = len(teacher.tokenizer)
    assert made.words.encode("Zebras", add_special_tokens=False).ids == [count]
    assert len(made.table) == count + 1
    np.testing.assert_allclose(token_vectors(teacher, ["zebras"])[count], teacher.encode("zebras"), atol=1e-6)
    for text in ("a man plays", "the guitar"):  # all else is tokenized as before
        ids = teacher.tokenizer(text, add_special_tokens=False)["input_ids"]
        assert made.words.encode(text, add_special_tokens=False).ids == ids


def test_special_tokens_have_the_vector_0(teacher: Encoder, tmp_path: Path):
    made = distil_static(teacher, tmp_path / "static")
    assert not made.table[teacher.tokenizer.all_special_ids].any()
    assert made.table.any(dim=1).sum() == len(teacher.tokenizer) - len(teacher.tokenizer.all_special_ids)


@pytest.mark.parametrize("family", ["roberta", "xlm-roberta"])
def test_other_tokenizers_have_their_special_tokens_around_a_token(family: str, tmp_path: Path):
    teacher = make_encoder(family)
    tokenizer: Any = teacher.tokenizer
    vectors = token_vectors(teacher)
    expected = teacher.embed([[tokenizer.cls_token_id, 9, tokenizer.sep_token_id]])
    np.testing.assert_allclose(vectors[9], expected[0], atol=1e-6)
    made = distil_static(teacher, tmp_path / "static")
    assert np.isfinite(made.encode(list(SENTENCES))).all()


def test_sentence_transformers_gives_the_same_vectors(teacher: Encoder, tmp_path: Path):
    from sentence_transformers import SentenceTransformer

    made = distil_static(teacher, tmp_path / "static", data=DATA, words=2)
    texts = [*SENTENCES, "", "zebras"]
    theirs = SentenceTransformer(str(tmp_path / "static"), device="cpu").encode(texts, show_progress_bar=False)
    loaded = Encoder.load(tmp_path / "static")
    assert isinstance(loaded, StaticEncoder)
    for vectors in (made.encode(texts), loaded.encode(texts)):
        np.testing.assert_allclose(vectors, theirs, atol=1e-6)


def test_the_same_input_gives_the_same_files(teacher: Encoder, tmp_path: Path):
    first, second = (distil_static(teacher, tmp_path / name, data=DATA, words=2) for name in ("a", "b"))
    assert first.fingerprint() == second.fingerprint()


# ---- the directory --------------------------------------------------------------------------------------


def test_the_directory_says_how_it_was_made(teacher: Encoder, tmp_path: Path):
    distil_static(teacher, tmp_path / "static", dim=5, data=DATA, words=1)
    record = json.loads((tmp_path / "static" / "distilled.json").read_text())
    assert record["base"] == {"model": teacher.name, "fingerprint": teacher.fingerprint()}
    made = record["distillation"]
    assert (made["dim"], made["sif"], made["words"]) == (5, 1e-4, 1)
    card = (tmp_path / "static" / "README.md").read_text()
    assert "Vectors of 5 dimensions" in card
    assert "static-embeddings" in card


def test_a_model_is_replaced_only_if_asked_for_and_nothing_else_ever(teacher: Encoder, tmp_path: Path):
    distil_static(teacher, tmp_path / "static", dim=3)
    with pytest.raises(ModelError, match="exists"):
        distil_static(teacher, tmp_path / "static")
    assert distil_static(teacher, tmp_path / "static", dim=4, overwrite=True).dim == 4
    (tmp_path / "static" / "notes.txt").write_text("mine")
    with pytest.raises(ModelError, match="notes"):
        distil_static(teacher, tmp_path / "static", overwrite=True)
    assert (tmp_path / "static" / "notes.txt").read_text() == "mine"


def test_scores_know_what_its_teacher_was_trained_on(teacher: Encoder, tmp_path: Path, monkeypatch: Any):
    asked: list[str] = []
    real = provenance._trained
    monkeypatch.setattr(provenance, "_trained", lambda model, seen: asked.append(model) or real(model, seen))
    distil_static(teacher, tmp_path / "static")
    assert provenance.trained(tmp_path / "static") is None  # the teacher was not trained here
    assert asked == [str(tmp_path / "static"), teacher.name]


@pytest.mark.parametrize(
    ("options", "error", "line"),
    [
        ({"dim": 99}, DataError, "dim must be in 1 to 32"),
        ({"dim": 0}, DataError, "dim must be in 1 to 32"),
        ({"sif": 0.0}, DataError, "sif must be above 0"),
        ({"sif": float("nan")}, DataError, "sif must be above 0"),
        ({"words": 5}, DataError, "words .* needs data"),
        ({"words": -1, "data": DATA}, DataError, "words must be 0 or more"),
        ({"data": ["", " "]}, DataError, "no token|no text|empty|nothing"),
    ],
)
def test_what_is_out_of_range_is_refused_and_nothing_is_written(
    teacher: Encoder, tmp_path: Path, options: dict[str, Any], error: type[Exception], line: str
):
    with pytest.raises(error, match=line):
        distil_static(teacher, tmp_path / "static", **options)
    assert not (tmp_path / "static").exists()


def test_words_are_added_to_wordpiece_alone():
    with pytest.raises(ModelError, match="words are added to WordPiece tokenizers, and the teacher's is a BPE"):
        added_words(open_rows(DATA), Tokenizer(models.BPE()), 3)


def test_a_static_model_is_no_teacher(teacher: Encoder, tmp_path: Path):
    made = distil_static(teacher, tmp_path / "static")
    with pytest.raises(ModelError, match="a static model is made of an encoder that simemb computes"):
        distil_static(made, tmp_path / "again")


def test_rows_that_are_open_already_are_read(teacher: Encoder, tmp_path: Path):
    made = distil_static(teacher, tmp_path / "static", data=open_rows(DATA))
    assert made.dim == 32
