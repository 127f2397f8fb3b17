"""Targets: what encodes the key side, if it is not simply the encoder itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, pi

from simemb.errors import RecipeError
from simemb.method.memory import Memory, Queue
from simemb.method.views import View


@dataclass(frozen=True)
class StopGradient:
    """The encoder itself, through which no gradient flows on the key side (SimSiam, Chen & He, 2021, section 3)."""


@dataclass(frozen=True)
class EMA:
    """A slow copy of encoder and head: after every step m becomes momentum * m + (1 - momentum) * online.

    Tarvainen & Valpola, 2017; MoCo (He et al., 2020, eq. 2). Buffers (the statistics of batch norm) follow
    in the same way. It starts equal to the online model, of which it is copied after the weights are loaded.
    """

    momentum: float = 0.99
    """How much of the slow copy stays at each step, in [0, 1]."""
    final: float | None = None
    """The momentum at the end, reached along half a cosine (BYOL, Grill et al., 2020, appendix C.2: 1); by
    default it stays as it is."""
    dropout: bool = True
    """Whether the slow copy works as in training, with dropout and statistics of the batch."""
    keys: bool = True
    """Whether it encodes the keys; otherwise the encoder does, and the slow copy only fills the queue (ESimCSE)."""
    head: bool = True
    """Whether it has a slow head too; otherwise its vectors go through the online head as it is (ESimCSE's code)."""

    def __post_init__(self) -> None:
        for name, value in (("momentum", self.momentum), ("final", self.final)):
            if value is not None and not 0 <= value <= 1:
                raise RecipeError(f"--target.{name} must be in [0, 1], not {value}")

    def at(self, progress: float) -> float:
        """The momentum after so much of the training, in [0, 1]."""
        final = self.momentum if self.final is None else self.final
        return final - (final - self.momentum) * (cos(pi * progress) + 1) / 2


@dataclass(frozen=True)
class Twin:
    """A second encoder with weights of its own, trained too (CMC, Tian et al., 2020; CLIP, Radford et al., 2021)."""

    model: str | None = None
    """A model directory or a hub name; by default it starts as a copy of the first. It has its own tokenizer."""


@dataclass(frozen=True)
class Frozen:
    """A teacher that does not learn: any encoder, with any tokenizer and width.

    Its vectors of all texts are computed once, before the training, and kept in the cache.
    """

    model: str = "bundled"
    """A model directory, a run directory or a hub name."""


Target = StopGradient | EMA | Twin | Frozen


@dataclass(frozen=True)
class ViewPlan:
    """Which views which network encodes, by their places in the recipe.

    online: by the encoder that is trained. second: by the slow copy or the twin. representatives: for every view
    of the encoder the one that is encoded for it, usually itself.
    """

    online: tuple[int, ...]
    second: tuple[int, ...]
    representatives: Mapping[int, int]


def view_plan(
    views: tuple[View, ...], target: Target | None = None, memory: Memory | None = None, *, fixed_dropout: bool = False
) -> ViewPlan:
    """What must be encoded, and by whom.

    fixed_dropout: with the same mask two views that are read alike have the same vector, so one is enough.

    >>> view_plan((View(target=False), View(online=False)))
    ViewPlan(online=(0, 1), second=(), representatives={0: 0, 1: 1})
    >>> view_plan((View(target=False), View(online=False)), EMA())
    ViewPlan(online=(0,), second=(1,), representatives={0: 0})
    """
    every = tuple(range(len(views)))
    remembered = memory.view if isinstance(memory, Queue) else None
    if target is None or isinstance(target, StopGradient):
        online, second = every, ()
    elif isinstance(target, EMA) and not target.keys:
        online, second = every, () if remembered is None else (remembered,)
    else:
        online = tuple(place for place in every if not views[place].negative and _for_the_encoder(views[place]))
        second = tuple(place for place in every if views[place].target or views[place].negative or place == remembered)
    representatives = {place: place for place in online}
    if fixed_dropout:
        representatives = {
            place: next(p for p in online if p == place or _alike(views[p], views[place])) for place in online
        }
    return ViewPlan(
        tuple(dict.fromkeys(representatives.values())), () if isinstance(target, Frozen) else second, representatives
    )


def _alike(one: View, other: View) -> bool:
    """An augmentation throws its dice for every view anew."""
    return (one.column, one.offset, one.augment, other.augment) == (other.column, other.offset, (), ())


def _for_the_encoder(view: View) -> bool:
    """A view that neither branch compares is there for the auxiliaries, which work on the encoder."""
    return view.online or not view.target
