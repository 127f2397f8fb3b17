"""What is watched while a model trains, and when a word is said."""

from math import inf, nan

import pytest
import torch

from simemb.errors import TrainingError
from simemb.evaluation.metrics import uniformity
from simemb.method.signals import batch_signals
from simemb.training.monitor import Watch


def test_signals_are_their_definitions():
    generator = torch.Generator().manual_seed(0)
    query, key = (torch.randn(12, 5, generator=generator) for _ in range(2))
    encoded = torch.randn(12, 9, generator=generator)
    key[:7] = query[:7] + 0.01
    found = batch_signals(query, key, encoded)
    assert set(found) == {"accuracy", "positive", "negative", "collapse", "uniformity"}
    similarity = torch.nn.functional.cosine_similarity(query[:, None], key[None], dim=-1)
    own = [similarity[i, i].item() for i in range(12)]
    others = [similarity[i, j].item() for i in range(12) for j in range(12) if i != j]
    right = sum(similarity[i].argmax().item() == i for i in range(12))
    assert found["accuracy"].item() == pytest.approx(right / 12)
    assert found["positive"].item() == pytest.approx(sum(own) / 12, abs=1e-6)
    assert found["negative"].item() == pytest.approx(sum(others) / len(others), abs=1e-6)
    before = torch.nn.functional.cosine_similarity(encoded[:, None], encoded[None], dim=-1)
    among = [before[i, j].item() for i in range(12) for j in range(12) if i != j]
    assert found["collapse"].item() == pytest.approx(sum(among) / len(among), abs=1e-6)
    assert found["uniformity"].item() == pytest.approx(uniformity(query.numpy()), abs=1e-5)


def test_collapsed_vectors_have_uniformity_zero_and_cosine_one():
    alike = torch.ones(6, 3)
    found = batch_signals(alike, alike, alike)
    assert found["negative"].item() == pytest.approx(1)
    assert found["collapse"].item() == pytest.approx(1)
    assert found["uniformity"].item() == pytest.approx(0, abs=1e-5)


def test_a_collapsed_encoder_is_seen_behind_a_head_that_spreads_its_vectors():
    encoded = 1 + 1e-4 * torch.randn(8, 4, generator=torch.Generator().manual_seed(1))
    spread = torch.nn.BatchNorm1d(4)(encoded * 1e4).detach()
    found = batch_signals(spread, spread, encoded)
    assert found["collapse"].item() > Watch.COLLAPSED
    assert found["negative"].item() < 0.5


def test_a_single_example_has_no_others_to_be_compared_with():
    found = batch_signals(torch.ones(1, 3), torch.ones(1, 3), torch.ones(1, 2))
    assert [found["accuracy"].item(), found["positive"].item()] == pytest.approx([1, 1])
    assert all(found[name].isnan() for name in ("negative", "collapse", "uniformity"))


@pytest.mark.parametrize("loss", [nan, inf, -inf])
def test_a_loss_that_is_not_finite_is_an_error_that_says_what_to_do(loss: float):
    with pytest.raises(TrainingError, match=r"at step 7; .* Lower the learning rate"):
        Watch().check(7, {"loss": loss, "collapse": 0.0})


def test_a_collapse_is_said_after_so_many_steps_and_not_at_every_step():
    watch = Watch()
    words = [
        watch.check(step, {"loss": 1.0, "collapse": 0.9999, "negative": 0.0}) for step in range(1, 2 * Watch.STEPS + 1)
    ]
    assert [step for step, said in enumerate(words, start=1) if said] == [Watch.STEPS, 2 * Watch.STEPS]
    assert "collapsed" in str(words[Watch.STEPS - 1])


def test_a_base_that_starts_close_to_a_collapse_and_leaves_it_is_not_warned_about():
    watch = Watch()
    numbers = [0.9995] * (Watch.STEPS - 1) + [0.99] + [0.9995] * (Watch.STEPS - 1)
    assert not any(watch.check(step, {"loss": 1.0, "collapse": number}) for step, number in enumerate(numbers))


def test_keys_that_are_alike_are_no_collapse_of_the_encoder():
    watch = Watch()
    numbers = {"loss": 1.0, "negative": 1.0, "collapse": 0.3}
    assert not any(watch.check(step, numbers) for step in range(2 * Watch.STEPS))


def test_a_language_model_compares_no_vectors_and_is_not_warned_about():
    watch = Watch()
    assert not any(watch.check(step, {"loss": 1.0}) for step in range(2 * Watch.STEPS))
    with pytest.raises(TrainingError, match="at step 3"):
        watch.check(3, {"loss": nan})


def test_without_a_comparable_key_nothing_is_invented():
    query = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    found = batch_signals(query, None, query)
    assert torch.isnan(found["accuracy"])
    assert torch.isnan(found["positive"])
    other = batch_signals(query, query, query)
    torch.testing.assert_close(found["negative"], other["negative"])
    torch.testing.assert_close(found["uniformity"], other["uniformity"])
