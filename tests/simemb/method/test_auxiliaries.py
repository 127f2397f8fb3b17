"""Masked language modelling: 80/10/10 and the head of the checkpoint; and the classifier of labeled pairs."""

import logging
from math import exp, log
from pathlib import Path
from typing import Any

import pytest
import torch
from families import FAMILIES, make_config, make_tokenizer
from transformers import AutoModel, AutoModelForMaskedLM

from simemb.encoder.encoder import Encoder
from simemb.errors import DataError, RecipeError
from simemb.method.auxiliaries import AuxiliaryInput, MaskedLM, SoftmaxNLI, SoftmaxNLILoss, mask_tokens, share, shares
from simemb.method.embedding_augmentations import Adversarial
from simemb.method.step_input import Chunk, StepInput
from simemb.method.views import View
from simemb.transformer.batch import Batch

TEXTS = ["the red dog runs fast", "a man", "we saw the sky"]
VIEWS = (View(target=False), View(online=False))


def encoder_input(encoder: Encoder, batch: Batch) -> AuxiliaryInput:
    """A step in which only the batch matters."""
    return AuxiliaryInput(encoder, batch, vectors={})


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Directories of tiny language models with weights that do not cancel, by family."""
    made: dict[str, Path] = {}

    def make(family: str) -> Path:
        if family not in made:
            torch.manual_seed(3)
            model = AutoModelForMaskedLM.from_config(make_config(family))
            with torch.no_grad():
                for weight in model.parameters():
                    weight.add_(torch.randn(weight.shape) * 0.1)
            made[family] = tmp_path_factory.mktemp("mlm") / family
            model.save_pretrained(made[family])
            make_tokenizer(family).save_pretrained(made[family])
        return made[family]

    return make


@pytest.mark.parametrize("family", FAMILIES)
def test_a_base_hands_over_its_language_modelling_head(family: str, checkpoint: Any, caplog: Any):
    path = checkpoint(family)
    encoder = Encoder.load(path, pooling="cls").eval()
    with caplog.at_level(logging.WARNING, "simemb"):
        loss = MaskedLM().build(encoder, dict(enumerate(VIEWS))).eval()
    assert "fresh" not in caplog.text
    sentences = encoder.tokenize(TEXTS)[0]
    batch = Batch.collate(sentences)
    with torch.no_grad():
        logits = loss.head(encoder.hidden_states(batch)[-1])
    reference = AutoModelForMaskedLM.from_pretrained(path).eval()
    start = 0
    for place in batch.order.tolist():
        with torch.no_grad():
            expected = reference(input_ids=torch.tensor([sentences[place]])).logits[0]
        torch.testing.assert_close(logits[start : start + len(expected)], expected, atol=2e-5, rtol=1e-4)
        start += len(expected)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_output_matrix_is_the_encoders_embedding(family: str, checkpoint: Any):
    encoder = Encoder.load(checkpoint(family), pooling="cls")
    loss = MaskedLM().build(encoder, dict(enumerate(VIEWS)))
    assert loss.head.model.get_output_embeddings().weight is encoder.backbone.get_input_embeddings().weight
    loss(encoder_input(encoder, Batch.collate(encoder.tokenize(TEXTS * 8)[0]))).backward()
    assert encoder.backbone.get_input_embeddings().weight.grad is not None
    own = {id(parameter) for parameter in encoder.parameters()}
    heads = {name: parameter for name, parameter in loss.named_parameters() if id(parameter) not in own}
    assert heads
    unmoved = {name for name, parameter in heads.items() if parameter.grad is None}
    assert not unmoved
    assert not any("layer.0" in name or "layers.0" in name for name in heads)  # no second backbone


@pytest.mark.parametrize("family", FAMILIES)
def test_an_untied_output_matrix_starts_as_the_embeddings_and_goes_its_own_way(family: str, checkpoint: Any):
    """So that the embeddings learn from the words that are read, not from all that might stand in their place."""
    encoder = Encoder.load(checkpoint(family), pooling="cls").eval()
    tied, loss = (MaskedLM(tied=tied).build(encoder, dict(enumerate(VIEWS))).eval() for tied in (True, False))
    words, output = encoder.backbone.get_input_embeddings().weight, loss.head.model.get_output_embeddings().weight
    assert output is not words
    batch = Batch.collate(encoder.tokenize(TEXTS * 8)[0])
    with torch.no_grad():
        hidden = encoder.hidden_states(batch)[-1]
        assert torch.equal(loss.head(hidden), tied.head(hidden))
    masked = loss.mask(batch)
    loss(AuxiliaryInput(encoder, batch, {}, masked=masked)).backward()
    unread = torch.ones(len(words), dtype=torch.bool)
    unread[masked.ids] = False
    assert unread.sum() > 5
    assert words.grad.any()
    assert not words.grad[unread].any()
    assert output.grad[unread].any()
    words.grad = None
    tied(AuxiliaryInput(encoder, batch, {}, masked=masked)).backward()
    assert words.grad[unread].any()  # this is how words that are never read drift


def test_a_checkpoints_own_output_matrix_is_kept_unless_it_is_to_be_tied(tmp_path: Path):
    config = make_config("bert")
    config.tie_word_embeddings = False
    torch.manual_seed(3)
    own = AutoModelForMaskedLM.from_config(config)
    own.save_pretrained(tmp_path)
    make_tokenizer("bert").save_pretrained(tmp_path)
    encoder = Encoder.load(tmp_path, pooling="cls")
    words, output = encoder.backbone.get_input_embeddings().weight, own.get_output_embeddings().weight
    assert not torch.equal(words, output)
    for tied, expected in ((False, output), (True, words)):
        loss = MaskedLM(tied=tied).build(encoder, dict(enumerate(VIEWS)))
        assert torch.equal(loss.head.model.get_output_embeddings().weight, expected)


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert"])
def test_a_base_without_a_head_gets_a_fresh_one_and_says_so_once(family: str, tmp_path: Path, caplog: Any):
    torch.manual_seed(0)
    AutoModel.from_config(make_config(family)).save_pretrained(tmp_path)
    make_tokenizer(family).save_pretrained(tmp_path)
    encoder = Encoder.load(tmp_path, pooling="cls")
    with caplog.at_level(logging.WARNING, "simemb"):
        loss = MaskedLM().build(encoder, dict(enumerate(VIEWS)))
        batch = Batch.collate(encoder.tokenize(TEXTS * 8)[0])
        loss(encoder_input(encoder, batch))
        loss(encoder_input(encoder, batch))
    assert [record.message for record in caplog.records].count(
        f"{tmp_path} carries no language-modelling head: starting from a fresh one"
    ) == 1


def test_an_encoder_made_in_memory_gets_a_fresh_head(caplog: Any):
    config = make_config("bert")
    encoder = Encoder(AutoModel.from_config(config), make_tokenizer(), pooling="cls", name="mine")
    with caplog.at_level(logging.WARNING, "simemb"):
        loss = MaskedLM().build(encoder, dict(enumerate(VIEWS)))
    assert "mine carries no language-modelling head" in caplog.text
    assert torch.isfinite(loss(encoder_input(encoder, Batch.collate(encoder.tokenize(TEXTS * 8)[0]))))


def test_a_tokenizer_without_a_mask_token_is_refused():
    tokenizer = make_tokenizer()
    tokenizer.mask_token = None
    encoder = Encoder(AutoModel.from_config(make_config("bert")), tokenizer, name="mine")
    with pytest.raises(RecipeError, match="mine: its tokenizer has no mask token"):
        MaskedLM().build(encoder, dict(enumerate(VIEWS)))


def test_fifteen_percent_of_the_ordinary_tokens_are_chosen_and_replaced_80_10_10():
    torch.manual_seed(0)
    vocabulary, mask_id, draws = 1000, 4, 400
    ids = torch.randint(5, vocabulary, (1000,))
    ordinary = torch.ones(1000, dtype=torch.bool)
    ordinary[::10] = False  # every tenth is special
    counts = dict.fromkeys(("chosen", "mask", "same", "random"), 0)
    replacements = []
    for _ in range(draws):
        masked, chosen = mask_tokens(ids, ordinary, 0.15, mask_id, vocabulary)
        assert not (chosen & ~ordinary).any()
        assert torch.equal(masked[~chosen], ids[~chosen])
        changed = chosen & (masked != ids) & (masked != mask_id)
        counts["chosen"] += int(chosen.sum())
        counts["mask"] += int((chosen & (masked == mask_id)).sum())
        counts["same"] += int((chosen & (masked == ids)).sum())
        counts["random"] += int(changed.sum())
        replacements.append(masked[changed])
    total = counts["chosen"]
    assert total / (900 * draws) == pytest.approx(0.15, abs=0.003)
    assert counts["mask"] / total == pytest.approx(0.8, abs=0.008)
    assert counts["same"] / total == pytest.approx(0.1, abs=0.006)
    assert counts["random"] / total == pytest.approx(0.1, abs=0.006)
    drawn = torch.cat(replacements).float()
    assert drawn.mean().item() == pytest.approx(vocabulary / 2, rel=0.03)  # the whole vocabulary, evenly
    assert drawn.std().item() == pytest.approx(vocabulary / 12**0.5, rel=0.03)


def test_the_loss_is_the_cross_entropy_of_the_masked_tokens_alone(tiny_base: Path):
    encoder = Encoder.load(tiny_base, pooling="cls").eval()
    loss = MaskedLM(probability=0.5).build(encoder, dict(enumerate(VIEWS))).eval()
    texts = ["the red dog sees a ball", "the cat eats a cake"] * 3
    batch = Batch.collate(encoder.tokenize(texts)[0])
    torch.manual_seed(5)
    value = loss(encoder_input(encoder, batch))
    torch.manual_seed(5)
    special = torch.isin(batch.ids, torch.tensor(encoder.tokenizer.all_special_ids))
    masked, chosen = mask_tokens(batch.ids, ~special, 0.5, encoder.tokenizer.mask_token_id, len(encoder.tokenizer))
    reference = AutoModelForMaskedLM.from_pretrained(tiny_base).eval()
    losses, start = [], 0
    for length in batch.lengths:
        span = slice(start, start + length)
        logits = reference(input_ids=masked[span][None]).logits[0]
        picked = torch.nn.functional.cross_entropy(
            logits[chosen[span]], batch.ids[span][chosen[span]], reduction="none"
        )
        losses += picked.tolist()
        start += length
    assert value.item() == pytest.approx(sum(losses) / len(losses), abs=1e-5)


def test_a_batch_in_which_nothing_is_chosen_costs_nothing(tiny_base: Path):
    encoder = Encoder.load(tiny_base, pooling="cls")
    loss = MaskedLM(probability=1e-9).build(encoder, dict(enumerate(VIEWS)))
    value = loss(encoder_input(encoder, Batch.collate(encoder.tokenize(["the dog"])[0])))
    value.backward()
    assert value.item() == 0


def chunks_of(encoder: Encoder, *parts: list[str]) -> StepInput:
    batches = [Batch.collate(encoder.tokenize(part)[0]) for part in parts]
    firsts = [sum(map(len, parts[:number])) for number in range(len(parts))]
    chunks = [Chunk(batch, None, first, len(batch)) for batch, first in zip(batches, firsts, strict=True)]
    rows = torch.arange(sum(map(len, parts)))
    return StepInput(tuple(chunks), rows, (rows,))


def test_a_chunk_counts_by_its_masked_tokens_and_a_process_by_its_own(tiny_base: Path, monkeypatch: pytest.MonkeyPatch):
    encoder = Encoder.load(tiny_base, pooling="cls")
    examples = chunks_of(encoder, ["the red dog sees a ball", "a cat"], ["the"], ["the cat eats a cake"] * 5)
    loss = MaskedLM(probability=0.5).build(encoder, dict(enumerate(VIEWS)))
    torch.manual_seed(0)
    alone = shares(loss, examples)
    counts = [int(share.masked.selection.sum()) for share in alone]
    assert len(set(counts)) == 3
    assert [float(share.weight) for share in alone] == pytest.approx([count / sum(counts) for count in counts])
    # two more processes, with 5 masked tokens and none: gradients are averaged over the three
    monkeypatch.setattr(share, "world", lambda: 3)
    monkeypatch.setattr(share, "gather_numbers", lambda numbers: torch.cat([numbers, torch.tensor([5, 0])]))
    torch.manual_seed(0)
    together = [float(share.weight) / 3 for share in shares(loss, examples)]
    assert together == pytest.approx([count / (sum(counts) + 5) for count in counts])


def test_without_a_masked_token_no_chunk_counts(tiny_base: Path):
    encoder = Encoder.load(tiny_base, pooling="cls")
    loss = MaskedLM(probability=1e-9).build(encoder, dict(enumerate(VIEWS)))
    assert [float(share.weight) for share in shares(loss, chunks_of(encoder, ["the dog"], ["a cat"]))] == [0, 0]


@pytest.mark.parametrize("probability", [0.0, 1.0, -0.1, float("nan")])
def test_a_probability_outside_of_0_to_1_is_refused(probability: float):
    with pytest.raises(RecipeError, match=r"must be in \(0, 1\)"):
        MaskedLM(probability=probability)


# ---- labeled pairs -------------------------------------------------------------------------------

PAIRS = (View(0), View(0), View(1, online=False, target=False))
TRIPLETS = (*PAIRS, View(2, online=False, target=False))


def by_hand(
    weight: list[list[float]], bias: list[float], pairs: list[tuple[list[float], list[float], int]], max_square: bool
) -> float:
    """Mean of -log softmax(W (u, v, |u - v|, perhaps max(u, v)^2) + b) at the label, number by number."""
    losses = []
    for u, v, label in pairs:
        features = [*u, *v, *(abs(a - b) for a, b in zip(u, v, strict=True))]
        if max_square:
            features += [max(a, b) * max(a, b) for a, b in zip(u, v, strict=True)]
        logits = [
            sum(w * x for w, x in zip(row, features, strict=True)) + b for row, b in zip(weight, bias, strict=True)
        ]
        losses.append(log(sum(exp(logit) for logit in logits)) - logits[label])
    return sum(losses) / len(losses)


@pytest.fixture
def classifier(tiny_base: Path) -> Any:
    """A `SoftmaxNLI` on the tiny model, and what it makes of vectors; the reference beside it."""
    encoder = Encoder.load(tiny_base, pooling="cls")

    def make(views: tuple[View, ...], classes: int = 3, max_square: bool = False) -> tuple[SoftmaxNLILoss, Any]:
        torch.manual_seed(2)
        loss = SoftmaxNLI(classes=classes, max_square=max_square).build(encoder, dict(enumerate(views)))

        def reference(pairs: Any) -> float:
            linear = loss.classifier
            return by_hand(
                linear.weight.tolist(),
                linear.bias.tolist(),
                [(u.tolist(), v.tolist(), y) for u, v, y in pairs],
                max_square,
            )

        return loss, reference

    return make


def input_of(vectors: dict[int, torch.Tensor], scores: torch.Tensor | None = None) -> AuxiliaryInput:
    encoder = Encoder(AutoModel.from_config(make_config("bert")), make_tokenizer(), name="mine")
    return AuxiliaryInput(encoder, Batch.collate([[1]]), vectors, scores)


def vectors_of(places: int, examples: int = 5, dim: int = 32) -> dict[int, torch.Tensor]:
    generator = torch.Generator().manual_seed(4)
    return {place: torch.randn(examples, dim, generator=generator) for place in range(places)}


@pytest.mark.parametrize("max_square", [False, True])
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_of_triplets_the_second_column_is_entailed_and_the_third_contradicted(
    classes: int, max_square: bool, classifier: Any
):
    loss, reference = classifier(TRIPLETS, classes, max_square)
    vectors = vectors_of(4)
    vectors[2][0] = vectors[0][0]  # a hypothesis that is its premise
    value = loss(input_of(vectors))
    pairs = [(vectors[0][row], vectors[2][row], 0) for row in range(5)]
    pairs += [(vectors[0][row], vectors[3][row], classes - 1) for row in range(5)]
    assert loss.places == [0, 2, 3]  # the first view of each column; the second view of column 0 plays no part
    assert value.item() == pytest.approx(reference(pairs), abs=1e-5)


@pytest.mark.parametrize("max_square", [False, True])
def test_labeled_pairs_are_learnt_as_they_are(max_square: bool, classifier: Any):
    loss, reference = classifier(PAIRS, max_square=max_square)
    vectors, labels = vectors_of(3), torch.tensor([2.0, 0.0, 1.0, 1.0, 2.0])
    pairs = [(vectors[0][row], vectors[2][row], int(labels[row])) for row in range(5)]
    assert loss(input_of(vectors, labels)).item() == pytest.approx(reference(pairs), abs=1e-5)


def test_the_gradient_reaches_both_sentences_and_the_classifier(classifier: Any):
    loss, _ = classifier(TRIPLETS)
    vectors = {place: tensor.requires_grad_() for place, tensor in vectors_of(4).items()}
    loss(input_of(vectors)).backward()
    assert all(vectors[place].grad.abs().sum() > 0 for place in loss.places)
    assert all(parameter.grad.abs().sum() > 0 for parameter in loss.parameters())


@pytest.mark.parametrize("labels", [[0, 1, 2, 3, 0], [0, -1, 2, 1, 0], [0, 1, 1.5, 2, 0]])
def test_a_label_that_is_none_of_the_classes_is_refused(labels: list[float], classifier: Any):
    loss, _ = classifier(PAIRS)
    with pytest.raises(DataError, match=r"SoftmaxNLI: labels must be whole numbers from 0 to 2"):
        loss(input_of(vectors_of(3), torch.tensor(labels, dtype=torch.float32)))


def test_pairs_without_labels_are_refused(classifier: Any):
    loss, _ = classifier(PAIRS)
    with pytest.raises(DataError, match="SoftmaxNLI needs triplets, or pairs with a column of labels"):
        loss(input_of(vectors_of(3)))


def test_labels_are_about_clean_views_of_this_row(classifier: Any):
    attacked = tuple(View(column, augment=(Adversarial(),)) for column in (0, 1))
    loss, _ = classifier((*attacked, View(0, offset=1), View(1), View(0), View(0)))
    assert loss.places == [4, 3]


def test_a_recipe_that_reads_one_column_has_nothing_to_classify(classifier: Any):
    with pytest.raises(RecipeError, match="SoftmaxNLI compares columns 0 and 1"):
        classifier((View(0), View(0)))
