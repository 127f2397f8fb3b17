"""Whitening: mean 0 and covariance 1 by definition, what it refuses, and encoders that keep it when they are saved."""

import numpy as np
import pytest
import torch
from families import SENTENCES, make_encoder
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn

from simemb.encoder import whitening
from simemb.encoder.encoder import Encoder
from simemb.encoder.external import ExternalEncoder
from simemb.encoder.modules import Dense, Normalize
from simemb.encoder.whitening import FLOOR, Whitening, covariance, whiten
from simemb.errors import DataError, ModelError
from simemb.evaluation.geometry import isoscore

WORDS = ("a", "man", "plays", "the", "guitar", "dog", "runs", "fast", "red", "sky", "we", "saw")
# Enough unlike texts for 32 dimensions.
TEXTS = [f"{one} {other} {third}" for one in WORDS for other in WORDS[:4] for third in WORDS[4:8]]


def cloud(texts: int = 300, dims: int = 8, seed: int = 0) -> np.ndarray:
    """Correlated, far from the origin."""
    generator = np.random.default_rng(seed)
    return (generator.normal(size=(texts, dims)) @ generator.normal(size=(dims, dims)) + 5).astype(np.float32)


def theirs(directory, texts) -> np.ndarray:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(directory), device="cpu").encode(texts, show_progress_bar=False)


