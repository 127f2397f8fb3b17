"""Retrieval measures against trec_eval, slow loops and cases worked by hand; separation against scikit-learn."""

import math
from math import isnan, log2
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from simemb.evaluation.ranking import (
    average_precision,
    ndcg,
    rank_documents,
    recall,
    reciprocal_rank,
    separation,
)

DOCUMENTS = [*(f"d{number}" for number in range(1, 13)), "Ä", "中", "Z", ""]
# Few different scores, so that ties are common; all of them are float32, as scores in trec_eval are.
SCORES = st.sampled_from([-0.5, 0.0, 0.25, 0.25 + 2**-20, 0.5, 1.0])
RUNS = st.dictionaries(st.sampled_from(DOCUMENTS), SCORES, min_size=1)
JUDGMENTS = st.dictionaries(st.sampled_from(DOCUMENTS), st.integers(-1, 3), min_size=1)

GRADED = {"a": 3, "b": 2, "c": 0, "d": 1, "e": -1}


def measured(ranking: list[str], judgments: dict[str, int]) -> dict[str, float]:
    """By the names that trec_eval gives them."""
    result = {"map": average_precision(ranking, judgments)}
    for k in (1, 2, 3, 10):
        result[f"ndcg_cut_{k}"] = ndcg(ranking, judgments, k)
        result[f"recall_{k}"] = recall(ranking, judgments, k)
    return result | {"recip_rank": reciprocal_rank(ranking, judgments, len(ranking))}


def test_documents_of_equal_score_are_ranked_by_falling_id():
    assert rank_documents({"d10": 1.0, "d9": 1.0, "d1": 1.0, "x": 0.5, "a": 2.0}) == ["a", "d9", "d10", "d1", "x"]
    assert rank_documents({"a": 0.0, "b": -0.0, "c": 0.0}) == ["c", "b", "a"]


def test_ndcg_is_the_gain_by_rank_over_that_of_the_best_ranking_of_all_that_is_judged():
    dcg = 1 / log2(2) + 0 / log2(3) + 3 / log2(4)
    best = 3 / log2(2) + 2 / log2(3) + 1 / log2(4)
    assert ndcg(["d", "e", "a"], GRADED, 3) == pytest.approx(dcg / best)
    assert ndcg(["a", "b", "d"], GRADED, 10) == 1
    assert ndcg(["d", "e", "a"], GRADED, 1) == pytest.approx(1 / 3)
    assert ndcg(["c", "e", "unjudged"], GRADED, 3) == 0


def test_the_best_ranking_is_cut_at_k_too():
    judgments = dict.fromkeys("abcdefgh", 1)
    assert ndcg(list("abc"), judgments, 3) == 1
    assert ndcg(list("abc"), judgments, 4) < 1


def test_recall_counts_relevant_documents_however_relevant():
    assert recall(["a", "x", "d", "b"], GRADED, 2) == pytest.approx(1 / 3)
    assert recall(["a", "x", "d", "b"], GRADED, 4) == 1
    assert recall(["a"], GRADED, 100) == pytest.approx(1 / 3)


def test_the_reciprocal_rank_is_that_of_the_first_relevant_document_up_to_k():
    assert reciprocal_rank(["c", "e", "d", "a"], GRADED, 10) == pytest.approx(1 / 3)
    assert reciprocal_rank(["c", "e", "d", "a"], GRADED, 2) == 0


def test_average_precision_is_over_all_relevant_documents_found_or_not():
    assert average_precision(["a", "x", "b"], GRADED) == pytest.approx((1 / 1 + 2 / 3 + 0) / 3)


@pytest.mark.parametrize("judgments", [{}, {"a": 0}, {"a": -1, "b": 0}])
def test_without_a_relevant_document_nothing_is_defined(judgments):
    assert all(isnan(value) for value in measured(["a", "b"], judgments).values())


def test_an_empty_ranking_is_worth_nothing():
    assert set(measured([], GRADED).values()) == {0}


@given(run=RUNS, judgments=JUDGMENTS)
def test_measures_agree_with_trec_eval(run, judgments):
    pytrec_eval = pytest.importorskip("pytrec_eval")
    evaluator = pytrec_eval.RelevanceEvaluator(
        {"q": judgments}, {"map", "recip_rank", "ndcg_cut.1,2,3,10", "recall.1,2,3,10"}
    )
    expected = evaluator.evaluate({"q": run})["q"]
    result = measured(rank_documents(run), judgments)
    if max(judgments.values()) <= 0:  # trec_eval has 0 for a query that cannot be answered
        result = dict.fromkeys(result, 0)
    assert result == {name: pytest.approx(value, abs=1e-9) for name, value in expected.items()}


