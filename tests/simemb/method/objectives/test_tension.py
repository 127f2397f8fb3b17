"""Contrastive tension against a loop over its pairs, and against sentence-transformers' loss."""

from math import exp, log

import pytest
import torch
from torch import Tensor

from simemb.errors import RecipeError
from simemb.method.objectives.base import Pair, Texts
from simemb.method.objectives.tension import ContrastiveTension


def rows(count: int, seed: int, dim: int = 4) -> Tensor:
    return torch.randn(count, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def slow_tension(query: Tensor, key: Tensor, negatives: int, texts: list[int] | None = None, first: int = 0) -> float:
    """Carlsson et al., 2021, section 4: one positive and K negative pairs for each text, K texts of the same batch."""
    total = 0.0
    for i in range(len(query)):
        own = first + i
        total -= log(1 / (1 + exp(-float(query[i] @ key[own]))))
        for step in range(1, min(negatives, len(key) - 1) + 1):
            other = (own + step) % len(key)
            if texts is None or texts[other] != texts[own]:
                total -= log(1 - 1 / (1 + exp(-float(query[i] @ key[other]))))
    return total / len(query)


@pytest.mark.parametrize("count", [1, 2, 5, 8, 20])
@pytest.mark.parametrize("negatives", [1, 7])
def test_the_loss_is_that_of_the_paper(count: int, negatives: int):
    query, key = rows(count, 1), rows(count, 2)
    loss = ContrastiveTension(negatives)(Pair(query, key))
    torch.testing.assert_close(loss.item(), slow_tension(query, key, negatives))


def test_equal_texts_are_no_negatives():
    query, key, texts = rows(6, 3), rows(6, 4), [1, 2, 1, 3, 2, 1]
    numbers = torch.tensor(texts)
    loss = ContrastiveTension(3)(Pair(query, key, texts=Texts(numbers, numbers)))
    torch.testing.assert_close(loss.item(), slow_tension(query, key, 3, texts))
    assert loss < ContrastiveTension(3)(Pair(query, key))


def test_processes_have_the_loss_of_the_whole_batch_together():
    query, key, numbers = rows(6, 5), rows(6, 6), torch.tensor([1, 2, 3, 1, 4, 5])
    texts = Texts(numbers, numbers)
    objective = ContrastiveTension(4)
    parts = [objective(Pair(query[s], key, first=s.start, texts=texts)) for s in (slice(0, 3), slice(3, 6))]
    torch.testing.assert_close(sum(parts) / 2, objective(Pair(query, key, texts=texts)))


def test_the_sides_are_alike():
    """Every text has as many negatives as a key as it has as a query: the other way round, the circle is reversed."""
    query, key = rows(8, 7), rows(8, 8)
    there, back = (ContrastiveTension(3)(Pair(*pair)) for pair in ((query, key), (key.flip(0), query.flip(0))))
    torch.testing.assert_close(there, back)


def test_it_is_the_loss_of_sentence_transformers_on_the_same_pairs():
    """Theirs is the sum over pairs with labels; ours has 8 pairs for each text, laid out here one after the other."""
    from sentence_transformers.sentence_transformer.losses import ContrastiveTensionLoss

    class Table(torch.nn.Module):
        """A model whose vectors are given."""

        def forward(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
            return {"sentence_embedding": features["vectors"]}

    query, key = rows(10, 9), rows(10, 10)
    pairs = [(i, (i + step) % 10, float(step == 0)) for i in range(10) for step in range(8)]
    left, right = torch.stack([query[i] for i, _, _ in pairs]), torch.stack([key[j] for _, j, _ in pairs])
    theirs = ContrastiveTensionLoss(Table())
    loss = theirs([{"vectors": left}, {"vectors": right}], torch.tensor([label for *_, label in pairs]))
    torch.testing.assert_close(ContrastiveTension(7)(Pair(query, key)), loss / 10)


def test_large_dot_products_keep_a_finite_gradient():
    query, key = (500 * rows(8, 11)).requires_grad_(), 500 * rows(8, 12)
    ContrastiveTension()(Pair(query, key)).backward()
    assert query.grad is not None
    assert query.grad.isfinite().all()


def test_learning_it_separates_the_texts():
    query, key = rows(12, 13, 16).requires_grad_(), rows(12, 13, 16).requires_grad_()
    optimizer = torch.optim.Adam([query, key], lr=0.05)
    objective = ContrastiveTension()
    first = objective(Pair(query, key)).item()
    for _ in range(100):
        optimizer.zero_grad()
        objective(Pair(query, key)).backward()
        optimizer.step()
    assert objective(Pair(query, key)) < first / 10


def test_a_positive_without_negatives_is_refused():
    with pytest.raises(RecipeError, match=r"objective\.per_positive must be at least 1, not 0"):
        ContrastiveTension(0)
