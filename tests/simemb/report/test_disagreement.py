"""The pairs of a suite, and where model and people disagree."""

from math import inf

import numpy as np
import pytest

from simemb.evaluation.outcomes import Outcomes
from simemb.evaluation.scores import Scores
from simemb.evaluation.suite import Suite
from simemb.evaluation.tasks import Binary, Similarity
from simemb.report.disagreement import ScoredPairs, percentiles

GOLD = np.array([0.0, 1.0, 2.0, 5.0])


def outcomes(values: list[float], gold: np.ndarray | None, subset: str = "test") -> Outcomes:
    texts = [(f"{subset} {row}", "two words") for row in range(len(values))]
    return Outcomes(texts, np.array(values), gold, [subset] * len(values))


def scores(**tasks: Outcomes) -> Scores:
    return Scores("m", "f", "s", {}, {}, None, {}, {}, "", outcomes=tasks)


def suite(*tasks: Similarity) -> Suite:
    return Suite("s", "", tasks)


def test_pairs_of_all_tasks_on_one_scale_are_put_together():
    found = ScoredPairs.of(
        suite(Similarity("one", {}), Similarity("two", {}), Binary("yes", {}), Similarity("other", {}, scale=(0, 1))),
        scores(
            one=outcomes([0.1, 0.2, 0.3, 0.9], GOLD),
            two=outcomes([0.9, 0.3, 0.2, 0.1], GOLD, "news"),
            yes=outcomes([0.5, 0.6], np.array([0.0, 1.0])),
            other=outcomes([0.1, 0.2, 0.3, 0.9], GOLD / 5),
        ),
    )
    assert found is not None
    assert found.tasks == ["one", "two"]
    assert found.cosine.tolist() == [0.1, 0.2, 0.3, 0.9, 0.9, 0.3, 0.2, 0.1]
    assert found.origin == ["one"] * 4 + ["two news"] * 4
    assert (found.scale, found.binary) == ((0.0, 5.0), False)


def test_how_far_ahead_a_cosine_is_is_the_difference_of_two_percentiles_within_the_task():
    found = ScoredPairs.of(suite(Similarity("one", {})), scores(one=outcomes([0.9, 0.3, 0.2, 0.1], GOLD)))
    assert found is not None
    assert found.ahead.tolist() == [75, 25, -25, -75]
    assert found.worst(3) == [3, 0, 2, 1]
    assert found.worst(1) == [3, 0]


def test_percentiles_share_the_place_of_equal_values():
    assert percentiles(np.array([1.0, 2.0, 2.0, 3.0])).tolist() == [12.5, 50, 50, 87.5]


def test_where_people_said_yes_or_no_that_is_taken():
    found = ScoredPairs.of(suite(Binary("yes", {})), scores(yes=outcomes([0.5, 0.6], np.array([0.0, 1.0]))))
    assert found is not None
    assert (found.binary, found.scale) == (True, (0.0, 1.0))


def test_without_a_scale_the_lowest_and_highest_score_are_its_ends():
    task = Similarity("file", {}, scale=(-inf, inf))
    found = ScoredPairs.of(suite(task), scores(file=outcomes([0.1, 0.2, 0.3, 0.9], GOLD + 1)))
    assert found is not None
    assert found.scale == (1.0, 6.0)


def test_a_suite_without_scored_pairs_has_none():
    assert ScoredPairs.of(suite(), scores(topics=outcomes([1.0, 0.0], None))) is None


def test_lengths_are_those_of_the_words():
    found = ScoredPairs.of(suite(Similarity("one", {})), scores(one=outcomes([0.9, 0.3, 0.2, 0.1], GOLD)))
    assert found is not None
    assert found.surface.difference == pytest.approx([0, 0, 0, 0])
