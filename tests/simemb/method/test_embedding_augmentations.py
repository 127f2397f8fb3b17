"""Cutoffs of embeddings: exact numbers, the sentence alone, nothing rescaled, and the gradient of what remains."""

import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
from families import SENTENCES, make_encoder
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from simemb.errors import RecipeError
from simemb.method.embedding_augmentations import (
    Adversarial,
    ElementDropout,
    EmbeddingAugmentation,
    FeatureCutoff,
    ShuffleEmbeddings,
    TokenCutoff,
    attack,
)
from simemb.transformer.batch import Batch

RATED: tuple[Callable[[float], EmbeddingAugmentation], ...] = (TokenCutoff, FeatureCutoff, ElementDropout)
EVERY = (TokenCutoff(0.4), FeatureCutoff(0.4), ElementDropout(0.4), ShuffleEmbeddings())
DRAWS = 10_000

lengths_of = st.lists(st.integers(1, 20), min_size=1, max_size=8)
rates = st.floats(0, 1, exclude_max=True)
seeds = st.integers(0, 2**31)


def tokens_of(lengths: list[int], dim: int = 6) -> Tensor:
    """Numbers that are all different, and none 0."""
    return torch.arange(1.0, sum(lengths) * dim + 1).view(-1, dim)


def apply(augmentation: EmbeddingAugmentation, tokens: Tensor, lengths: list[int], seed: int = 0) -> Tensor:
    torch.manual_seed(seed)
    return augmentation(tokens, torch.tensor(lengths))


def assert_rest_is_untouched(tokens: Tensor, result: Tensor) -> Tensor:
    """Where the result is not 0 it is the input, bit by bit. Gives where it is 0."""
    cut = result == 0
    assert torch.equal(result[~cut], tokens[~cut])
    return cut


@given(lengths=lengths_of, rate=rates, seed=seeds)
def test_token_cutoff_zeroes_the_exact_number_of_rows(lengths: list[int], rate: float, seed: int):
    tokens = tokens_of(lengths)
    cut = assert_rest_is_untouched(tokens, apply(TokenCutoff(rate), tokens, lengths, seed))
    for part, length in zip(cut.split(lengths), lengths, strict=True):
        assert torch.equal(part.any(1), part.all(1))
        assert part.all(1).sum() == int(length * rate)


@given(lengths=lengths_of, dim=st.integers(1, 30), rate=rates, seed=seeds)
def test_feature_cutoff_zeroes_the_exact_number_of_columns(lengths: list[int], dim: int, rate: float, seed: int):
    tokens = tokens_of(lengths, dim)
    cut = assert_rest_is_untouched(tokens, apply(FeatureCutoff(rate), tokens, lengths, seed))
    for part in cut.split(lengths):
        assert torch.equal(part.any(0), part.all(0))
        assert part.all(0).sum() == int(dim * rate)


@given(lengths=lengths_of, dim=st.integers(1, 30), rate=rates, seed=seeds)
def test_element_dropout_zeroes_the_exact_number_of_elements(lengths: list[int], dim: int, rate: float, seed: int):
    tokens = tokens_of(lengths, dim)
    cut = assert_rest_is_untouched(tokens, apply(ElementDropout(rate), tokens, lengths, seed))
    for part, length in zip(cut.split(lengths), lengths, strict=True):
        assert part.sum() == int(length * dim * rate)


@pytest.mark.parametrize("rate", [0.07, 0.1, 0.15, 0.29, 0.3, 0.57, 0.7, 0.9])
def test_counts_are_those_of_python_for_every_length(rate: float):
    lengths = list(range(1, 201))
    tokens = torch.ones(sum(lengths), 1)
    cut = apply(TokenCutoff(rate), tokens, lengths) == 0
    assert [int(part.sum()) for part in cut.split(lengths)] == [int(length * rate) for length in lengths]


@given(lengths=lengths_of, seed=seeds)
def test_shuffled_embeddings_stay_in_their_sentence(lengths: list[int], seed: int):
    tokens = tokens_of(lengths)
    result = apply(ShuffleEmbeddings(), tokens, lengths, seed)
    for before, after in zip(tokens.split(lengths), result.split(lengths), strict=True):
        assert sorted(map(tuple, before.tolist())) == sorted(map(tuple, after.tolist()))