# ---- the map -------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 999), dims=st.integers(1, 12))
def test_whitened_vectors_have_mean_0_and_covariance_1(seed, dims):
    vectors = cloud(60, dims, seed)
    # a random mixture may leave a direction hardly any variance, which the whitening rightly leaves out (`FLOOR`)
    least = np.linalg.svd(vectors - vectors.mean(axis=0), compute_uv=False)[-1]
    assume(least > 10 * FLOOR * np.linalg.norm(vectors))
    whitened = Whitening.fit(vectors)(vectors)
    np.testing.assert_allclose(whitened.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(np.atleast_2d(np.cov(whitened.T)), np.eye(dims), atol=1e-6)


def test_it_is_the_whitening_of_the_paper():
    vectors = cloud().astype(np.float64)
    mean = sum(vectors) / len(vectors)
    spread = sum(np.outer(row - mean, row - mean) for row in vectors) / (len(vectors) - 1)
    left, variances, _ = np.linalg.svd(spread)
    expected = (vectors - mean) @ left @ np.diag(variances**-0.5)
    whitened = Whitening.fit(vectors)(vectors)
    signs = np.sign((expected * whitened).sum(axis=0))
    np.testing.assert_allclose(whitened, expected * signs, rtol=1e-6, atol=1e-8)


def test_the_first_dimensions_are_those_that_vary_most():
    vectors = cloud() * np.float32([1, 9, 1, 1, 1, 1, 1, 1])
    every, few = Whitening.fit(vectors), Whitening.fit(vectors, 3)
    np.testing.assert_array_equal(few.matrix, every.matrix[:, :3])
    scales = np.linalg.norm(every.matrix, axis=0)
    assert (np.diff(scales) > 0).all()


def test_whitened_vectors_have_isoscore_1():
    vectors = cloud()
    assert isoscore(vectors) < 0.7
    assert isoscore(Whitening.fit(vectors)(vectors)) == pytest.approx(1)


def test_a_direction_that_holds_only_rounding_is_left_out():
    generator = np.random.default_rng(1)
    flat = (generator.normal(size=(200, 3)) @ generator.normal(size=(3, 8)) + 10).astype(np.float32)
    fitted = Whitening.fit(flat)
    assert fitted.matrix.shape == (8, 3)
    np.testing.assert_allclose(np.cov(fitted(flat).T), np.eye(3), atol=1e-6)
    with pytest.raises(DataError, match=r"whitening to 4 dimensions: the vectors of 200 texts vary in 3, no more"):
        Whitening.fit(flat, 4)


def test_vectors_that_coincide_cannot_be_whitened():
    with pytest.raises(DataError, match="the vectors of 40 texts vary in 0, no more"):
        Whitening.fit(np.full((40, 8), 0.7, np.float32))


@pytest.mark.parametrize(
    ("texts", "dims", "message"),
    [
        (8, None, r"whitening to 8 dimensions takes more than 8 different texts, not 8: give more$"),
        (5, 5, r"takes more than 5 different texts, not 5: give more, or 4 dimensions at most$"),
        (1, 1, r"takes more than 1 different texts, not 1: give more$"),
        (0, None, r"takes more than 8 different texts, not 0: give more$"),
        (300, 9, r"whitening to 9 dimensions \(allowed: 1 to 8, the width of the vectors\)"),
        (300, 0, r"whitening to 0 dimensions \(allowed: 1 to 8, the width of the vectors\)"),
    ],
)
def test_too_few_texts_and_impossible_dimensions_are_refused(texts, dims, message):
    with pytest.raises(DataError, match=message):
        Whitening.fit(cloud(texts), dims)


def test_two_texts_are_enough_for_one_dimension():
    ends = Whitening.fit(cloud(2), 1)(cloud(2))
    assert sorted(ends.flatten()) == pytest.approx([-(0.5**0.5), 0.5**0.5])


def test_the_layer_computes_what_the_whitening_does_to_the_precision_of_float32():
    vectors = cloud()
    fitted = Whitening.fit(vectors, 5)
    with torch.no_grad():
        layered = fitted.dense(8)(torch.from_numpy(vectors)).numpy()
    np.testing.assert_allclose(layered, fitted(vectors), atol=1e-4)


def test_the_layer_does_not_look_at_what_lies_beyond_the_width_of_the_whitening():
    vectors = cloud()
    layer = Whitening.fit(vectors).dense(11)
    wider = np.concatenate([vectors, np.full((300, 3), 99, np.float32)], axis=1)
    with torch.no_grad():
        np.testing.assert_allclose(layer(torch.from_numpy(wider)).numpy(), Whitening.fit(vectors)(vectors), atol=1e-4)


# ---- encoders ------------------------------------------------------------------------------------------

TAILS = {
    "no tail": {},
    "Dense": {"tail": (Dense(32, 12, activation=nn.Tanh()),)},
    "Normalize": {"tail": (Normalize(),)},
    "cut": {"truncate_dim": 10},
    "Dense, Normalize, cut": {"tail": (Dense(32, 12, activation=nn.Tanh()), Normalize()), "truncate_dim": 7},
}


@pytest.fixture(params=TAILS)
def encoder(request) -> Encoder:
    torch.manual_seed(5)
    return make_encoder("bert", **TAILS[request.param])


def test_a_whitened_encoder_whitens_and_the_original_is_as_before(encoder):
    before, vectors = encoder.fingerprint(), encoder.encode(TEXTS)
    whitened = whiten(encoder, TEXTS)
    assert encoder.fingerprint() == before != whitened.fingerprint()
    assert whitened.network is encoder.network
    assert whitened.tokenizer is encoder.tokenizer
    expected = Whitening.fit(vectors)(vectors)
    assert whitened.dim == expected.shape[1]
    if isinstance(whitened.tail[-1], Normalize):
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(whitened.encode(TEXTS), expected, atol=2e-3)
    np.testing.assert_array_equal(encoder.encode(TEXTS), vectors)


def test_a_saved_whitened_encoder_is_the_same_here_and_in_sentence_transformers(encoder, tmp_path):
    whitened = whiten(encoder, TEXTS, dims=6)
    whitened.save(tmp_path / "model")
    loaded = Encoder.load(tmp_path / "model")
    assert loaded.dim == 6
    assert loaded.fingerprint() == whitened.fingerprint()
    np.testing.assert_array_equal(loaded.encode(SENTENCES), whitened.encode(SENTENCES))
    np.testing.assert_allclose(theirs(tmp_path / "model", SENTENCES), loaded.encode(SENTENCES), atol=2e-4)


def test_whitening_twice_is_whitening_once():
    once = whiten(make_encoder(), TEXTS, dims=6)
    again = whiten(once, TEXTS)
    np.testing.assert_allclose(np.cov(again.encode(TEXTS).T), np.eye(6), atol=1e-3)


def test_each_distinct_text_counts_once_whatever_holds_them():
    encoder = make_encoder()
    once, often = whiten(encoder, TEXTS), whiten(encoder, iter([*TEXTS, *TEXTS[:50]]))
    assert once.fingerprint() == often.fingerprint()
    with pytest.raises(DataError, match="takes more than 32 different texts, not 2"):
        whiten(encoder, ["a man", "a dog"] * 30)


def test_lengths_an_encoder_was_trained_to_be_cut_to_end_with_whitening():
    encoder = make_encoder()
    encoder.sizes = (8, 16)
    assert whiten(encoder, TEXTS).sizes == ()
    assert encoder.sizes == (8, 16)


def test_left_out_directions_are_told(caplog):
    encoder = make_encoder(tail=(Dense(32, 4, activation=nn.Identity()), Dense(4, 12, activation=nn.Identity())))
    with caplog.at_level("INFO", logger="simemb"):
        assert whiten(encoder, TEXTS).dim == 4
    assert "vary in 4 of 12 dimensions" in caplog.text


def test_a_model_that_runs_through_sentence_transformers_is_refused(tmp_path):
    with pytest.raises(ModelError, match="potion runs through sentence-transformers and takes no further module"):
        whiten(ExternalEncoder(object(), directory=tmp_path, name="potion"), TEXTS)


def test_potion_is_refused(shared_models):
    with pytest.raises(ModelError, match="cannot be whitened"):
        whiten(Encoder.load(shared_models / "potion-base-4M"), TEXTS)


def test_the_covariance_is_numpys_whatever_the_size_of_the_blocks(monkeypatch):
    vectors = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    monkeypatch.setattr(whitening, "_BLOCK", 7)
    mean, spread = covariance(vectors)
    np.testing.assert_allclose(mean, vectors.mean(axis=0, dtype=np.float64), rtol=1e-12)
    np.testing.assert_allclose(spread, np.cov(vectors.astype(np.float64).T), rtol=1e-9)
