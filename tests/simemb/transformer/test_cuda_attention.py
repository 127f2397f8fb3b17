"""Attention over sentences laid end to end: equal to each sentence by itself, in value and gradient."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from simemb.transformer import cuda_attention

LENGTHS = (1, 3, 3, 7, 12)


def devices() -> list[tuple[str, torch.dtype, float]]:
    """Where there is no GPU, the rectangle alone."""
    on_gpu = [("cuda", torch.float32, 1e-5), ("cuda", torch.bfloat16, 2e-2), ("cuda", torch.float16, 3e-3)]
    return [("cpu", torch.float32, 1e-5), *(on_gpu if torch.cuda.is_available() else [])]


def inputs(device: str, dtype: torch.dtype, *, first_only: bool) -> tuple[list[Tensor], Tensor]:
    generator = torch.Generator().manual_seed(0)
    starts = torch.tensor([0, *LENGTHS]).cumsum(0).int()
    rows = len(LENGTHS) if first_only else sum(LENGTHS)
    parts = [torch.randn(count, 2, 16, generator=generator) for count in (rows, sum(LENGTHS), sum(LENGTHS))]
    return [part.to(device, dtype).requires_grad_() for part in parts], starts.to(device)


def by_sentence(parts: list[Tensor], starts: Tensor, scaling: float | None, *, first_only: bool) -> Tensor:
    found: list[Tensor] = []
    for number, (first, end) in enumerate(zip(starts.tolist(), starts.tolist()[1:], strict=False)):
        query = parts[0][number : number + 1] if first_only else parts[0][first:end]
        q, k, v = (part.transpose(0, 1) for part in (query, parts[1][first:end], parts[2][first:end]))
        found.append(scaled_dot_product_attention(q, k, v, scale=scaling).transpose(0, 1))
    return torch.cat(found)


@pytest.mark.parametrize(("device", "dtype", "error"), devices())
@pytest.mark.parametrize("first_only", [False, True])
@pytest.mark.parametrize("scaling", [None, 0.5])
def test_it_is_the_attention_of_each_sentence_by_itself(
    device: str, dtype: torch.dtype, error: float, first_only: bool, scaling: float | None
):
    parts, starts = inputs(device, dtype, first_only=first_only)
    found = cuda_attention.attend(*parts, starts, 12, dropout=0.0, scaling=scaling, first_only=first_only)
    double = [part.detach().double().requires_grad_() for part in parts]
    expected = by_sentence(double, starts, scaling, first_only=first_only)
    arrived = torch.randn(found.shape, generator=torch.Generator().manual_seed(1)).to(device)
    torch.testing.assert_close(found.double(), expected, atol=error, rtol=error)
    gradients = torch.autograd.grad(found, parts, arrived.to(dtype)), torch.autograd.grad(expected, double, arrived)
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours.double(), theirs.double(), atol=2 * error, rtol=2 * error)


@pytest.mark.parametrize(("device", "dtype", "error"), devices())
def test_dropout_keeps_the_mean_and_follows_the_seed(device: str, dtype: torch.dtype, error: float):
    starts = torch.arange(0, 4001, 8, dtype=torch.int32, device=device)
    query, key = (torch.zeros(4000, 2, 16, device=device, dtype=dtype) for _ in range(2))

    def drawn(seed: int) -> Tensor:
        torch.manual_seed(seed)
        return cuda_attention.attend(query, key, torch.ones_like(key), starts, 8, dropout=0.25, scaling=None)[
            ..., 0
        ].float()

    one = drawn(3)
    assert torch.equal(one, drawn(3))
    assert not torch.equal(one, drawn(4))
    assert one.mean().item() == pytest.approx(1, abs=0.02)
    assert one.var().item() == pytest.approx(0.25 / 0.75 / 8, rel=0.1)  # of eight weights, each kept with 3 in 4


def test_what_lies_in_another_sentence_is_never_seen():
    parts, starts = inputs("cpu", torch.float32, first_only=False)
    poisoned = [part.detach().clone() for part in parts]
    for part in poisoned:
        part[-12:] = torch.nan
    found = cuda_attention.attend(*poisoned, starts, 12, dropout=0.0, scaling=None)
    expected = cuda_attention.attend(*parts, starts, 12, dropout=0.0, scaling=None)
    torch.testing.assert_close(found[:-12], expected[:-12])


def test_the_starts_of_runs():
    assert cuda_attention.starts_of(((2, 3), (1, 5)), torch.device("cpu")).tolist() == [0, 3, 6, 11]
