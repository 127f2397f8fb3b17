"""Augmentations at the embedding layer: each view its own, ragged or padded, and the step along a gradient."""

from functools import cache
from typing import Any

import pytest
import torch
from families import PADDED, SENTENCES, make_encoder
from feeding import batch_of, examples_of
from torch import Tensor

from simemb.encoder.encoder import Encoder
from simemb.method.auxiliaries import SoftmaxNLI
from simemb.method.embedding_augmentations import (
    Adversarial,
    ElementDropout,
    FeatureCutoff,
    ShuffleEmbeddings,
    TokenCutoff,
)
from simemb.method.heads import Projector
from simemb.method.method import Method
from simemb.method.objectives import InfoNCE, Pair
from simemb.method.recipe import Recipe
from simemb.method.view_hooks import augment_embeddings, capture_embeddings
from simemb.method.views import View
from simemb.transformer.batch import Batch

FIRST = SENTENCES[:4]
SECOND = ("a man saw the sky", "we", "a red guitar runs fast and the dog plays", "the sky is red")
MODES = ("bert", "roberta", *PADDED)
EVERY = (TokenCutoff(0.4), FeatureCutoff(0.4), ElementDropout(0.4), ShuffleEmbeddings())


@cache
def shared(family: str) -> Encoder:
    """An encoder for tests that leave it as it is."""
    return make_encoder(family)


def embedded(encoder: Encoder, batch: Batch, views: tuple[View, ...] = (), gradient: Tensor | None = None) -> Tensor:
    """What the layers after the embedding layer are given, token by token in the order of the batch."""
    outputs: list[Tensor] = []

    def note(tokens: Tensor, batch: Batch) -> Tensor:
        outputs.append(tokens.detach().clone())
        return tokens

    with torch.no_grad(), augment_embeddings(encoder, views or (View(),), gradient), encoder.intercept(note):
        encoder(batch)
    return outputs[0]


