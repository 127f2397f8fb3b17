"""Pairs with the same meaning or not; test_evaluate.py tests how plain scored pairs are scored."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from simemb.corpus.rows import open_rows
from simemb.errors import DataError
from simemb.evaluation.evaluate import evaluate
from simemb.evaluation.metrics import cosine
from simemb.evaluation.scores import Aggregates, BinaryAggregates, SimilarityScores
from simemb.evaluation.suite import Suite
from simemb.evaluation.tasks import Binary, Similarity

PAIRS = [
    (1, "a cat sat", "a cat sat down"),
    (1, "rain falls", "it rains"),
    (0, "a cat sat", "stock prices fell"),
    (0, "a man sings", "a man sinks"),
    (1, "a man sings", "a singing man"),
]


class Letters:
    """A sentence is how often each letter occurs in it."""

    name = "letters"

    def fingerprint(self) -> str:
        return "abc"

    def encode(self, texts: list[str], *, batch_size: int | None = None, progress: bool | None = None) -> np.ndarray:
        del batch_size, progress
        return np.array([[text.count(chr(97 + i)) for i in range(26)] for text in texts], np.float32)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "same.tsv", PAIRS)


def write(path: Path, pairs: list[tuple[float, str, str]]) -> Path:
    rows = (f"{score}\t{first}\t{second}\n" for score, first, second in pairs)
    path.write_text("score\tsentence1\tsentence2\n" + "".join(rows), encoding="utf-8")
    return path


def scored(*tasks: Similarity, headline: str = "auc"):
    return evaluate(Letters(), Suite("mine", "of a test", tasks, geometry=None, headline=headline))


def test_pairs_of_one_text_tie(tmp_path: Path):
    """Their vectors are equal, whatever rounding makes of the product; ranks by hand, with their mean for ties."""
    twice = ["a quick brown fox", "rain", "the jury of the dwarves", "we saw it", "pack my box", "a man sings"]
    pairs = [(1 + place % 5, text, text) for place, text in enumerate(twice)]
    pairs += [(2, "a man sings", "a man sinks"), (0, "rain", "a cat sat")]
    scores = scored(Similarity("same", {"all": write(tmp_path / "same.tsv", pairs)}), headline="spearman")
    ranks = [5.5] * 6 + [2, 1]
    gold = np.array([pair[0] for pair in pairs])
    gold_ranks = np.array([(gold < score).sum() + ((gold == score).sum() + 1) / 2 for score in gold])
    assert scores.tasks["same"].all.spearman == pytest.approx(100 * np.corrcoef(ranks, gold_ranks)[0, 1])


def test_the_cosine_is_judged_as_a_classifier_too(file):
    scores = scored(Binary("same", {"all": file}))
    result = scores.tasks["same"]
    encode = Letters().encode
    cosines = cosine(*(encode([pair[side] for pair in PAIRS]) for side in (1, 2)))
    labels = [pair[0] for pair in PAIRS]
    assert result.auc == pytest.approx(100 * roc_auc_score(labels, cosines)) == scores.points
    assert result.average_precision == pytest.approx(100 * average_precision_score(labels, cosines))
    assert (result.pairs, result.positives) == (5, 3)
    assert result.numbers().keys() >= {"spearman", "pearson", "auc", "average_precision", "accuracy", "f1"}
    assert scores.to_json()["average"]["auc"] == result.auc


def test_plain_pairs_beside_them_leave_the_averages_that_both_have(file):
    both = Binary("same", {"all": file}), Similarity("plain", {"all": file})
    for tasks in (both, both[::-1]):
        scores = scored(*tasks, headline="spearman")
        assert type(scores.average) is Aggregates
        assert scores.points == pytest.approx(scores.tasks["plain"].all.spearman)
        assert "auc" not in scores.averages()
        with pytest.raises(DataError, match="unknown number of suite mine 'auc'"):
            scores.number("auc")
    assert type(scored(both[0]).average) is BinaryAggregates
    assert type(scored(both[1], headline="spearman").tasks["plain"]) is SimilarityScores


def test_a_score_between_0_and_1_is_refused_with_its_pair(tmp_path):
    file = write(tmp_path / "half.tsv", [*PAIRS, (0.5, "a", "b")])
    with pytest.raises(DataError, match=r"half\.tsv, pair 6: score 0\.5 \(allowed: 0 and 1\)"):
        Binary("half", {"all": file}).load()


def test_each_pair_is_a_unit_with_its_texts_and_its_subset(file):
    outcomes = scored(Binary("same", {"one": file, "two": file})).outcomes["same"]
    assert list(outcomes.texts) == [pair[1:] for pair in PAIRS] * 2
    assert list(outcomes.subsets) == ["one"] * 5 + ["two"] * 5
    assert outcomes.gold.tolist() == [pair[0] for pair in PAIRS] * 2
    assert "outcomes" not in scored(Binary("same", {"one": file})).to_json()


@pytest.mark.parametrize("labels", [("0", "2"), ("0", "1"), ("entailment", "neutral")])
def test_labels_of_inference_are_no_gold_scores(tmp_path: Path, labels: tuple[str, str]):
    path = tmp_path / "nli.csv"
    path.write_text("premise,hypothesis,label\n" + "".join(f"a,b,{label}\n" for label in labels))
    with pytest.raises(DataError, match="column label holds labels of inference"):
        Similarity("own", {"own": path}).load()
    if labels[0] == "0":
        Similarity("own", {"own": open_rows(path, columns=["premise", "hypothesis", "label"])}).load()
    pairs = [("a", "b", label) for label in ("entailment", "neutral")]
    with pytest.raises(DataError, match="column label holds labels of inference"):
        Similarity("own", {"own": pairs}).load()