@pytest.mark.parametrize("augmentation", EVERY, ids=repr)
@settings(max_examples=30)
@given(lengths=lengths_of, seed=seeds)
def test_one_seed_gives_one_result_and_the_input_stays(
    augmentation: EmbeddingAugmentation, lengths: list[int], seed: int
):
    tokens = tokens_of(lengths)
    first, second = (apply(augmentation, tokens, lengths, seed) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(tokens, tokens_of(lengths))


@pytest.mark.parametrize("augmentation", EVERY, ids=repr)
def test_the_gradient_is_1_where_something_remains_and_0_elsewhere(augmentation: EmbeddingAugmentation):
    lengths = [5, 9, 2]
    tokens = tokens_of(lengths).requires_grad_()
    result = apply(augmentation, tokens, lengths)
    result.sum().backward()
    remains = torch.isin(tokens.detach(), result.detach())
    assert tokens.grad is not None
    assert torch.equal(tokens.grad, remains.float())
    assert not remains.all() or isinstance(augmentation, ShuffleEmbeddings)


@pytest.mark.parametrize("kind", RATED)
def test_a_rate_of_0_gives_the_very_same_tensor(kind: Callable[[float], EmbeddingAugmentation]):
    tokens, state = tokens_of([3, 4]), torch.get_rng_state()
    assert kind(0.0)(tokens, torch.tensor([3, 4])) is tokens
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("kind", RATED)
@pytest.mark.parametrize("rate", [-0.1, 1.0, 2.0, float("nan")])
def test_a_rate_out_of_range_is_refused(kind: Any, rate: float):
    with pytest.raises(RecipeError, match=rf"^{kind.__name__}\.rate must be at least 0 and below 1, not {rate}$"):
        kind(rate)


@pytest.mark.parametrize("kind", RATED)
def test_what_is_cut_is_0_even_where_it_was_not_a_number(kind: Callable[[float], EmbeddingAugmentation]):
    result = apply(kind(0.5), torch.full((8, 6), float("nan")), [8])
    assert (result == 0).sum() == 24


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("augmentation", EVERY, ids=repr)
def test_every_precision_is_kept(augmentation: EmbeddingAugmentation, dtype: torch.dtype):
    assert apply(augmentation, tokens_of([4, 7]).to(dtype), [4, 7]).dtype == dtype


# ---- statistics: 10,000 sentences in one call ----------------------------------------------------


def shares(cut: Tensor) -> Tensor:
    return cut.reshape(DRAWS, -1).float().mean(0)


def assert_near(frequencies: Tensor, probability: float) -> None:
    """Within 4.5 standard deviations: by chance, one in 100,000 is not."""
    deviation = (probability * (1 - probability) / DRAWS) ** 0.5
    assert (frequencies - probability).abs().max() < 4.5 * deviation


def test_every_token_is_cut_equally_often():
    cut = apply(TokenCutoff(0.25), torch.ones(DRAWS * 8, 2), [8] * DRAWS) == 0
    assert_near(shares(cut), 2 / 8)
    pairs = Counter(tuple(row.nonzero()[:, 0].tolist()) for row in cut[:, 0].view(DRAWS, 8))
    assert len(pairs) == 28
    assert_near(torch.tensor([pairs[pair] / DRAWS for pair in itertools.combinations(range(8), 2)]), 1 / 28)


def test_every_column_is_cut_equally_often():
    cut = apply(FeatureCutoff(0.3), torch.ones(DRAWS * 2, 10), [2] * DRAWS) == 0
    assert_near(shares(cut), 3 / 10)


def test_every_element_is_cut_equally_often():
    cut = apply(ElementDropout(0.2), torch.ones(DRAWS * 5, 4), [5] * DRAWS) == 0
    assert_near(shares(cut), 4 / 20)


def test_every_order_of_the_embeddings_is_equally_likely():
    tokens = torch.arange(1.0, 4).repeat(DRAWS)[:, None]
    orders = Counter(map(tuple, apply(ShuffleEmbeddings(), tokens, [3] * DRAWS).view(DRAWS, 3).tolist()))
    expected = list(itertools.permutations((1.0, 2.0, 3.0)))
    assert set(orders) == set(expected)
    assert_near(torch.tensor([orders[order] / DRAWS for order in expected]), 1 / 6)


@pytest.mark.parametrize("kind", RATED)
def test_sentences_are_drawn_for_independently(kind: Callable[[float], EmbeddingAugmentation]):
    cut = (apply(kind(0.5), torch.ones(DRAWS * 4, 4), [4] * DRAWS) == 0).view(DRAWS, 4, 4)[:, 0, 0].float()
    first, second = cut[0::2], cut[1::2]
    # The correlation of 5,000 independent pairs has a deviation of 1 / sqrt(5000) = 0.014.
    assert abs(float(torch.corrcoef(torch.stack((first, second)))[0, 1])) < 4.5 * 0.0142


# ---- the adversarial step ------------------------------------------------------------------------


@given(seed=seeds, norm=st.floats(0.001, 10), scale=st.sampled_from([1e-12, 1e-6, 1.0, 1e6]))
def test_an_attack_is_the_formula_token_by_token(seed: int, norm: float, scale: float):
    generator = torch.Generator().manual_seed(seed)
    tokens, gradient = torch.randn(2, 7, 5, dtype=torch.float64, generator=generator)
    gradient = gradient * scale
    gradient[3] = 0
    result = attack(tokens, gradient, norm)
    for token, slope, moved in zip(tokens.tolist(), gradient.tolist(), result.tolist(), strict=True):
        length = sum(number * number for number in slope) ** 0.5
        expected = [x + norm * g / (length + 1e-10) for x, g in zip(token, slope, strict=True)]
        assert moved == pytest.approx(expected, abs=1e-9)


def test_an_attack_worked_out_by_hand():
    result = attack(torch.tensor([[1.0, 1.0], [2.0, 0.0]]), torch.tensor([[3.0, 4.0], [0.0, 0.0]]), 0.5)
    torch.testing.assert_close(result, torch.tensor([[1.3, 1.4], [2.0, 0.0]]))


def test_the_gradient_of_an_attack_goes_to_the_tokens_only():
    tokens = torch.randn(4, 3, requires_grad=True)
    gradient = torch.randn(4, 3, requires_grad=True)
    attack(tokens, gradient, 1.0).sum().backward()
    assert torch.equal(tokens.grad, torch.ones(4, 3))
    assert gradient.grad is None


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_an_attack_in_half_precision_has_its_length_and_no_nan(dtype: torch.dtype):
    gradient = torch.randn(6, 16) * 1e-3
    gradient[2] = 0
    step = attack(torch.zeros(6, 16, dtype=dtype), gradient.to(dtype), 1.0)
    assert step.dtype == dtype
    expected = torch.ones(6).index_fill(0, torch.tensor([2]), 0)
    torch.testing.assert_close(step.float().norm(dim=1), expected, atol=1e-2, rtol=0)


def test_an_attack_raises_the_loss_more_than_a_random_step_of_its_length():
    encoder = make_encoder("bert")
    batch = Batch.collate(encoder.tokenize(list(SENTENCES))[0])
    torch.manual_seed(0)
    target = torch.randn(len(SENTENCES), encoder.dim)
    kept: list[Tensor] = []

    def loss(change: Callable[[Tensor], Tensor]) -> Tensor:
        with encoder.intercept(lambda tokens, _: change(tokens)):
            return (encoder(batch) - target).square().mean()

    def keep(tokens: Tensor) -> Tensor:
        kept.append(tokens.detach().requires_grad_())
        return kept[0]

    plain = loss(keep)
    (gradient,) = torch.autograd.grad(plain, kept)
    attacked = loss(lambda tokens: attack(tokens, gradient, 0.1))
    random = [loss(lambda tokens: attack(tokens, torch.randn_like(tokens), 0.1)) for _ in range(5)]
    assert attacked > max(random)
    assert attacked > plain


@pytest.mark.parametrize("norm", [0.0, -1.0, float("nan"), float("inf")])
def test_a_step_of_no_length_is_refused(norm: float):
    with pytest.raises(RecipeError, match=rf"^Adversarial.norm must be above 0 and finite, not {norm}$"):
        Adversarial(norm)


# ---- in an encoder -------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["bert", "roberta", "mpnet"])
@pytest.mark.parametrize("augmentation", EVERY[:3], ids=repr)
def test_a_cutoff_changes_the_vectors_and_its_gradient_reaches_the_encoder(
    augmentation: EmbeddingAugmentation, family: str
):
    encoder = make_encoder(family)
    batch = Batch.collate(encoder.tokenize(list(SENTENCES))[0])
    plain = encoder(batch)
    with encoder.intercept(lambda tokens, batch: augmentation(tokens, torch.tensor(batch.lengths))):
        cut = encoder(batch)
    # A sentence of three tokens loses int(3 * 0.4) = 1 of them, so every vector changes.
    assert ((plain - cut).abs().amax(1) > 1e-3).all()
    cut.sum().backward()
    gradient = encoder.backbone.get_input_embeddings().weight.grad
    assert gradient is not None
    assert gradient.isfinite().all()
    assert gradient.any()


def test_shuffled_embeddings_do_not_change_a_mean():
    encoder = make_encoder("bert", pooling="mean")
    batch = Batch.collate(encoder.tokenize(list(SENTENCES))[0])
    plain = encoder(batch)
    with encoder.intercept(lambda tokens, batch: ShuffleEmbeddings()(tokens, torch.tensor(batch.lengths))):
        torch.testing.assert_close(encoder(batch), plain, atol=1e-5, rtol=1e-4)