def view_of(batch: Batch, examples: int) -> Tensor:
    """The view that each token belongs to."""
    lengths = torch.tensor(batch.lengths)
    return (batch.order // examples).repeat_interleave(lengths)


@pytest.mark.parametrize("family", MODES)
@pytest.mark.parametrize("augmentation", EVERY, ids=lambda item: type(item).__name__)
@pytest.mark.parametrize("asked", [0, 1, 2])
def test_only_the_tokens_of_the_view_that_asks_change(family: str, augmentation: Any, asked: int):
    encoder = shared(family)
    assert encoder.ragged is (family not in PADDED)
    batch = batch_of(encoder, FIRST, SECOND, FIRST)
    views = tuple(View(augment=(augmentation,)) if place == asked else View() for place in range(3))
    plain, output, owner = embedded(encoder, batch), embedded(encoder, batch, views), view_of(batch, 4)
    assert torch.equal(output[owner != asked], plain[owner != asked])
    assert not torch.equal(output[owner == asked], plain[owner == asked])


@pytest.mark.parametrize("family", MODES)
def test_every_sentence_of_the_view_is_cut_by_its_own_length(family: str):
    encoder = shared(family)
    batch = batch_of(encoder, FIRST, SECOND)
    output = embedded(encoder, batch, (View(), View(augment=(TokenCutoff(0.4),))))
    zero = (output == 0).all(dim=1)
    for tokens, length, row in zip(zero.split(list(batch.lengths)), batch.lengths, batch.order.tolist(), strict=True):
        assert tokens.sum() == (int(0.4 * length) if row >= 4 else 0)


@pytest.mark.parametrize("family", MODES)
def test_the_vectors_of_the_other_views_stay_as_they_are(family: str):
    encoder = shared(family)
    batch = batch_of(encoder, FIRST, SECOND)
    with torch.no_grad():
        plain = encoder(batch)
        with augment_embeddings(encoder, (View(), View(augment=(FeatureCutoff(0.4),)))):
            output = encoder(batch)
        assert torch.equal(output[:4], plain[:4])
        assert ((output[4:] - plain[4:]).abs().amax(dim=1) > 1e-4).all()
        assert torch.equal(encoder(batch), plain)  # nothing is left behind


def test_several_augmentations_of_a_view_act_in_their_order():
    encoder = make_encoder()
    batch = batch_of(encoder, FIRST, SECOND)
    owner = view_of(batch, 4) == 0
    lengths = torch.tensor(batch.lengths)[batch.order < 4]
    torch.manual_seed(3)
    output = embedded(encoder, batch, (View(augment=(FeatureCutoff(0.5), TokenCutoff(0.3))), View()))
    torch.manual_seed(3)
    expected = TokenCutoff(0.3)(FeatureCutoff(0.5)(embedded(encoder, batch)[owner], lengths), lengths)
    assert torch.equal(output[owner], expected)


@pytest.mark.parametrize("family", MODES)
def test_the_gradient_reaches_the_word_embeddings_through_what_is_not_cut(family: str):
    encoder = make_encoder(family)
    weight = encoder.backbone.get_input_embeddings().weight
    with augment_embeddings(encoder, (View(augment=(FeatureCutoff(0.4),)),)):
        encoder(batch_of(encoder, FIRST)).square().sum().backward()
    assert weight.grad.any()


# ---- the adversarial step --------------------------------------------------------------------------------


@pytest.mark.parametrize("family", MODES)
@pytest.mark.parametrize("norm", [1.0, 0.01])
def test_each_token_moves_along_its_gradient_by_the_asked_length(family: str, norm: float):
    encoder = shared(family)
    batch = batch_of(encoder, FIRST, SECOND)
    plain, owner = embedded(encoder, batch), view_of(batch, 4)
    gradient = torch.randn(plain.shape, generator=torch.Generator().manual_seed(1)) * 1e-3
    output = embedded(encoder, batch, (View(), View(augment=(Adversarial(norm),))), gradient)
    step = (output - plain)[owner == 1]
    torch.testing.assert_close(step.norm(dim=1), torch.full((len(step),), norm), atol=1e-5, rtol=1e-3)
    assert torch.cosine_similarity(step, gradient[owner == 1]).min() > 0.999
    assert torch.equal(output[owner == 0], plain[owner == 0])


@pytest.mark.parametrize("family", ["bert", "mpnet"])
def test_what_is_captured_is_the_embedding_layers_output_with_its_gradient(family: str):
    encoder = shared(family)
    batch = batch_of(encoder, FIRST)
    outputs: list[Tensor] = []
    with capture_embeddings(encoder, outputs):
        vectors = encoder(batch)
    (tokens,) = outputs
    assert torch.equal(tokens.detach(), embedded(encoder, batch))
    (gradient,) = torch.autograd.grad(vectors[1, 0], outputs)
    of_second = batch.order.repeat_interleave(torch.tensor(batch.lengths)) == 1
    assert gradient[of_second].any()
    assert not gradient[~of_second].any()


def tokens_of(encoder: Encoder, batch: Batch, hidden: Tensor) -> Tensor:
    """Hidden states as the backbone holds them, without what is padding."""
    if encoder.ragged:
        return hidden[0]
    return hidden[torch.arange(hidden.shape[1]) < torch.tensor(batch.lengths)[:, None]]


def by_hand(method: Method, batch: Batch, loss_of: Any) -> Tensor:
    """The gradient of a loss of the clean vectors at the output of the embedding layer, from a plain hook."""
    kept: list[Tensor] = []

    def keep(module: Any, args: Any, output: Tensor) -> Tensor:
        kept.append(output.detach().requires_grad_())
        return kept[0]

    handle = method.encoder.backbone.embeddings.register_forward_hook(keep)
    loss = loss_of(method.encoder(batch).chunk(len(method.view_plan.online)))
    handle.remove()
    (gradient,) = torch.autograd.grad(loss, kept)
    return tokens_of(method.encoder, batch, gradient)


def moved(method: Method, examples: Any) -> Tensor:
    """How a step of the method moves what the layers are given."""
    batch, given = examples.chunks[0].online, []

    def note(module: Any, args: Any, keywords: Any) -> None:
        given.append(args[0].detach())

    layers = next(m for name, m in method.encoder.backbone.named_modules() if name.endswith(("encoder", "layers")))
    handle = layers.register_forward_pre_hook(note, with_kwargs=True)
    method(examples)
    handle.remove()
    return tokens_of(method.encoder, batch, given[-1]) - embedded(method.encoder, batch)


def assert_attacked(method: Method, examples: Any, gradient: Tensor, norm: float, adversarial: int) -> None:
    step = moved(method, examples)
    asked = view_of(examples.chunks[0].online, len(examples)) == adversarial
    expected = norm * gradient / (gradient.norm(dim=1, keepdim=True) + 1e-10)
    alive = gradient.norm(dim=1) > 1e-7
    assert alive[asked].any()
    torch.testing.assert_close(step[asked & alive], expected[asked & alive], atol=2e-3 * norm, rtol=0)
    assert not step[~asked].any()


@pytest.mark.parametrize("family", ["bert", *PADDED])
def test_without_labels_a_method_attacks_its_contrast(family: str):
    views = (View(target=False), View(1, online=False, augment=(Adversarial(0.5),)))
    recipe = Recipe(views=views, objective=InfoNCE(temperature=0.2, weight=3.0), head=Projector(), dropout=0.0)
    method = Method(recipe, make_encoder(family), columns=2, seed=1).train()
    examples = examples_of(method, FIRST, SECOND)

    def contrast(vectors: Any) -> Tensor:
        return InfoNCE(temperature=0.2)(Pair(*(method.head(each) for each in vectors)))

    gradient = by_hand(method, examples.chunks[0].online, contrast)
    assert_attacked(method, examples, gradient, 0.5, adversarial=1)


FIERCE, MILD = Adversarial(1.0), Adversarial(0.25)
LABELED = {
    "clean first": (View(0), View(0, augment=(FIERCE,)), View(1)),
    "attacked first": (View(0, augment=(FIERCE,)), View(0), View(1)),
    "both columns": (View(0), View(0, augment=(FIERCE,)), View(1, augment=(MILD,)), View(1)),
    "twice": (View(0), View(0, augment=(FIERCE,)), View(0, augment=(MILD,)), View(1)),
    "beside": (View(0), View(0, augment=(FIERCE,)), View(1, online=False, target=False)),
}


@pytest.mark.parametrize("name", LABELED)
def test_with_labels_a_method_learns_from_clean_vectors_and_attacks_that_loss(name: str):
    """ConSERT: the cross-entropy of the clean vectors, its gradient at their tokens, then the step from there."""
    views = LABELED[name]
    recipe = Recipe(views=views, objective=InfoNCE(), auxiliaries=(SoftmaxNLI(),), dropout=0.0)
    method = Method(recipe, make_encoder(), columns=2, seed=1).train()
    labels = torch.tensor([0.0, 2.0, 1.0, 2.0])
    examples = examples_of(method, FIRST, SECOND, scores=labels)
    batch = examples.chunks[0].online
    clean = {view.column: place for place, view in enumerate(views) if not view.adversarial}
    losses: list[Tensor] = []

    def classified(vectors: Any) -> Tensor:
        u, v = vectors[clean[0]], vectors[clean[1]]
        logits = method.auxiliaries[0].classifier(torch.cat([u, v, (u - v).abs()], dim=1))
        losses.append(torch.nn.functional.cross_entropy(logits, labels.long()))
        return losses[0]

    gradient, step, owner = by_hand(method, batch, classified), moved(method, examples), view_of(batch, 4)
    for place, view in enumerate(views):
        own, read = step[owner == place], gradient[owner == clean[view.column]]
        if view.adversarial:
            expected = view.augment[0].norm * read / (read.norm(dim=1, keepdim=True) + 1e-10)
            torch.testing.assert_close(own, expected, atol=2e-3, rtol=0)
        else:
            assert not own.any()
    torch.testing.assert_close(method(examples)[1]["auxiliary_0"], losses[0].detach(), atol=1e-6, rtol=1e-6)


def test_the_attack_raises_the_loss_that_it_attacks():
    encoder = make_encoder()
    plain = Recipe(views=(View(target=False), View(1, online=False)), objective=InfoNCE(temperature=0.5), dropout=0.0)
    clean = Method(plain, encoder, columns=2, seed=1).train()
    views = (View(target=False), View(1, online=False, augment=(Adversarial(0.3),)))
    attacked = Method(Recipe(views=views, objective=InfoNCE(temperature=0.5), dropout=0.0), encoder, columns=2, seed=1)
    before = clean(examples_of(clean, FIRST, SECOND))[0]
    after = attacked.train()(examples_of(attacked, FIRST, SECOND))[0]
    assert after > before + 0.01


def test_the_attack_is_a_constant_for_the_step_that_follows():
    """The gradient of the step is that of the moved tokens, not of the way in which they were moved."""
    encoder = make_encoder()
    views = (View(target=False), View(1, online=False, augment=(Adversarial(0.5),)))
    recipe = Recipe(views=views, objective=InfoNCE(temperature=0.2), dropout=0.0)
    method = Method(recipe, encoder, columns=2, seed=1).train()
    examples = examples_of(method, FIRST, SECOND)
    batch = examples.chunks[0].online
    shift = moved(method, examples)
    method(examples)[0].backward()
    gradients = {name: p.grad.clone() for name, p in encoder.named_parameters() if p.grad is not None}
    encoder.zero_grad()
    with encoder.intercept(lambda tokens, _: tokens + shift):
        query, key = encoder(batch).chunk(2)
    InfoNCE(temperature=0.2)(Pair(query, key)).backward()
    for name, p in encoder.named_parameters():
        if p.grad is not None:
            torch.testing.assert_close(gradients[name], p.grad, atol=1e-5, rtol=1e-4)
