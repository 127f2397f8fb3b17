"""Targets: the momentum of the slow copy, and which network encodes which view."""

from math import cos, pi
from typing import Any

import pytest

from simemb.errors import RecipeError
from simemb.method.embedding_augmentations import TokenCutoff
from simemb.method.memory import Queue
from simemb.method.targets import (
    EMA,
    Frozen,
    StopGradient,
    Twin,
    ViewPlan,
    view_plan,
)
from simemb.method.token_augmentations import Crop
from simemb.method.views import View

TWO = (View(), View())
ONE_WAY = (View(target=False), View(online=False))


def test_momentum_rises_along_half_a_cosine():
    rising = EMA(momentum=0.99, final=1.0)
    assert rising.at(0) == pytest.approx(0.99, abs=1e-12)
    assert rising.at(0.5) == pytest.approx(0.995, abs=1e-12)
    assert rising.at(1) == pytest.approx(1.0, abs=1e-12)
    for progress in (0.1, 0.37, 0.8):  # BYOL, appendix C.2
        assert rising.at(progress) == pytest.approx(1 - 0.01 * (cos(pi * progress) + 1) / 2, abs=1e-12)
    assert EMA(momentum=0.9, final=0.5).at(0.5) == pytest.approx(0.7)


@pytest.mark.parametrize("progress", [0, 0.5, 1])
def test_without_a_final_value_momentum_stays(progress: float):
    assert EMA(momentum=0.995).at(progress) == pytest.approx(0.995, abs=1e-15)


@pytest.mark.parametrize("fields", [{"momentum": -0.1}, {"momentum": 1.1}, {"final": 2.0}, {"momentum": float("nan")}])
def test_a_momentum_outside_of_0_to_1_is_refused(fields: dict[str, float]):
    with pytest.raises(RecipeError, match=rf"target\.{next(iter(fields))} must be in \[0, 1\]"):
        EMA(**fields)


# ---- which network sees which view -----------------------------------------------------------------------

TRIPLET = (View(0, target=False), View(1, online=False), View(2, online=False, negative=True))
BESIDE = (View(target=False), View(online=False), View(1, online=False, target=False))


def itself(*places: int) -> dict[int, int]:
    return {place: place for place in places}


@pytest.mark.parametrize("target", [None, StopGradient()])
@pytest.mark.parametrize("views", [ONE_WAY, TWO, TRIPLET, BESIDE])
def test_without_a_second_network_the_encoder_sees_every_view(target: StopGradient | None, views: tuple[View, ...]):
    every = tuple(range(len(views)))
    assert view_plan(views, target) == ViewPlan(every, (), itself(*every))


@pytest.mark.parametrize("target", [EMA(), Twin(), EMA(head=False)])
@pytest.mark.parametrize(
    ("views", "online", "second"),
    [
        (ONE_WAY, (0,), (1,)),
        (TWO, (0, 1), (0, 1)),
        (TRIPLET, (0,), (1, 2)),
        (BESIDE, (0, 2), (1,)),
        ((View(), View(), View(target=False)), (0, 1, 2), (0, 1)),
    ],
)
def test_with_a_second_network_each_sees_what_its_branch_compares(
    target: Any, views: tuple[View, ...], online: tuple[int, ...], second: tuple[int, ...]
):
    assert view_plan(views, target) == ViewPlan(online, second, itself(*online))


@pytest.mark.parametrize("target", [EMA(), Twin()])
def test_a_view_that_enters_the_queue_is_seen_by_the_second_network_too(target: Any):
    assert view_plan(ONE_WAY, target, Queue(view=0)) == ViewPlan((0,), (0, 1), itself(0))
    assert view_plan(ONE_WAY, target, Queue()) == ViewPlan((0,), (1,), itself(0))


def test_a_slow_copy_without_keys_sees_only_what_enters_the_queue():
    assert view_plan(ONE_WAY, EMA(keys=False), Queue(view=0)) == ViewPlan((0, 1), (0,), itself(0, 1))
    assert view_plan(TRIPLET, EMA(keys=False), Queue(view=1)) == ViewPlan((0, 1, 2), (1,), itself(0, 1, 2))


@pytest.mark.parametrize(("views", "online"), [(ONE_WAY, (0,)), (TRIPLET, (0,)), (BESIDE, (0, 2))])
def test_keys_of_a_frozen_teacher_are_encoded_by_nobody(views: tuple[View, ...], online: tuple[int, ...]):
    assert view_plan(views, Frozen()) == ViewPlan(online, (), itself(*online))


def test_with_fixed_dropout_one_view_stands_for_all_that_are_read_alike():
    assert view_plan(ONE_WAY, fixed_dropout=True) == ViewPlan((0,), (), {0: 0, 1: 0})
    assert view_plan(TWO, StopGradient(), fixed_dropout=True) == ViewPlan((0,), (), {0: 0, 1: 0})
    views = (View(0), View(1), View(0, online=False), View(0, offset=1), View(1, target=False))
    assert view_plan(views, fixed_dropout=True) == ViewPlan((0, 1, 3), (), {0: 0, 1: 1, 2: 0, 3: 3, 4: 1})


@pytest.mark.parametrize("augmentation", [Crop(), TokenCutoff()])
def test_augmented_views_are_never_read_alike(augmentation: Any):
    small = View(target=False, augment=(augmentation,))  # the very same object twice, as in a multi-crop recipe
    assert view_plan((View(), small, small), fixed_dropout=True) == ViewPlan((0, 1, 2), (), itself(0, 1, 2))


def test_the_same_view_twice_is_read_alike():
    plain = View()
    assert view_plan((plain, plain), fixed_dropout=True) == ViewPlan((0,), (), {0: 0, 1: 0})
