"""Which weights of an encoder learn, and how fast: adapters (LoRA), frozen parts, a learning rate for each part."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import torch
from torch import nn

from simemb.arguments import checked_fields
from simemb.encoder import adapters
from simemb.encoder.encoder import Encoder
from simemb.errors import RecipeError, TrainingError, unknown
from simemb.method.deferral import deferrable
from simemb.transformer.forward import layers_of

log = logging.getLogger("simemb")

PARTS = ("embeddings", "layers", "head")
"""The embeddings of the backbone; all else of it, adapters included; and what stands on it: heads, temperatures."""


@checked_fields
@dataclass(frozen=True)
class LoRA:
    """Low-rank adapters on the linear layers of the backbone, whose own weights stay: W + alpha / rank B A.

    Hu et al., 2022, https://arxiv.org/abs/2106.09685, equation 3. Without dropout our own layers compute them; with
    it transformers does.
    """

    rank: int | None = None
    """Rows of A, 1 or more; None: no adapters, and the weights themselves are trained."""
    alpha: float = 16.0
    """The product is scaled by alpha / rank."""
    dropout: float = 0.0
    """Dropout of what goes into an adapter, in [0, 1)."""
    modules: tuple[str, ...] = ()
    """The last part of the names of the layers that get one, as query and value; by default all linear layers."""
    keep: bool = False
    """Beside the merged encoder, keep adapter and base in the folder adapter of the run."""

    @deferrable
    def __post_init__(self) -> None:
        if self.rank is not None and self.rank < 1:
            raise RecipeError(f"--lora.rank must be at least 1, not {self.rank}")
        if not (self.alpha > 0 and isfinite(self.alpha)):
            raise RecipeError(f"--lora.alpha must be above 0, not {self.alpha}")
        if not 0 <= self.dropout < 1:
            raise RecipeError(f"--lora.dropout must be in [0, 1), not {self.dropout}")
        if self.rank is None and self.keep:
            raise RecipeError("--lora.keep: there are no adapters to keep; give a rank (--lora 8)")


def check_trained(freeze: Sequence[str], learning_rates: Sequence[str], lora: LoRA) -> None:
    """Raise `RecipeError` for parts that do not exist, or a rate that is none."""
    for part in freeze:
        if part != "embeddings" and not re.fullmatch(r"layers:[1-9][0-9]*", part):
            raise RecipeError(unknown("part to --freeze", part, ("embeddings", "layers:N (the first N)")))
    if freeze and lora.rank is not None:
        raise RecipeError("--freeze: with adapters all else is frozen already")
    rates(learning_rates)


def rates(learning_rates: Sequence[str]) -> dict[str, float]:
    """Learning rates by part, of words such as `head=1e-3`.

    >>> rates(["head=1e-3"])
    {'head': 0.001}
    """
    found: dict[str, float] = {}
    for word in learning_rates:
        part, _, number = word.partition("=")
        if part not in PARTS:
            raise RecipeError(unknown("part of --learning-rates", part, PARTS))
        try:
            found[part] = float(number)
        except ValueError:
            raise RecipeError(f"--learning-rates {word}: give PART=RATE, as in head=1e-3") from None
        if not (found[part] > 0 and isfinite(found[part])):
            raise RecipeError(f"--learning-rates {word} must be above 0 (--freeze keeps a part as it is)")
    return found


def prepare(encoder: Encoder, lora: LoRA, freeze: Sequence[str], seed: int) -> None:
    """Put adapters on an encoder, and freeze parts of it, in place.

    Raises `RecipeError` for parts that the model does not have, `ModelError` without peft.
    """
    if lora.rank is not None:
        adapters.check_installed("--lora")
        torch.manual_seed(seed)
        options: dict[str, Any] = {"alpha": lora.alpha, "dropout": lora.dropout, "modules": lora.modules}
        count = adapters.add(encoder.backbone, lora.rank, **options)
        trained = sum(weight.numel() for weight in encoder.parameters() if weight.requires_grad)
        ours = encoder.fast and layers_of(encoder.network) is not None
        by = "layers of our own" if ours else "transformers"
        log.info("LoRA of rank %d on %d linear layers, %d weights; %s compute them", lora.rank, count, trained, by)
    for part in freeze:
        for module in _frozen(encoder, part):
            module.requires_grad_(requires_grad=False)


def check_left(method: nn.Module, learning_rates: Sequence[str] = ()) -> None:
    """Raise `TrainingError` if nothing is left to train, or nothing of a part that has a rate of its own."""
    learning = {part_of(name) for name, weight in method.named_parameters() if weight.requires_grad}
    if not learning:
        raise TrainingError("--freeze leaves nothing to train")
    if idle := [part for part in rates(learning_rates) if part not in learning]:
        parts = ", ".join(part for part in PARTS if part in learning)
        raise TrainingError(
            f"--learning-rates {idle[0]}: nothing of this part learns in this run (what learns: {parts})"
        )


def _frozen(encoder: Encoder, part: str) -> Sequence[nn.Module]:
    family = encoder.network.config.model_type
    if part == "embeddings":
        if not hasattr(encoder.network, "embeddings"):
            raise RecipeError(f"--freeze embeddings: {encoder.name} ({family}) has no module of that name")
        return [encoder.network.embeddings]
    count, number = int(encoder.network.config.num_hidden_layers), int(part.partition(":")[2])
    lists = [module for module in encoder.network.modules() if isinstance(module, nn.ModuleList)]
    layers = next((module for module in lists if len(module) == count), None)
    if layers is None or len({id(layer) for layer in layers}) < count:
        raise RecipeError(f"--freeze {part}: the layers of {encoder.name} ({family}) cannot be told apart")
    if number > count:
        raise RecipeError(f"--freeze {part}: {encoder.name} has {count} layers (allowed: layers:1 to layers:{count})")
    return list(layers)[:number]


def part_of(name: str) -> str:
    """The part of `PARTS` to which a weight of a method belongs, by its name.

    >>> part_of("encoder.backbone.embeddings.word_embeddings.weight"), part_of("head.linear.bias")
    ('embeddings', 'head')

    Of several sources (`Course`) the names begin with the method of one: `methods.0.encoder`.
    """
    inside = re.fullmatch(r"(?:methods\.\d+\.)?(second\.)?encoder\.backbone\.(.*)", name)
    if inside is None:
        return "head"
    return "embeddings" if "embeddings." in inside[2] else "layers"
