"""Threads that encode with one encoder: what they get does not depend on the others, nor on its mode."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import transformers

from simemb import Encoder

TEXTS = ["the man sees a dog", "a cat", "the woman eats an apple"]


def test_threads_encode_as_in_evaluation_mode_and_the_mode_comes_back(tiny_base: Path) -> None:
    encoder = Encoder.load(tiny_base, pooling="mean")
    expected = encoder.encode(TEXTS)
    encoder.train()
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(encoder.encode, [TEXTS] * 100))
    assert encoder.training
    for vectors in results:
        np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_the_transformers_model_may_be_built_while_others_encode(tiny_base: Path) -> None:
    encoder = Encoder.load(tiny_base, pooling="mean")
    expected = encoder.encode(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        vectors = [pool.submit(encoder.encode, TEXTS) for _ in range(40)]
        models = [pool.submit(lambda: encoder.backbone) for _ in range(4)]
        vectors += [pool.submit(encoder.encode, TEXTS) for _ in range(40)]
    assert len({id(model.result()) for model in models}) == 1
    assert isinstance(encoder.backbone, transformers.PreTrainedModel)
    for result in vectors:
        np.testing.assert_allclose(result.result(), expected, atol=1e-5)
