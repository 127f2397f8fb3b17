"""Attention over sentences laid end to end on CUDA: flash attention in half precision, a masked rectangle otherwise.

Nothing here waits for the device.
"""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from simemb.transformer.batch import Runs
from simemb.transformer.cpu_ops import PLAIN

HALF_TYPES = (torch.float16, torch.bfloat16)


def starts_of(runs: Runs, device: torch.device) -> Int[Tensor, "starts"]:
    """Where each sentence begins, and the end of the last."""
    lengths = [length for sentences, length in runs for _ in range(sentences)]
    return torch.from_numpy(np.cumsum([0, *lengths], dtype=np.int32)).to(device, non_blocking=True)


def attend(
    query: Float[Tensor, "rows heads dim"],
    key: Float[Tensor, "tokens heads dim"],
    value: Float[Tensor, "tokens heads dim"],
    starts: Int[Tensor, "starts"],
    longest: int,
    *,
    dropout: float,
    scaling: float | None,
    first_only: bool = False,
) -> Float[Tensor, "rows heads dim"]:
    """softmax(q k^T * scaling) v within each sentence; `dropout` acts on the attention weights.

    starts: where each sentence begins, and the end of the last. longest: no sentence has more tokens. first_only:
    `query` has one row a sentence. scaling: 1 / sqrt(dim) by default.
    """
    kernel = _by_flash if _flash_supports(query) else _by_rectangle
    return kernel(query, key, value, starts, longest, dropout, scaling, first_only)


def _flash_supports(query: Tensor) -> bool:
    """Whether flash attention supports the device (sm_80 and later), the type and the size of the heads."""
    return (
        not PLAIN
        and query.is_cuda
        and query.dtype in HALF_TYPES
        and query.shape[-1] % 8 == 0
        and query.shape[-1] <= 256
        and torch.backends.cuda.is_flash_attention_available()
        and torch.cuda.get_device_capability(query.device) >= (8, 0)
    )


def _by_flash(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    starts: Tensor,
    longest: int,
    dropout: float,
    scaling: float | None,
    first_only: bool,
) -> Tensor:
    query_starts, longest_query = starts, longest
    if first_only:
        query_starts, longest_query = torch.arange(len(starts), dtype=starts.dtype, device=starts.device), 1
    # the public wrapper, torch.nn.attention.varlen, has no dropout
    return torch.ops.aten._flash_attention_forward(
        query, key, value, query_starts, starts, longest_query, longest, dropout, False, False, scale=scaling
    )[0]


def _by_rectangle(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    starts: Tensor,
    longest: int,
    dropout: float,
    scaling: float | None,
    first_only: bool,
) -> Tensor:
    lengths, place = starts.diff(), torch.arange(longest, device=starts.device)
    where = (starts[:-1, None] + place).clamp(max=len(key) - 1)
    real = place < lengths[:, None]
    # padding reads rows of other sentences, which may be infinite or nan
    keys, values = (part[where].masked_fill(~real[..., None, None], 0).transpose(1, 2) for part in (key, value))
    queries = query[:, None] if first_only else query[where]
    attended = scaled_dot_product_attention(
        queries.transpose(1, 2), keys, values, attn_mask=real[:, None, None, :], dropout_p=dropout, scale=scaling
    ).transpose(1, 2)
    if first_only:
        return attended[:, 0]
    row = torch.repeat_interleave(lengths, output_size=len(query))
    return attended[row, torch.arange(len(query), device=row.device) - starts[row]]
