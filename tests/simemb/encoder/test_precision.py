"""Half precision in encoding: near float32, told apart from it, searched by it, and refused where there is none."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from simemb.encoder import precision
from simemb.encoder.encoder import Encoder
from simemb.encoder.external import ExternalEncoder
from simemb.errors import ModelError
from simemb.evaluation.evaluate import evaluate
from simemb.search.index import Index
from simemb.transformer import cpu_bf16
from simemb.transformer.batch import Batch

TEXTS = ["a man plays the guitar", "two dogs run through the snow", "a", "", "the old bridge was never rebuilt " * 9]

with_instructions = pytest.mark.skipif(
    cpu_bf16.missing_instructions() is not None, reason=str(cpu_bf16.missing_instructions())
)


@pytest.fixture(params=[True, False], ids=["with instructions", "without"])
def processor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the processor is said to have instructions for bfloat16; torch computes it without them, too."""
    reason = None if request.param else "the processor has no AVX-512 BF16 instructions"
    monkeypatch.setattr(cpu_bf16, "missing_instructions", lambda: reason)
    return request.param


def cosines(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (one * other).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)


@with_instructions
@pytest.mark.parametrize("asked", ["bf16", "auto"])
def test_vectors_in_bfloat16_are_near_those_in_float32(asked: Any):
    exact, half = Encoder.load("mini"), Encoder.load("mini", precision=asked)
    assert (precision.name_of(exact), precision.name_of(half)) == ("float32", "bf16")
    vectors = half.encode(TEXTS)
    assert vectors.dtype == np.float32
    assert cosines(vectors, exact.encode(TEXTS)).min() > 0.9999
    assert not np.array_equal(vectors, exact.encode(TEXTS))


def test_without_the_private_operators_torch_s_own_answer(processor: bool, monkeypatch: pytest.MonkeyPatch):
    if not processor:
        pytest.skip("refused then")
    monkeypatch.setattr(cpu_bf16, "missing", lambda: "no such operator")
    half = Encoder.load("mini", precision="bf16")
    assert cosines(half.encode(TEXTS), Encoder.load("mini").encode(TEXTS)).min() > 0.999


def test_bfloat16_without_instructions_is_refused_and_auto_is_float32(
    processor: bool, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    if processor:
        assert precision.name_of(Encoder.load("mini", precision="bf16")) == "bf16"
        return
    with pytest.raises(ModelError, match=r"precision bf16 cannot be had here: the processor has no .* \(auto takes"):
        Encoder.load("mini", precision="bf16")
    assert precision.name_of(Encoder.load("mini", precision="auto")) == "float32"
    assert "mini computes in float32" in caplog.text


def test_float16_is_for_gpus():
    with pytest.raises(ModelError, match="precision fp16 cannot be had here: it is for GPUs"):
        Encoder.load("mini", precision="fp16")


def test_an_unknown_precision_is_refused_with_the_nearest():
    with pytest.raises(ModelError, match=r"unknown precision 'bf1'.*did you mean 'bf16'"):
        Encoder.load("mini", precision="bf1")  # type: ignore[arg-type]


@with_instructions
def test_auto_stays_in_float32_where_half_precision_does_not_agree(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(precision, "AGREES", 1.01)
    encoder = Encoder.load("mini", precision="auto")
    assert precision.name_of(encoder) == "float32"
    assert np.array_equal(encoder.encode(TEXTS), Encoder.load("mini").encode(TEXTS))
    assert "mini computes in float32" in caplog.text


@with_instructions
def test_a_fingerprint_and_a_record_of_scores_know_the_precision(tiny_base: Path, dev_file: Path):
    exact, half = (Encoder.load(tiny_base, pooling="mean", precision=each) for each in ("float32", "bf16"))
    assert exact.fingerprint() != half.fingerprint()
    assert exact.fingerprint() == half.fingerprint(exact=False) == exact.fingerprint(exact=False)
    scores = [evaluate(each, dev_file) for each in (exact, half)]
    assert [each.to_json()["precision"] for each in scores] == ["float32", "bf16"]
    assert scores[0].fingerprint != scores[1].fingerprint
    assert abs(scores[0].points - scores[1].points) < 2


@with_instructions
def test_an_index_in_bfloat16_is_searched_in_float32_and_the_other_way_round(tmp_path: Path):
    exact, half = (Encoder.load("mini", precision=each) for each in ("float32", "bf16"))
    for number, (built, searched) in enumerate(((half, exact), (exact, half))):
        Index.build(built, TEXTS, path=tmp_path / str(number))
        hit, *_ = Index.load(tmp_path / str(number), encoder=searched).search(TEXTS[1], 1)
        assert (hit.text, hit.score) == (TEXTS[1], pytest.approx(1, abs=1e-3))


@with_instructions
def test_what_is_saved_is_in_float32(tiny_base: Path, tmp_path: Path):
    exact, half = (Encoder.load(tiny_base, pooling="mean", precision=each) for each in ("float32", "bf16"))
    saved = Encoder.load(half.save(tmp_path / "saved"))
    assert np.array_equal(saved.encode(TEXTS), exact.encode(TEXTS))


@with_instructions
def test_int8_takes_the_place_of_half_precision(tiny_base: Path):
    encoder = Encoder.load(tiny_base, pooling="mean", precision="bf16").quantize()
    assert precision.name_of(encoder) == "int8"
    assert encoder.fingerprint() == Encoder.load(tiny_base, pooling="mean", precision="int8").fingerprint()


@with_instructions
def test_an_encoder_of_sentence_transformers_computes_in_half_precision(tiny_base: Path, tmp_path: Path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    transformer = Transformer(str(tiny_base))
    pooling = Pooling(transformer.get_embedding_dimension(), "mean_sqrt_len_tokens")
    SentenceTransformer(modules=[transformer, pooling], device="cpu").save(str(tmp_path / "theirs"))
    exact, half = (Encoder.load(tmp_path / "theirs", precision=each) for each in ("float32", "bf16"))
    assert isinstance(half, ExternalEncoder)
    assert precision.name_of(half) == "bf16"
    assert cosines(half.encode(TEXTS[:2]), exact.encode(TEXTS[:2])).min() > 0.999
    assert half.fingerprint() != exact.fingerprint() == half.fingerprint(exact=False)


@with_instructions
def test_training_is_not_touched_by_the_precision_of_encoding(tiny_base: Path):
    half = Encoder.load(tiny_base, pooling="mean", precision="bf16").eval()
    exact = Encoder.load(tiny_base, pooling="mean").eval()
    batch = Batch.collate([[5, 6, 7], [8, 9]])
    assert isinstance(half, Encoder)
    assert isinstance(exact, Encoder)
    assert torch.equal(half(batch), exact(batch))
