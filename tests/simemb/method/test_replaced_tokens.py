"""DiffCSE: what a frozen language model changed is found by a discriminator that knows the sentence's vector."""

import json
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from math import exp, log
from pathlib import Path
from typing import Any

import pytest
import torch
from families import make_config, make_tokenizer
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM, BertModel

from simemb.encoder.encoder import Encoder
from simemb.errors import ModelError, RecipeError
from simemb.method import gradient_cache
from simemb.method.auxiliaries import AuxiliaryInput, Masked, ReplacedTokenDetection, ReplacedTokenLoss, shares
from simemb.method.heads import MLP, Projector
from simemb.method.method import Method
from simemb.method.objectives import InfoNCE
from simemb.method.recipe import Recipe
from simemb.method.step_input import Chunk, StepInput
from simemb.method.views import View
from simemb.training.fit import fit
from simemb.transformer.batch import Batch

TEXTS = ["the red dog sees a ball", "a cat", "the old singer", "the child finds a red apple"]
VIEWS = (View(target=False), View(online=False))
PLACES = dict(enumerate(VIEWS))
BASE = Recipe(VIEWS, InfoNCE(), auxiliaries=(ReplacedTokenDetection(weight=0.5),), dropout=0.0)


def built(encoder: Encoder, **fields: Any) -> ReplacedTokenLoss:
    torch.manual_seed(5)
    return ReplacedTokenDetection(**{"probability": 0.5, **fields}).build(encoder, PLACES)


def input_of(encoder: Encoder, vectors: Tensor, masked: Masked | None = None, head: nn.Module | None = None) -> Any:
    batch = Batch.collate(encoder.tokenize(TEXTS)[0])
    return AuxiliaryInput(encoder, batch, {0: vectors}, masked=masked, places=(0,), head=head or nn.Identity())


def loss_by_hand(path: Path, loss: ReplacedTokenLoss, inputs: Any, given: Tensor) -> tuple[float, int]:
    """The mean of -log softmax at replaced or not, one sentence after the other; and how many tokens are replaced."""
    generator = AutoModelForMaskedLM.from_pretrained(path).eval()
    discriminator = BertModel(AutoConfig.from_pretrained(path), add_pooling_layer=False).eval()
    discriminator.load_state_dict(loss.discriminator.backbone.state_dict())
    batch, losses, replaced, start = inputs.batch, [], 0, 0
    for place, length in zip(batch.order.tolist(), batch.lengths, strict=True):
        ids, masked = (part[start : start + length] for part in (batch.ids, inputs.masked.ids))
        start += length
        with torch.no_grad():
            edited = generator(masked[None]).logits[0].argmax(-1)
            edited[0] = ids[0]
            tokens = discriminator.embeddings(edited[None])  # after its norm
            tokens[0, 0] = given[place]
            states = tokens
            for layer in discriminator.encoder.layer:
                states = layer(states)
                states = states[0] if isinstance(states, tuple) else states
            logits = loss.classifier(states[0]).tolist()
        for row, was, now in zip(logits, ids.tolist(), edited.tolist(), strict=True):
            losses.append(log(sum(map(exp, row))) - row[int(was != now)])
            replaced += was != now
    return sum(losses) / len(losses), replaced


@pytest.mark.parametrize("projected", [True, False])
def test_the_loss_is_that_of_the_released_code_token_by_token(projected: bool, tiny_base: Path):
    encoder = Encoder.load(tiny_base, pooling="cls").eval()
    loss = built(encoder, projected=projected).eval()
    torch.manual_seed(1)
    vectors, head = torch.randn(len(TEXTS), 32), nn.Linear(32, 32)
    masked = loss.mask(Batch.collate(encoder.tokenize(TEXTS)[0]))
    inputs = input_of(encoder, vectors, masked, head)
    expected, replaced = loss_by_hand(tiny_base, loss, inputs, head(vectors) if projected else vectors)
    assert 2 < replaced < len(inputs.batch.ids)
    assert loss(inputs).item() == pytest.approx(expected, abs=2e-5)


