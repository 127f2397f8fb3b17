"""TSDAE: a decoder that sees a text's vector and the tokens before, against the same decoder written token by token."""

from collections.abc import Callable
from dataclasses import replace
from math import erf, exp, log, sqrt
from pathlib import Path
from typing import Any

import pytest
import torch
from families import make_backbone, make_encoder, make_tokenizer
from safetensors.torch import load_file
from torch import Tensor

from simemb.encoder.encoder import Encoder
from simemb.errors import RecipeError
from simemb.method.auxiliaries import AuxiliaryInput, Denoising, DenoisingLoss, shares
from simemb.method.method import Method
from simemb.method.recipe import Recipe
from simemb.method.step_input import Chunk, StepInput
from simemb.method.token_augmentations import Delete
from simemb.method.views import View
from simemb.training.fit import fit
from simemb.transformer.batch import Batch
from simemb.transformer.decoder import KIN, Decoder

TEXTS = ["the red dog sees a ball", "a cat", "the old singer", "the child finds a red apple"]
NOISED = ["the dog ball", "cat", "old singer", "child a apple"]
VIEWS = {0: View(augment=(Delete(0.6),))}


def built(encoder: Encoder, **fields: Any) -> DenoisingLoss:
    torch.manual_seed(5)
    loss = Denoising(**fields).build(encoder, VIEWS).eval()
    with torch.no_grad():  # so that nothing cancels
        for weight in loss.decoder.cross.parameters():
            weight.add_(torch.randn(weight.shape) * 0.2)
    return loss


def input_of(encoder: Encoder, vectors: Tensor) -> AuxiliaryInput:
    noised, originals = (Batch.collate(encoder.tokenize(texts)[0]) for texts in (NOISED, TEXTS))
    return AuxiliaryInput(encoder, noised, {0: vectors}, places=(0,), originals=originals)


# ---- the decoder, number by number ---------------------------------------------------------------

Row = list[float]


def times(module: Any, row: Row) -> Row:
    return [
        sum(w * x for w, x in zip(weights, row, strict=True)) + b
        for weights, b in zip(module.weight.tolist(), module.bias.tolist(), strict=True)
    ]


def normed(module: Any, row: Row) -> Row:
    mean = sum(row) / len(row)
    spread = sqrt(sum((x - mean) ** 2 for x in row) / len(row) + module.eps)
    parts = zip(row, module.weight.tolist(), module.bias.tolist(), strict=True)
    return [(x - mean) / spread * w + b for x, w, b in parts]


def added(one: Row, other: Row) -> Row:
    return [a + b for a, b in zip(one, other, strict=True)]


def gelu(x: float) -> float:
    return x * 0.5 * (1 + erf(x / sqrt(2)))


def softmax(scores: Row) -> Row:
    top = max(scores)
    shares = [exp(score - top) for score in scores]
    return [share / sum(shares) for share in shares]


def attended(queries: Row, keys: list[Row], values: list[Row], heads: int) -> Row:
    """softmax(q K^T / sqrt(d)) V by head; the keys are those that the query may see."""
    size = len(queries) // heads
    out: Row = []
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        scores = [sum(a * b for a, b in zip(queries[part], key[part], strict=True)) / sqrt(size) for key in keys]
        weights = softmax(scores)
        out += [sum(w * value[part][at] for w, value in zip(weights, values, strict=True)) for at in range(size)]
    return out


def states_by_hand(encoder: Encoder, decoder: Decoder, ids: list[int], vector: Row) -> list[Row]:
    """The states of one sentence: BERT's layers, each query seeing the tokens up to it, and the vector's attention."""
    embeddings, layers = encoder.backbone.embeddings, encoder.backbone.encoder.layer
    words, places = embeddings.word_embeddings.weight.tolist(), embeddings.position_embeddings.weight.tolist()
    kind = embeddings.token_type_embeddings.weight.tolist()[0]
    rows = [normed(embeddings.LayerNorm, added(added(words[t], kind), places[n])) for n, t in enumerate(ids)]
    for layer, cross in zip(layers, decoder.cross, strict=False):
        parts = layer.attention.self
        queries, keys, values = ([times(p, row) for row in rows] for p in (parts.query, parts.key, parts.value))
        heads = parts.num_attention_heads
        seen = [attended(queries[n], keys[: n + 1], values[: n + 1], heads) for n in range(len(rows))]
        after = layer.attention.output
        rows = [normed(after.LayerNorm, added(times(after.dense, s), row)) for s, row in zip(seen, rows, strict=True)]
        value = times(cross.value, vector)
        told = times(
            cross.output, attended(rows[0], [value], [value], 1)
        )  # one key: whatever the query, its weight is 1
        rows = [normed(cross.norm, added(row, told)) for row in rows]
        inner = [[gelu(x) for x in times(layer.intermediate.dense, row)] for row in rows]
        rows = [
            normed(layer.output.LayerNorm, added(times(layer.output.dense, up), row))
            for up, row in zip(inner, rows, strict=True)
        ]
    return rows


