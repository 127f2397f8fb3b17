"""Threads that encode with one encoder: what they get does not depend on the others, nor on its mode."""

import copy
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from families import SENTENCES, make_encoder, make_odd

from simemb import Encoder
from simemb.transformer import int8_layers
from simemb.transformer.batch import Batch

TEXTS = ["the man sees a dog", "a cat", "the woman eats an apple"]


def in_threads(encode: Callable[[object], np.ndarray], expected: np.ndarray, times: int = 40) -> None:
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(encode, range(times)))
    assert all(np.array_equal(vectors, expected) for vectors in results)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("family", ["bert", "albert", "modernbert", "mpnet", "convbert"])
def test_threads_get_the_vectors_of_one_whatever_the_mode(tmp_path: Path, family: str, training: bool) -> None:
    encoder = Encoder.load(make_odd(family, tmp_path)) if family == "convbert" else make_encoder(family)
    assert isinstance(encoder, Encoder)
    expected = encoder.encode(SENTENCES)
    encoder.train(training)
    in_threads(lambda _: encoder.encode(SENTENCES), expected)
    assert encoder.training is encoder.network.training is training


def test_threads_get_the_vectors_of_one_in_int8(tiny_base: Path) -> None:
    if reason := int8_layers.missing():
        pytest.skip(reason)
    encoder = Encoder.load(tiny_base, pooling="mean", precision="int8")
    in_threads(lambda _: encoder.encode(TEXTS), encoder.encode(TEXTS))


@pytest.mark.parametrize("family", ["bert", "albert", "mpnet"])
def test_a_thread_that_trains_and_intercepts_touches_no_other(family: str) -> None:
    encoder = make_encoder(family)
    expected, done = encoder.encode(SENTENCES), threading.Event()
    batch = Batch.collate(encoder.tokenize(SENTENCES)[0])

    def train() -> int:
        dropped = 0
        while not done.is_set():
            encoder.train()
            with torch.no_grad(), encoder.intercept(lambda tokens, batch: tokens * 0):  # noqa: ARG005
                dropped += not np.allclose(encoder(batch).numpy(), expected, atol=1e-3)
        return dropped

    encoder.train()
    with ThreadPoolExecutor(1) as pool:
        steps = pool.submit(train)
        in_threads(lambda _: encoder.encode(SENTENCES), expected)
        done.set()
    assert steps.result() > 0


def test_what_a_training_changes_is_seen_by_the_next_encoding() -> None:
    encoder = make_encoder("mpnet").train()
    for change in ("in place", "another tensor"):
        encoder.encode(SENTENCES)
        layer = encoder.backbone.encoder.layer[0].output.dense
        if change == "in place":
            layer.weight.data.mul_(2)
        else:
            layer.weight = torch.nn.Parameter(layer.weight.data * 2)
        vectors = encoder.encode(SENTENCES)
        np.testing.assert_array_equal(vectors, encoder.eval().encode(SENTENCES))
        encoder.train()


def test_encoders_that_share_a_tokenizer_keep_their_lengths() -> None:
    long = make_encoder(max_length=30)
    short = copy.copy(long)
    short.max_length = 4

    def tokenized(turn: int) -> tuple[list[list[int]], int]:
        return (long, short)[turn % 2].tokenize(SENTENCES)

    expected = [encoder.tokenize(SENTENCES) for encoder in (long, short)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(tokenized, range(200)))
    assert all(result == expected[turn % 2] for turn, result in enumerate(results))


def test_the_transformers_model_may_be_built_while_others_encode(tiny_base: Path) -> None:
    encoder = Encoder.load(tiny_base, pooling="mean")
    assert isinstance(encoder, Encoder)
    expected = encoder.encode(TEXTS)

    def model() -> Any:
        return encoder.backbone

    with ThreadPoolExecutor(4) as pool:
        vectors = [pool.submit(encoder.encode, TEXTS) for _ in range(40)]
        models = [pool.submit(model) for _ in range(4)]
        vectors += [pool.submit(encoder.encode, TEXTS) for _ in range(40)]
    assert len({id(model.result()) for model in models}) == 1
    assert isinstance(encoder.backbone, transformers.PreTrainedModel)
    for result in vectors:
        np.testing.assert_array_equal(result.result(), expected)