def test_the_generator_is_frozen_and_draws_no_dropout_while_all_else_learns(tiny_base: Path):
    encoder = Encoder.load(tiny_base, pooling="cls").complete()
    method = Method(replace(BASE, dropout=0.3), encoder, columns=1, seed=3).train()
    loss = method.auxiliaries[0]
    assert loss.discriminator.training
    assert not any(module.training for module in loss.generator.modules())
    masked = loss.mask(Batch.collate(encoder.tokenize(TEXTS)[0]))
    batch = input_of(encoder, torch.zeros(4, 32)).batch
    assert torch.equal(loss.generator(batch, masked), loss.generator(batch, masked))
    vectors = encoder(batch)
    loss(input_of(encoder, vectors, masked)).backward()
    assert not any(weight.requires_grad or weight.grad is not None for weight in loss.generator.parameters())
    # the embedding of the first token is not read: the vector is in its place
    assert all(weight.grad is not None and weight.grad.any() for weight in loss.discriminator.backbone.parameters())
    assert all(weight.grad is not None and weight.grad.any() for weight in loss.classifier.parameters())
    assert all(weight.grad is not None for weight in encoder.backbone.encoder.parameters())


def test_the_discriminator_starts_as_the_encoder_and_goes_its_own_way(tiny_base: Path):
    encoder = Encoder.load(tiny_base, pooling="cls").complete()
    loss = built(encoder)
    ours, theirs = encoder.backbone.state_dict(), loss.discriminator.backbone.state_dict()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())
    assert not {id(p) for p in encoder.parameters()} & {id(p) for p in loss.parameters()}


def test_a_base_without_a_head_takes_the_bundled_one_if_the_words_are_the_same():
    assert built(Encoder.load("mini")).generator.encoder.name == "base"


def steps(encoder: Encoder, size: int) -> StepInput:
    chunks = [
        Chunk(Batch.collate(encoder.tokenize(TEXTS[first : first + size] * 2)[0]), None, first, size)
        for first in range(0, len(TEXTS), size)
    ]
    rows = torch.arange(len(TEXTS))
    return StepInput(tuple(chunks), rows, (rows, rows))


@pytest.mark.parametrize("fields", [{"head": Projector()}, {"head": None}], ids=str)
def test_in_chunks_the_gradient_is_that_of_the_whole_batch(
    fields: dict[str, Any], tiny_base: Path, monkeypatch: pytest.MonkeyPatch
):
    def every_third(self: ReplacedTokenLoss, batch: Batch) -> Masked:  # the same tokens however the batch is cut
        chosen = (batch.ids + batch.positions) % 3 == 0
        return Masked(torch.where(chosen, 4, batch.ids), chosen)

    monkeypatch.setattr(ReplacedTokenLoss, "mask", every_third)
    found: list[dict[str, Tensor]] = []
    losses: list[float] = []
    for size in (4, 2, 1):
        method = Method(replace(BASE, **fields), Encoder.load(tiny_base, pooling="cls").complete(), columns=1, seed=3)
        step = steps(method.encoder, size)
        loss, _ = gradient_cache.backward(method.train(), step, lambda part: part.backward(), nullcontext)
        losses.append(loss.item())
        found.append({name: p.grad for name, p in method.named_parameters() if p.grad is not None})
    assert losses == pytest.approx([losses[0]] * 3, abs=1e-5)
    for name, gradient in found[0].items():
        for other in found[1:]:
            torch.testing.assert_close(other[name], gradient, atol=2e-5, rtol=1e-3)


def test_a_chunk_counts_by_its_tokens(tiny_base: Path):
    encoder = Encoder.load(tiny_base, pooling="cls")
    lengths = [len(ids) for ids in encoder.tokenize(TEXTS)[0]]
    weights = [float(share.weight) for share in shares(built(encoder), steps(encoder, 1))]
    assert weights == pytest.approx([length / sum(lengths) for length in lengths])


