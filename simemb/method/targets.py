"""Targets: what encodes the keys, if not the encoder itself, and which network encodes which view."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, pi
from typing import Literal

from simemb.arguments import checked_fields
from simemb.errors import RecipeError
from simemb.method.deferral import deferrable
from simemb.method.memory import Memory, Queue
from simemb.method.views import View


@checked_fields
@dataclass(frozen=True)
class StopGradient:
    """The encoder itself, without gradient through the keys (SimSiam, Chen & He, 2021, section 3)."""


@checked_fields
@dataclass(frozen=True)
class EMA:
    """A slow copy of encoder and head: after every step its weights w become momentum * w + (1 - momentum) * online.

    Tarvainen & Valpola, 2017; MoCo (He et al., 2020, eq. 2). Buffers (the statistics of batch norm) follow
    in the same way. It starts as a copy of the online model with its loaded weights.
    """

    momentum: float = 0.99
    """Weight of the slow copy in each update, in [0, 1]."""
    final: float | None = None
    """The momentum at the end, reached along half a cosine (BYOL, Grill et al., 2020, appendix C.2: 1); by
    default it is constant."""
    dropout: bool = True
    """Whether the slow copy is in training mode, with dropout and statistics of the batch."""
    keys: bool = True
    """Whether it encodes the keys; otherwise the encoder does, and the slow copy only fills the queue (ESimCSE)."""
    head: bool = True
    """Whether it has a slow head too; otherwise its vectors go through the current online head (ESimCSE's code)."""

    @deferrable
    def __post_init__(self) -> None:
        for name, value in (("momentum", self.momentum), ("final", self.final)):
            if value is not None and not 0 <= value <= 1:
                raise RecipeError(f"--target.{name} must be in [0, 1], not {value}")

    def at(self, progress: float) -> float:
        """The momentum at `progress`, the fraction of the training that is done, in [0, 1]."""
        final = self.momentum if self.final is None else self.final
        return final - (final - self.momentum) * (cos(pi * progress) + 1) / 2


@checked_fields
@dataclass(frozen=True)
class Twin:
    """A second encoder with weights of its own, trained too (CMC, Tian et al., 2020; CLIP, Radford et al., 2021)."""

    model: str | None = None
    """A model directory or a hub name; by default a copy of the first encoder. It has its own tokenizer."""


@checked_fields
@dataclass(frozen=True)
class Frozen:
    """A teacher that is not trained: any encoder, with any tokenizer and width.

    Its vectors of all texts are computed once, before the training, and cached.
    """

    model: str = "mini"
    """A model directory, a run directory or a hub name."""
    precision: Literal["auto", "float32", "bf16", "fp16", "int8"] = "float32"
    """auto, bf16 and int8 compute its vectors faster, and nearly the same ones (`simemb encode --help` tells more)."""


Target = StopGradient | EMA | Twin | Frozen


@dataclass(frozen=True)
class ViewPlan:
    """Which network encodes which views, by their indices in the recipe.

    online: by the encoder that is trained. second: by the slow copy or the twin. representatives: for every view
    of the encoder the view that is encoded in its place, usually itself.
    """

    online: tuple[int, ...]
    second: tuple[int, ...]
    representatives: Mapping[int, int]


def view_plan(
    views: tuple[View, ...], target: Target | None = None, memory: Memory | None = None, *, fixed_dropout: bool = False
) -> ViewPlan:
    """Which network must encode which views.

    fixed_dropout: all views get the same dropout mask. Two identical views then have the same vector, so only one of
    them is encoded.

    >>> view_plan((View(target=False), View(online=False)))
    ViewPlan(online=(0, 1), second=(), representatives={0: 0, 1: 1})
    >>> view_plan((View(target=False), View(online=False)), EMA())
    ViewPlan(online=(0,), second=(1,), representatives={0: 0})
    """
    places = tuple(range(len(views)))
    queued = memory.view if isinstance(memory, Queue) else None
    if target is None or isinstance(target, StopGradient):
        online, second = places, ()
    elif isinstance(target, EMA) and not target.keys:
        online, second = places, () if queued is None else (queued,)
    else:
        online = tuple(place for place in places if not views[place].negative and _is_for_encoder(views[place]))
        second = tuple(place for place in places if views[place].target or views[place].negative or place == queued)
    representatives = {place: place for place in online}
    if fixed_dropout:
        representatives = {
            place: next(p for p in online if p == place or _identical(views[p], views[place])) for place in online
        }
    return ViewPlan(
        tuple(dict.fromkeys(representatives.values())), () if isinstance(target, Frozen) else second, representatives
    )


def _identical(one: View, other: View) -> bool:
    """Whether two views are identical; an augmented view never is, since each view has its own random numbers."""
    return (one.text, one.prompt, one.augment, other.augment) == (other.text, other.prompt, (), ())


def _is_for_encoder(view: View) -> bool:
    """Whether the encoder needs the view: as a query, or for the auxiliaries, whose views neither branch compares."""
    return view.online or not view.target