def loss_by_hand(encoder: Encoder, loss: DenoisingLoss, vectors: Tensor) -> float:
    losses: list[float] = []
    for ids, vector in zip(encoder.tokenize(TEXTS)[0], vectors.tolist(), strict=True):
        states = states_by_hand(encoder, loss.decoder, ids, vector)
        with torch.no_grad():
            logits = loss.head(torch.tensor(states)).tolist()
        for place, label in enumerate(ids[1:]):
            losses.append(-log(softmax(logits[place])[label]))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("fields", [{}, {"layers": 1}, {"tied": False}], ids=str)
def test_the_loss_is_that_of_a_decoder_written_token_by_token(fields: dict[str, Any], tiny_base: Path):
    encoder = Encoder.load(tiny_base, pooling="cls").eval()
    encoder.complete().eval()
    loss = built(encoder, **fields)
    vectors = torch.randn(len(TEXTS), encoder.dim, generator=torch.Generator().manual_seed(1))
    assert loss(input_of(encoder, vectors)).item() == pytest.approx(loss_by_hand(encoder, loss, vectors), abs=2e-5)


@pytest.mark.parametrize("family", KIN)
def test_no_token_sees_a_later_one_or_another_sentence(family: str):
    encoder = make_encoder(family)
    decoder = Decoder(encoder.backbone, encoder.dim).eval()
    sentences = encoder.tokenize(["a man plays the guitar", "we saw a red sky", "dog"])[0]
    vectors = torch.randn(3, encoder.dim)

    def states(*changed: list[int]) -> list[Tensor]:
        batch = Batch.collate(changed)
        from simemb.encoder import token_states

        rows = decoder(encoder.backbone, batch, token_states.places(encoder, batch), vectors)
        by_order = dict(zip(batch.order.tolist(), rows.split(batch.lengths), strict=True))
        return [by_order[number] for number in range(len(changed))]

    before = states(*sentences)
    edited = [*sentences[0][:3], sentences[1][3], *sentences[0][4:]]
    after = states(edited, *sentences[1:])
    torch.testing.assert_close(after[0][:3], before[0][:3], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(after[0][3:], before[0][3:], atol=1e-3)
    for one, other in zip(after[1:], before[1:], strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


# ---- gradients -----------------------------------------------------------------------------------


def test_with_layers_of_its_own_the_decoder_reaches_the_encoders_layers_by_the_vector_alone(tiny_base: Path):
    encoder = Encoder.load(tiny_base, pooling="cls").complete()
    loss = built(encoder, tied=False)
    layers = encoder.backbone.encoder.layer
    loss(input_of(encoder, encoder(Batch.collate(encoder.tokenize(NOISED)[0])).detach())).backward()
    assert all(weight.grad is None for weight in layers.parameters())
    assert all(weight.grad is not None and weight.grad.any() for weight in loss.decoder.own.parameters())
    assert all(weight.grad is not None and weight.grad.any() for weight in loss.decoder.cross.parameters())
    loss(input_of(encoder, encoder(Batch.collate(encoder.tokenize(NOISED)[0])))).backward()
    assert all(weight.grad is not None for weight in layers.parameters())


def test_tied_layers_learn_as_decoder_too_and_the_decoder_holds_no_copy(tiny_base: Path):
    encoder = Encoder.load(tiny_base, pooling="cls").complete()
    loss = built(encoder)
    assert not list(loss.decoder.own.parameters())
    loss(input_of(encoder, torch.randn(len(TEXTS), encoder.dim))).backward()
    assert all(weight.grad is not None for weight in encoder.backbone.encoder.layer.parameters())


# ---- a step and a run ----------------------------------------------------------------------------


def chunked(encoder: Encoder, size: int) -> StepInput:
    chunks = []
    for first in range(0, len(TEXTS), size):
        online, originals = (Batch.collate(encoder.tokenize(t[first : first + size])[0]) for t in (NOISED, TEXTS))
        chunks.append(Chunk(online, None, first, len(online), originals=originals))
    rows = torch.arange(len(TEXTS))
    return StepInput(tuple(chunks), rows, (rows,))


RECIPE = Recipe(views=(VIEWS[0],), auxiliaries=(Denoising(),), dropout=0.0)


@pytest.mark.parametrize("tied", [True, False])
def test_chunks_add_up_to_the_mean_over_all_tokens(tied: bool, tiny_base: Path):
    from contextlib import nullcontext

    from simemb.method import gradient_cache

    found: list[dict[str, Tensor]] = []
    losses: list[float] = []
    for size in (len(TEXTS), 3, 1):
        encoder = Encoder.load(tiny_base, pooling="cls").complete()
        method = Method(replace(RECIPE, auxiliaries=(Denoising(tied=tied),)), encoder, columns=1, seed=3).train()
        loss, _ = gradient_cache.backward(method, chunked(encoder, size), lambda part: part.backward(), nullcontext)
        losses.append(loss.item())
        found.append({name: p.grad for name, p in method.named_parameters() if p.grad is not None})
    assert losses == pytest.approx([losses[0]] * 3, abs=1e-5)
    assert found[0].keys() == found[1].keys() == found[2].keys()
    for name, gradient in found[0].items():
        for other in found[1:]:
            torch.testing.assert_close(other[name], gradient, atol=2e-5, rtol=1e-3)


def test_a_chunk_counts_by_the_tokens_that_are_predicted(tiny_base: Path):
    encoder = Encoder.load(tiny_base, pooling="cls")
    lengths = [len(ids) - 1 for ids in encoder.tokenize(TEXTS)[0]]
    weights = [float(share.weight) for share in shares(built(encoder), chunked(encoder, 1))]
    assert weights == pytest.approx([length / sum(lengths) for length in lengths])


def test_the_loader_hands_on_the_texts_before_their_noise_and_without_prompts(
    tiny_base: Path, sentences_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    seen: list[tuple[Batch, Batch]] = []
    real = DenoisingLoss.forward

    def forward(self: DenoisingLoss, inputs: AuxiliaryInput) -> Tensor:
        assert inputs.originals is not None
        seen.append((inputs.batch, inputs.originals))
        return real(self, inputs)

    monkeypatch.setattr(DenoisingLoss, "forward", forward)
    view = View(augment=(Delete(0.6),), prompt="the cat ")
    recipe = replace(RECIPE, views=(view,), batch_size=8, max_steps=2)
    result = fit(recipe, tiny_base, sentences_file, output=tmp_path / "run", dev="none")
    known = {tuple(ids) for ids in result.encoder.tokenize(sentences_file.read_text().splitlines())[0]}
    for noised, originals in seen:
        assert {tuple(ids.tolist()) for ids in originals.ids.split(originals.lengths)} <= known
        assert len(noised) == len(originals) == 8
        assert len(noised.ids) < len(originals.ids)


def test_the_saved_encoder_holds_nothing_of_the_decoder(tiny_base: Path, sentences_file: Path, tmp_path: Path):
    recipe = replace(RECIPE, auxiliaries=(Denoising(tied=False),), batch_size=8, max_steps=3, learning_rate=1e-3)
    result = fit(recipe, tiny_base, sentences_file, output=tmp_path / "run", dev="none")
    names = load_file(tmp_path / "run" / "best" / "model.safetensors").keys()
    assert names
    assert not any(word in name for name in names for word in ("decoder", "cross", "own", "predictions"))
    assert torch.isfinite(torch.tensor(result.encoder.encode(TEXTS))).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Denoising(layers=0), "layers must be at least 1, not 0"),
        (lambda: Denoising(layers=9).build(make_encoder("bert"), VIEWS), "has 3, not 9"),
        (lambda: Denoising().build(make_encoder("modernbert"), VIEWS), r"\(modernbert\): its layers cannot be those"),
        (lambda: Denoising().build(make_encoder("deberta-v2"), VIEWS), r"allowed: albert, bert, "),
    ],
)
def test_what_cannot_be_decoded_is_refused(make: Callable[[], Any], message: str):
    with pytest.raises(RecipeError, match=message):
        make()


def test_an_encoder_of_another_width_tells_its_decoder_too(tiny_base: Path):
    encoder = Encoder(make_backbone("bert"), make_tokenizer(), pooling="mean", truncate_dim=7)
    assert encoder.dim == 7
    batch = Batch.collate(encoder.tokenize(TEXTS)[0])
    assert torch.isfinite(built(encoder)(AuxiliaryInput(encoder, batch, {0: encoder(batch)}, places=(0,))))
