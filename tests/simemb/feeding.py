"""What a step of a method is given, made by hand of texts: `StepInput`, and the batches in them."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from simemb.encoder.encoder import Encoder
from simemb.method.method import Method
from simemb.method.step_input import Chunk, StepInput
from simemb.transformer.batch import Batch

Texts = Sequence[str]


def batch_of(encoder: Encoder, *columns: Texts) -> Batch:
    """The texts of several views, one view after the other."""
    return Batch.collate(encoder.tokenize([text for column in columns for text in column])[0])


def examples_of(
    method: Method,
    *columns: Texts,
    size: int | None = None,
    rows: Sequence[int] | None = None,
    scores: Tensor | None = None,
    teacher_vectors: Mapping[int, Tensor] | None = None,
) -> StepInput:
    """Texts by column as the examples of a step, unaugmented; in chunks of `size`."""
    count = len(columns[0])
    size = size or count
    every = dict.fromkeys(text for column in columns for text in column)
    known = {text: number for number, text in enumerate(every, start=1)}
    return StepInput(
        chunks=tuple(_chunk(method, columns, first, min(size, count - first)) for first in range(0, count, size)),
        rows=torch.tensor(list(rows) if rows is not None else list(range(count))),
        texts=tuple(torch.tensor([known[text] for text in columns[view.column]]) for view in method.views),
        scores=scores,
        teacher_vectors=teacher_vectors or {},
    )


def _chunk(method: Method, columns: Sequence[Texts], first: int, size: int) -> Chunk:
    def read(encoder: Encoder, places: tuple[int, ...]) -> Batch:
        return batch_of(encoder, *(columns[method.views[place].column][first : first + size] for place in places))

    second: Any = None
    if method.view_plan.second:
        assert method.second is not None
        second = read(method.second.encoder, method.view_plan.second)
    return Chunk(read(method.encoder, method.view_plan.online), second, first, size)


def gradients(module: torch.nn.Module) -> dict[str, Tensor]:
    """Those that the parameters hold."""
    return {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}
