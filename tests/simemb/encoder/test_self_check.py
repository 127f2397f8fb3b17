"""A family gives each sentence the vector that it has alone, which is sentence-transformers' too, or one line."""

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from families import ODD, SENTENCES, make_backbone, make_encoder, make_odd, make_tokenizer

from simemb.encoder.encoder import Encoder
from simemb.errors import ModelError
from simemb.transformer.batch import Batch

TEXTS = [*SENTENCES, "", "a dog saw the sky " * 6]
LEAKING = ("fnet", "convbert", "mobilebert", "nystromformer")
SOUND = ("xlnet", "xlm", "mra", "big_bird", "roformer", "squeezebert", "gpt2", "t5")
REFUSED = {
    "bart": "is an encoder-decoder",
    "canine": "config.json has no vocab_size",
    "dpr": "gives no states of tokens",
    "vit": "config.json has no vocab_size",
    "reformer": "makes states of 79 x 64 from 79 tokens of 32 dimensions",
}


def theirs(path: Path) -> np.ndarray:
    """The vectors of sentence-transformers, each text alone."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    transformer = Transformer(str(path))
    model = SentenceTransformer(
        modules=[transformer, Pooling(transformer.get_embedding_dimension(), "mean")], device="cpu"
    )
    return np.stack([model.encode(text, show_progress_bar=False) for text in TEXTS])


@pytest.mark.parametrize("family", [*LEAKING, *SOUND])
def test_a_vector_does_not_depend_on_its_neighbors_and_is_that_of_sentence_transformers(tmp_path, family):
    path = make_odd(family, tmp_path)
    encoder = Encoder.load(path, pooling="mean")
    assert isinstance(encoder, Encoder)
    assert encoder.apart == (family in LEAKING)
    vectors = encoder.encode(TEXTS)
    alone = np.stack([encoder.encode(text) for text in TEXTS])
    np.testing.assert_allclose(vectors, alone, atol=1e-5, rtol=0)
    np.testing.assert_allclose(vectors, theirs(path), atol=1e-5, rtol=0)


@pytest.mark.parametrize("family", REFUSED)
def test_a_model_that_is_no_encoder_of_tokens_is_refused_in_one_line(tmp_path, family):
    path = make_odd(family, tmp_path)
    with pytest.raises(ModelError, match=REFUSED[family]) as caught:
        Encoder.load(path, pooling="mean")
    assert "\n" not in str(caught.value)


def test_every_family_of_the_list_is_tried():
    assert set(ODD) == {*LEAKING, *SOUND, *REFUSED}


def test_training_computes_a_leaking_family_apart_too(tmp_path):
    encoder = Encoder.load(make_odd("convbert", tmp_path), pooling="mean")
    encoder.train()
    encoder.set_dropout(0.0)
    ids = encoder.tokenize(TEXTS)[0]
    together = encoder(Batch.collate(ids))
    assert together.requires_grad
    alone = torch.cat([encoder(Batch.collate([row])) for row in ids])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize("family", ["fnet", "t5"])
def test_an_embedding_layer_that_cannot_be_reached_is_refused(tmp_path, family):
    encoder = Encoder.load(make_odd(family, tmp_path), pooling="mean")
    with (
        pytest.raises(ModelError, match="its embedding layer cannot be augmented"),
        encoder.intercept(lambda tokens, _: tokens),
    ):
        pass


def test_a_model_that_draws_lots_is_refused():
    backbone = make_backbone()
    layer = backbone.encoder.layer[0]
    forward = layer.forward
    layer.forward = lambda states, *args, **options: forward(states + torch.rand_like(states), *args, **options)
    with pytest.raises(ModelError, match="depend on the other texts of a batch, or on chance"):
        Encoder(backbone, make_tokenizer(), name="lots")


@pytest.mark.parametrize("limit", [-1, 0, int(1e30)])
def test_a_limit_that_is_none_is_not_taken(tmp_path, limit):
    tokenizer = make_tokenizer()
    tokenizer.model_max_length = limit
    assert Encoder(make_backbone(), tokenizer).max_length == 64


def test_an_encoder_saved_apart_loads_apart(tmp_path, caplog):
    encoder = Encoder.load(make_odd("fnet", tmp_path / "bare"), pooling="mean")
    with caplog.at_level(logging.WARNING):
        loaded = Encoder.load(encoder.save(tmp_path / "saved"))
    assert loaded.apart
    np.testing.assert_array_equal(loaded.encode(TEXTS), encoder.encode(TEXTS))
    assert make_encoder().apart is False
