"""AdamW as the papers set it, and the learning rate of every step."""

from math import cos, pi
from typing import Any

import torch
from torch import nn

from simemb.method.recipe import Recipe
from simemb.method.trained_parts import part_of, rates


def adamw(method: nn.Module, recipe: Recipe, device: torch.device) -> torch.optim.AdamW:
    """The optimizer of a run, in fused kernels; on a GPU its learning rate is a tensor, so no step waits for it."""
    on_gpu = device.type == "cuda"
    return torch.optim.AdamW(
        _groups(method, recipe),
        lr=torch.tensor(recipe.learning_rate, device=device) if on_gpu else recipe.learning_rate,
        betas=recipe.betas,
        eps=recipe.epsilon,
        fused=True,
        capturable=on_gpu,
    )


def set_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Set the learning rate of the next step; a part with another highest rate has the same fraction of that."""
    for group in optimizer.param_groups:
        own = learning_rate * group.get("factor", 1.0)
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(own)  # in place: the fused kernel reads it there
        else:
            group["lr"] = own


def _groups(method: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """The trained parameters in groups: matrices decay; biases, norms and temperatures do not. Each part has its rate.

    factor: the highest learning rate of a part by that of the recipe. What is frozen is in no group, so it has no
    moments.
    """
    by_part, trained = rates(recipe.learning_rates), list(method.named_parameters())
    trained = [(name, weight) for name, weight in trained if weight.requires_grad]
    found: dict[float, list[torch.nn.Parameter]] = {}
    for name, weight in trained:
        rate = by_part.get(part_of(name), recipe.learning_rate) if by_part else recipe.learning_rate
        found.setdefault(rate / recipe.learning_rate, []).append(weight)
    groups = [
        (times, members, decay)
        for times, weights in found.items()
        for members, decay in (
            ([weight for weight in weights if weight.ndim > 1], recipe.weight_decay),
            ([weight for weight in weights if weight.ndim <= 1], 0.0),
        )
    ]
    return [
        {"params": members, "weight_decay": decay, **({} if times == 1 else {"factor": times})}
        for times, members, decay in groups
        if members
    ]


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
