"""S-SimCSE: each pass of a view has a dropout of its own, drawn by the seed, and leaves none behind."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from families import RAGGED, make_encoder
from feeding import examples_of
from torch import nn

from simemb.encoder.encoder import Encoder
from simemb.errors import RecipeError
from simemb.method.embedding_augmentations import Adversarial
from simemb.method.method import Method
from simemb.method.objectives import InfoNCE
from simemb.method.recipe import Recipe
from simemb.method.sampled_dropout import SampledDropout
from simemb.method.views import View
from simemb.transformer.batch import Batch

TEXTS = ["a man", "the red dog runs fast", "we saw the sky", "sky", "the man"]


def views(*ranges: tuple[float, float]) -> tuple[View, ...]:
    return tuple(
        View(target=bool(place), online=not place, augment=(SampledDropout(*between),))
        for place, between in enumerate(ranges)
    )


def method_of(*ranges: tuple[float, float], family: str = "bert") -> Method:
    return Method(Recipe(views(*ranges), InfoNCE()), make_encoder(family), columns=1, seed=1).train()


def rates(encoder: Encoder) -> set[float]:
    return {module.p for module in encoder.backbone.modules() if isinstance(module, nn.Dropout)}


@pytest.mark.parametrize("family", RAGGED)
def test_a_view_is_encoded_as_alone_with_the_rate_that_was_drawn(family: str):
    method = method_of((0.3, 0.3), (0.0, 0.0), family=family)
    step = examples_of(method, TEXTS)
    before = rates(method.encoder)
    torch.manual_seed(4)
    found = method.encode(step.chunks[0], step).online
    assert rates(method.encoder) == before
    sentences = Batch.collate(method.encoder.tokenize(TEXTS)[0])
    torch.manual_seed(4)
    torch.rand(())  # what the rate was drawn with
    method.encoder.set_dropout(0.3)
    torch.testing.assert_close(found[0], method.encoder(sentences))
    method.encoder.set_dropout(0.0)
    torch.testing.assert_close(found[1], method.encoder(sentences))


def test_rates_are_uniform_in_their_range_and_follow_from_the_seed(monkeypatch: pytest.MonkeyPatch):
    method = method_of((0.1, 0.5), (0.1, 0.5))
    step = examples_of(method, TEXTS)
    drawn: list[float] = []
    real = Encoder.forward

    def forward(self: Encoder, *arguments: Any) -> Any:
        (rate,) = rates(self)
        drawn.append(rate)
        return real(self, *arguments)

    monkeypatch.setattr(Encoder, "forward", forward)
    torch.manual_seed(4)
    first = method.encode(step.chunks[0], step).online
    for _ in range(60):
        method.encode(step.chunks[0], step)
    one, other = torch.tensor(drawn).view(-1, 2).T
    assert not torch.equal(one, other)
    for numbers in (one, other):
        assert 0.1 <= numbers.min() < 0.15
        assert 0.45 < numbers.max() <= 0.5
        assert numbers.mean().item() == pytest.approx(0.3, abs=0.05)
    torch.manual_seed(4)
    again = method.encode(step.chunks[0], step).online
    assert all(torch.equal(first[place], again[place]) for place in first)


def test_in_evaluation_mode_nothing_is_drawn():
    method = method_of((0.3, 0.3), (0.3, 0.3)).eval()
    step = examples_of(method, TEXTS)
    state = torch.get_rng_state()
    found = method.encode(step.chunks[0], step).online
    assert torch.equal(torch.get_rng_state(), state)
    torch.testing.assert_close(found[0], found[1])


def test_a_batch_falls_into_parts_of_the_callers_sentences():
    sentences = [[7, 8, 9], [5], [1, 2], [4, 4, 4], [6]]
    parts = Batch.collate(sentences).parts([2, 3])
    for part, expected in zip(parts, (Batch.collate(sentences[:2]), Batch.collate(sentences[2:])), strict=True):
        assert part.lengths == expected.lengths
        assert torch.equal(part.ids, expected.ids)
        assert torch.equal(part.positions, expected.positions)
        assert torch.equal(part.order, expected.order)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SampledDropout(0.3, 0.2), "0 <= lowest <= highest < 1, not lowest 0.3 and highest 0.2"),
        (lambda: SampledDropout(-0.1, 0.2), "not lowest -0.1"),
        (lambda: SampledDropout(0.1, 1.0), r"highest 1\.0"),
        (
            lambda: Recipe((*views((0, 0.2)), View(augment=(Adversarial(),))), InfoNCE()),
            "an adversarial view is made in one pass",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(make: Callable[[], Any], message: str):
    with pytest.raises(RecipeError, match=message):
        make()
