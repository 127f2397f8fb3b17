"""Poolings against values worked out by hand."""

import pytest
import torch

from simemb.encoder.pooling import HEAD, LAYERS, check_pooling, pool
from simemb.errors import ModelError
from simemb.transformer.batch import Batch

# The caller's rows: three tokens, then one, then two. In the batch: one, two, three.
BATCH = Batch.collate([[10, 11, 12], [20], [30, 31]])
EMBEDDINGS = torch.full((6, 2), 1000.0)
FIRST = torch.tensor([[0.0, 2.0], [2.0, 0.0], [4.0, 0.0], [0.0, 0.0], [3.0, 3.0], [6.0, 0.0]])
MIDDLE = torch.tensor([[8.0, 8.0], [0.0, 0.0], [0.0, 4.0], [3.0, 3.0], [0.0, 3.0], [0.0, 0.0]])
LAST = torch.tensor([[4.0, 6.0], [1.0, 5.0], [3.0, -5.0], [-1.0, -2.0], [-4.0, 7.0], [-1.0, 1.0]])
EXPECTED = {
    "cls": [[-1, -2], [4, 6], [1, 5]],
    "mean": [[-2, 2], [4, 6], [2, 0]],
    "max": [[-1, 7], [4, 6], [3, 5]],
    "first_last": [[0.5, 1.5], [2, 4], [2.5, 0]],
    "last2": [[-0.5, 2], [6, 7], [1, 1]],
}


def test_the_table_of_expectations_covers_every_pooling():
    assert set(EXPECTED) == set(LAYERS)


@pytest.mark.parametrize("pooling", EXPECTED)
def test_a_pooling_gives_the_vectors_worked_out_by_hand_in_the_caller_s_order(pooling):
    pooled = pool((EMBEDDINGS, FIRST, MIDDLE, LAST), BATCH, pooling)
    torch.testing.assert_close(pooled, torch.tensor(EXPECTED[pooling], dtype=torch.float32))


@pytest.mark.parametrize("pooling", ["cls", "mean", "max"])
def test_a_pooling_of_the_last_layer_needs_no_other(pooling):
    torch.testing.assert_close(pool((LAST,), BATCH, pooling), torch.tensor(EXPECTED[pooling], dtype=torch.float32))


@pytest.mark.parametrize("pooling", EXPECTED)
def test_the_gradient_reaches_only_the_layers_that_a_pooling_uses(pooling):
    layers = [layer.clone().requires_grad_() for layer in (EMBEDDINGS, FIRST, MIDDLE, LAST)]
    pool(layers, BATCH, pooling).sum().backward()
    used = {layer % 4 for layer in LAYERS[pooling]}
    assert {place for place, layer in enumerate(layers) if layer.grad is not None and layer.grad.any()} == used


@pytest.mark.parametrize("pooling", EXPECTED)
@pytest.mark.parametrize("skip", [0, 1, 2, 3])
def test_tokens_that_all_sentences_skip_may_be_given_for_each(pooling, skip):
    layers = (EMBEDDINGS, FIRST, MIDDLE, LAST)
    each = pool(layers, BATCH, pooling, skip=torch.tensor([skip] * 3))
    torch.testing.assert_close(each, pool(layers, BATCH, pooling, skip=skip))


def test_each_sentence_skips_tokens_of_its_own():
    expected = {"cls": [[-4, 7], [4, 6], [0, 0]], "mean": [[-2.5, 4], [4, 6], [0, 0]], "max": [[-1, 7], [4, 6], [0, 0]]}
    skips = torch.tensor([1, 0, 2])  # in the caller's order: the sentences of three tokens, of one and of two
    for pooling, vectors in expected.items():
        layer = LAST.clone().requires_grad_()
        pooled = pool((layer,), BATCH, pooling, skip=skips)
        torch.testing.assert_close(pooled, torch.tensor(vectors, dtype=torch.float32))
        pooled.sum().backward()
        assert layer.grad is not None
        assert torch.isfinite(layer.grad).all()
        assert not layer.grad[
            [1, 2, 3]
        ].any()  # of the last of the caller's sentences, and the first token of the first


@pytest.mark.parametrize("name", LAYERS)
def test_a_known_pooling_passes_the_check(name):
    assert check_pooling(name) == name


@pytest.mark.parametrize(("wrong", "near"), [("meen", "mean"), ("cls_", "cls"), ("firstlast", "first_last")])
def test_an_unknown_pooling_is_refused_in_one_line_with_the_nearest_match(wrong, near):
    with pytest.raises(ModelError) as caught:
        check_pooling(wrong)
    message = str(caught.value)
    assert f"did you mean '{near}'?" in message
    assert all(name in message for name in (*LAYERS, HEAD))
    assert "\n" not in message