@given(run=RUNS, judgments=JUDGMENTS)
def test_measures_lie_between_0_and_1_and_the_best_ranking_reaches_1(run, judgments):
    if max(judgments.values()) <= 0:
        return
    assert all(0 <= value <= 1 + 1e-12 for value in measured(rank_documents(run), judgments).values())
    best = rank_documents({document: float(relevance) for document, relevance in judgments.items()})
    result = measured(best, judgments)
    assert [result[name] for name in ("map", "recip_rank", "ndcg_cut_10")] == pytest.approx([1, 1, 1])


# ---- separation ------------------------------------------------------------------------------------------

PAIRS = st.lists(st.tuples(st.sampled_from([-1.0, 0.0, 0.25, 0.5, 0.75, 1.0]), st.booleans()), min_size=2, max_size=40)
FREE = st.lists(st.tuples(st.floats(-1, 1), st.booleans()), min_size=2, max_size=40)


def split(pairs: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    cosines, positive = zip(*pairs, strict=True)
    return np.array(cosines), np.array(positive)


def auc_by_loops(cosines: np.ndarray, positive: np.ndarray) -> float:
    pairs = [(high, low) for high in cosines[positive] for low in cosines[~positive]]
    return fmean(1.0 if high > low else 0.5 if high == low else 0.0 for high, low in pairs)


def at(threshold: float, cosines: np.ndarray, positive: np.ndarray) -> tuple[float, float]:
    """Accuracy and F1 of calling positive what has this cosine or more."""
    called = cosines >= threshold
    return 100 * np.mean(called == positive), 200 * np.sum(called & positive) / (called.sum() + positive.sum())


@given(pairs=st.one_of(PAIRS, FREE))
def test_separation_agrees_with_scikit_learn_and_with_every_threshold_tried(pairs):
    cosines, positive = split(pairs)
    result = separation(cosines, positive)
    if positive.all() or not positive.any():
        assert all(isnan(value) for value in vars(result).values())
        return
    assert result.auc == pytest.approx(100 * roc_auc_score(positive, cosines))
    assert result.auc == pytest.approx(100 * auc_by_loops(cosines, positive))
    assert result.average_precision == pytest.approx(100 * average_precision_score(positive, cosines))
    accuracies, f1s = zip(*(at(threshold, cosines, positive) for threshold in (*cosines, math.inf)), strict=True)
    assert (result.accuracy, result.f1) == (pytest.approx(max(accuracies)), pytest.approx(max(f1s)))
    assert at(result.accuracy_threshold, cosines, positive)[0] == pytest.approx(result.accuracy)
    assert at(result.f1_threshold, cosines, positive)[1] == pytest.approx(result.f1)


def test_a_threshold_lies_midway_between_two_cosines():
    result = separation(np.array([0.9, 0.7, 0.3, 0.1]), np.array([True, True, False, False]))
    assert (result.accuracy_threshold, result.f1_threshold) == (pytest.approx(0.5), pytest.approx(0.5))
    assert (result.auc, result.average_precision, result.accuracy, result.f1) == (100, 100, 100, 100)


def test_pairs_of_one_cosine_cannot_be_parted():
    result = separation(np.full(5, 0.7), np.array([True, False, False, True, False]))
    assert result.auc == 50
    assert result.average_precision == pytest.approx(40)
    assert (result.accuracy, result.f1) == (pytest.approx(60), pytest.approx(100 * 4 / 7))
    assert result.accuracy_threshold == np.nextafter(0.7, 1)
    assert result.f1_threshold == 0.7


def test_neighbors_among_the_floats_are_parted():
    high = np.nextafter(0.5, 1)
    result = separation(np.array([0.5, high]), np.array([False, True]))
    assert (result.accuracy, result.accuracy_threshold) == (100, high)


@pytest.mark.parametrize("positive", [[True, True], [False, False], []])
def test_one_class_alone_cannot_be_parted(positive):
    result = separation(np.linspace(0, 1, len(positive)), np.array(positive, bool))
    assert all(isnan(number) for number in vars(result).values())


@given(pairs=FREE)
def test_any_rising_function_of_the_cosines_leaves_the_scores_as_they_are(pairs):
    cosines, positive = split([(round(cosine, 3), positive) for cosine, positive in pairs])
    straight, bent = separation(cosines, positive), separation(np.exp(3 * cosines), positive)
    for name in ("auc", "average_precision", "accuracy", "f1"):
        assert getattr(straight, name) == pytest.approx(getattr(bent, name), nan_ok=True)
