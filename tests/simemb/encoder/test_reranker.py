"""Rerankers: a cross-encoder's scores are those of sentence-transformers, and an encoder gives cosines."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from crossing import make_cross_encoder
from sentence_transformers import CrossEncoder as Theirs

from simemb.encoder.encoder import Encoder
from simemb.encoder.reranker import CosineReranker, CrossEncoder, load_reranker
from simemb.errors import ModelError

PAIRS = [("the dog eats", "a dog"), ("a red cat", "the old singer paints a boat"), ("a man", "")]


@pytest.fixture
def folder(tmp_path: Path, tiny_tokenizer: Any) -> Path:
    return make_cross_encoder(tmp_path / "cross", tiny_tokenizer)


def test_scores_are_the_logits_of_sentence_transformers(folder: Path, tmp_path: Path):
    reranker = load_reranker(folder)
    assert isinstance(reranker, CrossEncoder)
    theirs = Theirs(str(folder), device="cpu")
    expected = theirs.predict([list(pair) for pair in PAIRS], activation_fn=torch.nn.Identity())
    np.testing.assert_allclose(reranker.scores(PAIRS), expected, atol=1e-6)
    assert np.ptp(expected) > 1e-3
    np.testing.assert_allclose(reranker.relevances(PAIRS), theirs.predict([list(pair) for pair in PAIRS]), atol=1e-6)
    theirs.save_pretrained(str(tmp_path / "saved"))
    again = load_reranker(tmp_path / "saved")
    assert isinstance(again, CrossEncoder)
    np.testing.assert_allclose(again.scores(PAIRS), expected, atol=1e-6)
    assert len(reranker.fingerprint()) == 64 != len(again.name)


def test_an_encoder_judges_by_cosines(tiny_base: Path):
    reranker = load_reranker(tiny_base)
    assert isinstance(reranker, CosineReranker)
    a, b = (Encoder.load(tiny_base).encode(list(texts), normalize=True) for texts in zip(*PAIRS, strict=True))
    np.testing.assert_allclose(reranker.relevances(PAIRS), (a * b).sum(axis=1), atol=1e-6)
    np.testing.assert_allclose(reranker.scores(PAIRS), 20 * (a * b).sum(axis=1), atol=1e-5)


def test_a_classifier_is_no_reranker(tmp_path: Path, tiny_tokenizer: Any):
    with pytest.raises(ModelError, match="gives a pair 3 numbers, and a reranker gives it 1"):
        load_reranker(make_cross_encoder(tmp_path / "three", tiny_tokenizer, labels=3))


def test_a_cross_encoder_that_is_damaged_is_named_in_one_line(folder: Path):
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ModelError, match=r"cross: cannot be read as a cross-encoder: ") as raised:
        load_reranker(folder)
    assert "\n" not in str(raised.value)


def test_weights_in_pickle_are_not_read(folder: Path):
    weights = folder / "model.safetensors"
    torch.save({}, folder / "pytorch_model.bin")
    weights.unlink()
    with pytest.raises(ModelError, match="cannot be read as a cross-encoder"):
        load_reranker(folder)


def test_modules_of_another_package_are_not_run(folder: Path, tmp_path: Path):
    Theirs(str(folder), device="cpu").save_pretrained(str(tmp_path / "saved"))
    (tmp_path / "saved" / "modules.json").write_text('[{"idx": 0, "name": "0", "path": "", "type": "mine.Module"}]')
    with pytest.raises(ModelError, match=r"names mine\.Module, code that is not sentence-transformers' and is not run"):
        load_reranker(tmp_path / "saved")


def test_a_score_that_is_no_number_is_refused(folder: Path):
    reranker = load_reranker(folder)
    assert isinstance(reranker, CrossEncoder)
    for weight in reranker.model.parameters():
        weight.data.fill_(float("nan"))
    with pytest.raises(ModelError, match="gives a pair of texts a score that is not a finite number"):
        reranker.scores(PAIRS)
