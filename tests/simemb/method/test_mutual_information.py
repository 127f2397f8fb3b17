"""IS-BERT: n-grams of a sentence against its mean, and against those of the others, written token by token."""

from collections.abc import Callable
from math import exp, log
from pathlib import Path
from typing import Any

import pytest
import torch
from families import make_encoder
from safetensors.torch import load_file
from transformers import AutoModel

from simemb.encoder.encoder import Encoder
from simemb.errors import RecipeError
from simemb.method.auxiliaries import (
    AuxiliaryInput,
    MutualInformation,
    MutualInformationLoss,
    mutual_information,
    shares,
)
from simemb.method.objectives import InfoNCE
from simemb.method.recipe import Recipe
from simemb.method.step_input import Chunk, StepInput
from simemb.method.views import View
from simemb.training.fit import fit
from simemb.transformer.batch import Batch

TEXTS = ["the red dog sees a ball", "a cat", "", "the child finds a red apple"]
VIEWS = {0: View()}

Rows = list[list[float]]


def local_by_hand(loss: MutualInformationLoss, states: Rows) -> Rows:
    """relu(W (h of the window) + b) for each window, end to end; beyond the sentence all is 0."""
    vectors: Rows = [[] for _ in states]
    for convolution in loss.convolutions:
        (window,) = convolution.kernel_size
        for place, vector in enumerate(vectors):
            for weight, bias in zip(convolution.weight.tolist(), convolution.bias.tolist(), strict=True):
                total = bias
                for step in range(window):
                    seen = place + step - window // 2
                    if 0 <= seen < len(states):
                        total += sum(row[step] * x for row, x in zip(weight, states[seen], strict=True))
                vector.append(max(0.0, total))
    return vectors


def loss_by_hand(loss: MutualInformationLoss, sentences: list[Rows]) -> float:
    local = [local_by_hand(loss, states) for states in sentences]
    means = [[sum(column) / len(rows) for column in zip(*rows, strict=True)] for rows in local]
    own: list[float] = []
    other: list[float] = []
    for place, rows in enumerate(local):
        for row in rows:
            for number, mean in enumerate(means):
                score = sum(a * b for a, b in zip(row, mean, strict=True))
                if number == place:
                    own.append(log(1 + exp(-score)))
                else:
                    other.append(log(1 + exp(score)))
    return sum(own) / len(own) + (sum(other) / len(other) if other else 0)


def mean_encoder(tiny_base: Path) -> Encoder:
    return Encoder.load(tiny_base, pooling="mean").complete().eval()


def built(encoder: Encoder, **fields: Any) -> MutualInformationLoss:
    torch.manual_seed(2)
    return MutualInformation(**{"channels": 4, **fields}).build(encoder, VIEWS)


def input_of(encoder: Encoder, texts: list[str]) -> AuxiliaryInput:
    return AuxiliaryInput(encoder, Batch.collate(encoder.tokenize(texts)[0]), {}, places=(0,))


@pytest.mark.parametrize("texts", [TEXTS, TEXTS[:1], TEXTS[:2]], ids=len)
@pytest.mark.parametrize("windows", [(1, 3, 5), (3,)])
def test_the_loss_is_that_of_the_paper_token_by_token(windows: tuple[int, ...], texts: list[str], tiny_base: Path):
    encoder = mean_encoder(tiny_base)
    loss = built(encoder, windows=windows)
    sentences: list[Rows] = []
    reference = AutoModel.from_pretrained(tiny_base).eval()
    for ids in encoder.tokenize(texts)[0]:
        with torch.no_grad():
            sentences.append(reference(torch.tensor([ids])).last_hidden_state[0].tolist())
    assert loss(input_of(encoder, texts)).item() == pytest.approx(loss_by_hand(loss, sentences), abs=1e-5)


def test_encoder_and_convolutions_learn(tiny_base: Path):
    encoder = mean_encoder(tiny_base)
    loss = built(encoder, channels=16)
    loss(input_of(encoder, TEXTS)).backward()
    for module in (encoder.backbone, loss):
        assert all(weight.grad is not None and weight.grad.any() for weight in module.parameters())


def test_a_process_counts_by_its_tokens_and_sees_the_sentences_of_all(tiny_base: Path, monkeypatch: Any):
    encoder = mean_encoder(tiny_base)
    loss = built(encoder)
    halves = [TEXTS[:2], TEXTS[2:]]
    whole = loss(input_of(encoder, TEXTS))
    means: list[torch.Tensor] = []
    monkeypatch.setattr(mutual_information, "gather", lambda rows, _: means.append(rows) or rows)
    counts: list[int] = []
    for half in halves:
        loss(input_of(encoder, half))
        batch = input_of(encoder, half).batch
        rows = torch.arange(len(half))
        assert [
            float(share.weight) for share in shares(loss, StepInput((Chunk(batch, None, 0, 2),), rows, (rows,)))
        ] == [1]
        counts.append(len(batch.ids))
    monkeypatch.setattr(mutual_information, "gather", lambda *_: torch.cat(means))
    monkeypatch.setattr(mutual_information, "shares", lambda *_: (2, 2))
    parts: list[torch.Tensor] = []
    for number, half in enumerate(halves):
        monkeypatch.setattr(mutual_information, "rank", lambda number=number: number)
        parts.append(loss(input_of(encoder, half)) * counts[number] / sum(counts))
    torch.testing.assert_close(sum(parts), whole)


def test_the_saved_encoder_holds_no_convolution(tiny_base: Path, sentences_file: Path, tmp_path: Path):
    recipe = Recipe((VIEWS[0],), auxiliaries=(MutualInformation(),), pooling="mean", batch_size=8, max_steps=2)
    fit(recipe, tiny_base, sentences_file, output=tmp_path / "run", dev="none")
    names = load_file(tmp_path / "run" / "best" / "model.safetensors").keys()
    assert names
    assert not any("convolution" in name for name in names)
    assert not (tmp_path / "run" / "best" / "2_Dense").exists()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MutualInformation(windows=(1, 2)), r"odd numbers of tokens, one at least, not \(1, 2\)"),
        (lambda: MutualInformation(windows=()), "one at least"),
        (lambda: MutualInformation(channels=0), "channels must be at least 1, not 0"),
        (lambda: MutualInformation().build(make_encoder("bert", pooling="cls"), VIEWS), "mean vectors, not cls: set"),
        (
            lambda: Recipe((View(), View()), InfoNCE(), auxiliaries=(MutualInformation(),)),
            "the texts of one view, and the encoder sees 2",
        ),
        (
            lambda: Recipe((View(),), auxiliaries=(MutualInformation(),), chunk=4),
            "--chunk: MutualInformation compares the texts of a whole batch",
        ),
        (
            lambda: Recipe((View(),), auxiliaries=(MutualInformation(),), batch_size=1),
            "--batch-size: MutualInformation compares the texts of a whole batch with each other, two at least",
        ),
    ],
)
def test_what_does_not_fit_is_refused(make: Callable[[], Any], message: str):
    with pytest.raises(RecipeError, match=message):
        make()