def test_the_saved_encoder_holds_neither_generator_nor_discriminator(
    tiny_base: Path, sentences_file: Path, tmp_path: Path
):
    recipe = replace(BASE, batch_size=8, max_steps=2, head=MLP(hidden=64, norm="batch", final_norm=True, bias=False))
    fit(recipe, tiny_base, sentences_file, output=tmp_path / "run", dev="none")
    names = set(load_file(tmp_path / "run" / "best" / "model.safetensors"))
    fit(replace(recipe, auxiliaries=()), tiny_base, sentences_file, output=tmp_path / "plain", dev="none")
    assert names == set(load_file(tmp_path / "plain" / "best" / "model.safetensors"))


def other_words(folder: Path) -> Path:
    """A masked language model of another vocabulary."""
    AutoModelForMaskedLM.from_config(make_config("bert")).save_pretrained(folder)
    make_tokenizer("bert").save_pretrained(folder)
    return folder


@pytest.mark.parametrize("probability", [0.0, 1.0, float("nan")])
def test_a_probability_outside_of_0_to_1_is_refused(probability: float):
    with pytest.raises(RecipeError, match=r"must be in \(0, 1\)"):
        ReplacedTokenDetection(probability=probability)


def test_a_generator_that_does_not_fit_is_refused(tiny_base: Path, tmp_path: Path):
    encoder = Encoder.load(tiny_base, pooling="cls")
    other = other_words(tmp_path / "other")
    with pytest.raises(
        RecipeError, match=r"other: its vocabulary is not that of .*tiny-bert \(\d+ tokens, against \d+\)"
    ):
        built(encoder, generator=str(other))
    bare = tmp_path / "bare"
    AutoModel.from_config(make_config("bert")).save_pretrained(bare)
    make_tokenizer("bert").save_pretrained(bare)
    with pytest.raises(RecipeError, match="bare: has no language-modelling head"):
        built(Encoder.load(other, pooling="cls"), generator=str(bare))
    with pytest.raises(RecipeError, match="generator base: its vocabulary is not that of"):
        built(Encoder.load(bare, pooling="cls"))
    with pytest.raises(ModelError):
        built(encoder, generator=str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda path: Method(replace(BASE, head=Projector(width=8)), Encoder.load(path), columns=1, seed=1),
            "in the place of an embedding, which has 32 dimensions, not 8",
        ),
        (
            lambda _: replace(BASE, head=MLP(norm="batch"), chunk=4),
            "--chunk: ReplacedTokenDetection reads vectors after the head, whose batch norm",
        ),
    ],
)
def test_vectors_that_the_discriminator_cannot_read_are_refused(
    make: Callable[[Path], Any], message: str, tiny_base: Path
):
    with pytest.raises(RecipeError, match=message):
        make(tiny_base)


def test_a_vector_before_the_head_may_go_with_batch_norm_in_chunks():
    assert replace(BASE, head=MLP(norm="batch"), chunk=4, auxiliaries=(ReplacedTokenDetection(projected=False),))


def test_a_named_generator_is_in_the_record_of_the_run_by_path_and_digest(
    tiny_base: Path, sentences_file: Path, tmp_path: Path
):
    auxiliary = ReplacedTokenDetection(generator=str(tiny_base))
    recipe = replace(BASE, auxiliaries=(auxiliary,), batch_size=8, max_steps=2, eval_every=1)
    run = tmp_path / "run"
    fit(recipe, tiny_base, sentences_file, output=run, dev="none")
    record = json.loads((run / "recipe.json").read_text())
    assert record["data"]["generator"] == Encoder.load(tiny_base, pooling="cls").fingerprint()
    assert f"generator: {tiny_base}" in (run / "run.yaml").read_text()
    moved = tmp_path / "moved"
    shutil.copytree(tiny_base, moved)
    again = replace(recipe, auxiliaries=(replace(auxiliary, generator=str(moved)),))
    assert fit(again, tiny_base, sentences_file, output=run, dev="none", resume=True).steps == 2
