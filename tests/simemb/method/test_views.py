"""Views: which pairs of them an objective is averaged over, and which need a gradient first."""

import pytest

from simemb.method.embedding_augmentations import Adversarial, TokenCutoff
from simemb.method.views import View, pairs


@pytest.mark.parametrize(
    ("views", "expected"),
    [
        ((View(target=False), View(online=False)), {(0, 1)}),  # SimCSE, MoCo: one direction
        ((View(), View()), {(0, 1), (1, 0)}),  # SimCLR, BYOL: both
        ((View(), View(), View(target=False)), {(0, 1), (1, 0), (2, 0), (2, 1)}),  # multi-crop: a local view
        ((View(online=False), View(target=False)), {(1, 0)}),
        ((View(target=False), View(online=False), View(online=False, negative=True)), {(0, 1)}),
        ((View(), View(negative=True)), set()),
        ((View(),), set()),
        ((View(target=False), View(target=False)), set()),
        ((), set()),
    ],
)
def test_pairs_are_all_unlike_views_that_online_and_target_saw(views: tuple[View, ...], expected: set):
    view_pairs = pairs(views)
    assert set(view_pairs) == expected
    assert len(view_pairs) == len(expected)


def test_views_of_different_groups_are_not_compared():
    views = (View(), View(), View(column=1, group=1), View(column=1, group=1))
    assert pairs(views) == ((0, 1), (1, 0), (2, 3), (3, 2))


def test_negatives_and_views_for_auxiliaries_are_optional():
    assert View(negative=True).optional
    assert View(online=False, target=False).optional
    assert not View(target=False).optional
    assert not View(online=False).optional


def test_a_view_is_adversarial_where_an_adversarial_step_is_among_its_augmentations():
    assert View(augment=(TokenCutoff(), Adversarial())).adversarial
    assert not View(augment=(TokenCutoff(),)).adversarial
