"""Signals: numbers of one batch that show whether a model in training still separates different sentences.

The loss alone does not show that. `simemb.method.method` computes the signals with the loss, and
`simemb.training.monitor` warns about them.
"""

from math import nan

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from simemb.method.objectives.row_blocks import strips


@torch.no_grad()
def batch_signals(
    query: Float[Tensor, "batch dim"], key: Float[Tensor, "batch dim"] | None, encoded: Float[Tensor, "batch width"]
) -> dict[str, Float[Tensor, ""]]:
    """In-batch accuracy, cosine of positives and of negatives, uniformity of the queries, and collapse.

    accuracy: fraction of queries whose own key is the nearest. uniformity: log of the mean over distinct
    pairs of exp(-2 |q_i - q_j|^2) (Wang & Isola, 2020), from 0 (all alike) down to about -4. collapse: mean
    cosine of different sentences in the encoder's own vectors (`encoded`), before any head: batch norm in a head
    can hide that they are all alike. With a single example the last three are nan. Without a key of the same width
    (a teacher of another width) accuracy and positive are nan, and negative compares queries with queries.
    """
    query, encoded = normalize(query, dim=1), normalize(encoded, dim=1)
    accuracy = positive = query.new_full((), nan)
    negative = _off_diagonal_mean(query, query)
    if key is not None:
        key = normalize(key, dim=1)
        nearest = torch.cat([(query[part] @ key.T).argmax(1) for part in strips(len(query), len(key))])
        accuracy = (nearest == torch.arange(len(query), device=query.device)).float().mean()
        positive, negative = (query * key).sum(1).mean(), _off_diagonal_mean(query, key)
    return {
        "accuracy": accuracy,
        "positive": positive,
        "negative": negative,
        "collapse": _off_diagonal_mean(encoded, encoded),
        "uniformity": _uniformity(query),
    }


def _off_diagonal_mean(a: Float[Tensor, "batch dim"], b: Float[Tensor, "batch dim"]) -> Float[Tensor, ""]:
    """Mean of a_i . b_j over all i != j, without building the matrix; nan for a single row."""
    if len(a) < 2:
        return a.new_full((), nan)
    return ((a.sum(0) * b.sum(0)).sum() - (a * b).sum()) / (len(a) * (len(a) - 1))


def _uniformity(unit: Float[Tensor, "batch dim"]) -> Float[Tensor, ""]:
    rows = len(unit)
    potential = unit.new_zeros(())
    for part in strips(rows, rows):
        potentials = (-4 * (1 - unit[part] @ unit.T)).exp()
        potential += potentials.sum() - potentials.diagonal(part.start).sum()
    return (potential / (rows * (rows - 1))).log() if rows > 1 else unit.new_full((), nan)
