"""AdamW as the papers set it, and the learning rate of every step."""

from math import cos, pi
from typing import Any

import torch
from torch import nn

from simemb.method.recipe import Recipe


def adamw(method: nn.Module, recipe: Recipe, device: torch.device) -> torch.optim.AdamW:
    """The optimizer of a run, in fused kernels; on a GPU its learning rate is a tensor, so no step waits for it."""
    on_gpu = device.type == "cuda"
    return torch.optim.AdamW(
        _decaying(method, recipe.weight_decay),
        lr=torch.tensor(recipe.learning_rate, device=device) if on_gpu else recipe.learning_rate,
        betas=recipe.betas,
        eps=recipe.epsilon,
        fused=True,
        capturable=on_gpu,
    )


def set_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Set the learning rate of the next step."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(learning_rate)  # in place: the fused kernel reads it there
        else:
            group["lr"] = learning_rate


def _decaying(method: nn.Module, decay: float) -> list[dict[str, Any]]:
    """The trained parameters in two groups: matrices decay; biases, norms and temperatures do not."""
    trained = [parameter for parameter in method.parameters() if parameter.requires_grad]
    groups = ([p for p in trained if p.ndim > 1], decay), ([p for p in trained if p.ndim <= 1], 0.0)
    return [{"params": members, "weight_decay": rate} for members, rate in groups if members]


def factor(recipe: Recipe, step: int, steps: int) -> float:
    """The learning rate of a step (counted from 0) as a fraction of the highest.

    It rises linearly over the first `warmup` x steps, then falls to 0 at `steps`: linearly, along half a
    cosine, or not at all.
    """
    warm = round(recipe.warmup * steps)
    if step < warm:
        return step / warm
    progress = (step - warm) / max(steps - warm, 1)
    falls = {"linear": 1 - progress, "cosine": (1 + cos(pi * progress)) / 2, "constant": 1.0}
    return falls[recipe.schedule]
