"""Comparisons end to end: with encoders whose quality is known, and with scores made by hand."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import ttest_ind

from simemb.comparison import provenance
from simemb.comparison.compare import Comparison, compare, compare_scores
from simemb.comparison.pairwise import AVERAGE
from simemb.corpus.sources import Source
from simemb.errors import DataError
from simemb.evaluation.outcomes import Outcomes
from simemb.evaluation.scores import Scores, TaskScores
from simemb.evaluation.suite import Suite
from simemb.evaluation.tasks import Similarity


class Angles:
    """A text is an angle in degrees, which the encoder reads with some error."""

    def __init__(self, name: str, error: float, seed: int = 0):
        self.name, self.error, self.seed = name, error, seed

    def fingerprint(self) -> str:
        return f"{self.name} {self.error} {self.seed}"

    def encode(
        self,
        texts: list[str],
        *,
        batch_size: int | None = None,  # noqa: ARG002
        progress: bool | None = None,  # noqa: ARG002
    ) -> Any:
        dice = np.random.default_rng(self.seed)
        angles = np.array([float(text) for text in texts]) + self.error * dice.normal(size=len(texts))
        return np.stack([np.cos(np.radians(angles)), np.sin(np.radians(angles))], axis=1).astype(np.float32)


def pairs(name: str, count: int) -> Similarity:
    """Pairs of angles, with a gold score that falls as they part."""
    ends = np.linspace(1, 90, count)
    rows = [("0", f"{end:.3f}", round(5 - end / 18, 2)) for end in ends]
    source = Source(
        name=name,
        description="angles",
        columns=("sentence1", "sentence2"),
        score="score",
        generate=lambda: rows,
        license="none",
        citation="none",
    )
    return Similarity(name, {"all": source})


SUITE = Suite("angles", "made by a test", (pairs("one", 60), pairs("two", 40), pairs("three", 50)), geometry=None)
GOOD, BAD = Angles("good", 5), Angles("bad", 60, 1)


@pytest.fixture(scope="module")
def found() -> Comparison:
    return compare([BAD, GOOD], SUITE, resamples=400, cache=False)


def test_a_better_encoder_is_found_to_be_better(found: Comparison):
    assert found.pairs[0].verdict == (
        "good is better than bad on all 3 tasks and on average (level 5%, 400 resamples, corrected for 3 tasks)."
    )


def test_a_difference_is_that_of_the_scores_and_its_interval_holds_it(found: Comparison):
    (pair,) = found.pairs
    first, second = (entry.standings for entry in found.entries)
    assert list(pair.differences) == ["one", "two", "three", AVERAGE]
    for name, difference in pair.differences.items():
        assert difference.value == pytest.approx(second[name].mean - first[name].mean)
        assert difference.low < difference.value < difference.high
    assert first[AVERAGE].mean == pytest.approx(np.mean([first[task].mean for task in found.tasks]))


def test_p_of_tasks_is_corrected_and_that_of_the_average_is_not(found: Comparison):
    differences = found.pairs[0].differences
    assert differences["one"].corrected == pytest.approx(3 * differences["one"].p)
    assert differences[AVERAGE].corrected == differences[AVERAGE].p


def test_steiger_is_asked_where_the_score_is_a_correlation(found: Comparison):
    assert all(found.pairs[0].differences[task].steiger < 0.05 for task in found.tasks)
    assert isnan(found.pairs[0].differences[AVERAGE].steiger)


def test_the_record_says_what_was_compared(found: Comparison):
    assert found.measure == "spearman"
    assert found.units == {"one": 60, "two": 40, "three": 50}
    assert [entry.fingerprints for entry in found.entries] == [("bad 60 1",), ("good 5 0",)]
    assert set(found.data) == {"one", "two", "three"}
    assert (found.resamples, found.seed, found.level) == (400, 1, 0.05)


def test_the_record_is_strict_json(found: Comparison, tmp_path: Path):
    found.save(tmp_path / "deep" / "comparison.json")
    record = json.loads((tmp_path / "deep" / "comparison.json").read_text(), parse_constant=pytest.fail)
    assert record == found.to_json()
    assert record["entries"][0]["standings"]["one"]["sd"] is None
    assert record["duels"][0]["differences"]["one"]["welch"] is None
    assert record["duels"][0]["verdict"] == found.pairs[0].verdict
    with pytest.raises(DataError, match=r"below: cannot be written"):
        found.save(tmp_path / "deep" / "comparison.json" / "below")


def test_a_seed_decides_everything(found: Comparison):
    def of(seed: int) -> Any:
        return compare([BAD, GOOD], SUITE, resamples=400, seed=seed, cache=False).pairs

    assert of(1) == found.pairs
    assert of(2) != found.pairs


def test_all_pairs_are_compared_and_a_third_changes_nothing(found: Comparison):
    three = compare([BAD, GOOD, Angles("third", 20, 2)], SUITE, resamples=400, cache=False)
    assert [(pair.first, pair.second) for pair in three.pairs] == [("bad", "good"), ("bad", "third"), ("good", "third")]
    assert three.pairs[0] == found.pairs[0]


def test_identical_encoders_are_not_told_apart():
    (pair,) = compare([GOOD, Angles("twin", 5)], SUITE, resamples=200, cache=False).pairs
    for name, found in pair.differences.items():
        assert (found.value, found.low, found.high, found.p, found.corrected) == (0, 0, 0, 1, 1)
        assert name == AVERAGE or found.steiger == 1
    assert pair.verdict.startswith("no difference between good and twin was shown on any task or on average (")


def test_a_run_that_collapsed_leaves_its_seeds_without_a_score():
    collapsed = Angles("collapsed", 0)
    collapsed.encode = lambda texts, **_: np.ones((len(texts), 2), np.float32)
    found = compare([BAD, [GOOD, collapsed]], SUITE, resamples=200, cache=False)
    standing = found.entries[1].standings["one"]
    assert isnan(standing.mean)
    assert isnan(standing.sd)
    assert "nothing can be said of one, two and three, where a score is not defined" in found.pairs[0].verdict


def test_one_encoder_alone_has_scores_and_no_duel():
    found = compare([GOOD], SUITE, resamples=200, cache=False)
    assert len(found.entries) == 1
    assert found.pairs == ()


# ---- several seeds -------------------------------------------------------------------------------


def groups(first: float, second: float) -> Comparison:
    every = [[Angles(f"{error}-{seed}", error, seed) for seed in range(4)] for error in (first, second)]
    return compare(every, SUITE, resamples=400, cache=False)


def test_runs_of_one_recipe_stand_together():
    found = groups(60, 5)
    first, second = found.entries
    assert (first.label, first.models) == ("60-0", ("60-0", "60-1", "60-2", "60-3"))
    for name in (*found.tasks, AVERAGE):
        standing, difference = first.standings[name], found.pairs[0].differences[name]
        assert standing.mean == pytest.approx(np.mean(standing.runs))
        assert standing.sd == pytest.approx(np.std(standing.runs, ddof=1))
        expected = ttest_ind(second.standings[name].runs, standing.runs, equal_var=False).pvalue
        assert difference.welch == pytest.approx(expected)
        assert isnan(difference.steiger)
        assert difference.value == pytest.approx(second.standings[name].mean - standing.mean)


def test_a_difference_must_hold_over_units_and_over_seeds():
    for difference in groups(60, 5).pairs[0].differences.values():
        assert difference.corrected >= max(difference.p, difference.welch)


def test_the_spread_of_seeds_widens_the_interval():
    def width(seeds: Sequence[int]) -> float:
        group = [Angles(f"bad-{seed}", 60, seed) for seed in seeds]
        found = compare([GOOD, group], SUITE, resamples=400, cache=False).pairs[0].differences[AVERAGE]
        return found.high - found.low

    assert width([1, 2]) > width([1])


# ---- by hand -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Accuracy(TaskScores):
    accuracy: float

    def numbers(self) -> dict[str, float]:
        return {"accuracy": self.accuracy}


def scores(name: str, outcomes: dict[str, Outcomes], **changes: Any) -> Scores:
    found = {task: Accuracy(each.statistic()) for task, each in outcomes.items()}
    plain = Scores(
        model=name,
        fingerprint=name,
        suite="hand",
        tasks=found,
        average={"accuracy": 50.0},
        geometry=None,
        data={"file": "abc"},
        versions={"simemb": "0.1.0"},
        date="now",
        headline="accuracy",
        outcomes=outcomes,
    )
    return replace(plain, **changes)


def right(share: float, seed: int, gold: bool = False, units: int = 200) -> Outcomes:
    dice = np.random.default_rng(seed)
    values = (dice.random(units) < share).astype(float)
    labels = (np.arange(units) % 2).astype(float)
    return Outcomes([("text",)] * units, values, labels if gold else None, ["all"] * units)


def test_means_are_compared_too():
    first, second = scores("a", {"x": right(0.5, 1)}), scores("b", {"x": right(0.8, 2)})
    found = compare_scores({"a": [first], "b": [second]}, resamples=200)
    assert found.measure == "accuracy"
    assert isnan(found.pairs[0].differences["x"].steiger)
    assert found.pairs[0].verdict == "b is better than a on x (level 5%, 200 resamples)."


def test_units_that_make_up_another_number_than_the_headline_are_called_by_it():
    outcomes = {"x": right(0.5, 1, gold=True)}
    odd = scores("a", outcomes, tasks={"x": Accuracy(71.0)})
    assert compare_scores({"a": [odd], "b": [replace(odd, model="b")]}, resamples=200).measure == "spearman"


def test_a_task_without_units_is_left_out_and_named():
    every = {
        name: [scores(name, {"x": right(0.5, seed)}, tasks={"x": Accuracy(50.0), "v": Accuracy(40.0)})]
        for seed, name in enumerate("ab")
    }
    found = compare_scores(every, resamples=200)
    assert (found.tasks, found.unresampled) == (("x",), ("v",))


def test_constant_values_are_said_to_be_undefined():
    flat = right(0.5, 1, gold=True)
    flat = replace(flat, values=np.full(200, 0.5))
    every = {"a": [scores("a", {"x": right(0.5, 1, gold=True)})], "b": [scores("b", {"x": flat})]}
    (pair,) = compare_scores(every, resamples=200).pairs
    assert pair.verdict == "nothing can be said of x, where a score is not defined (level 5%, 200 resamples)."


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": {"file": "def"}}, "file is not the same file"),
        ({"suite": "other"}, "the suite is hand in the first and other in the second"),
        ({"tasks": {}, "outcomes": {}}, "lacks x"),
    ],
)
def test_scores_of_different_things_are_not_compared(changes: dict[str, Any], message: str):
    first, second = scores("a", {"x": right(0.5, 1)}), replace(scores("b", {"x": right(0.5, 2)}), **changes)
    with pytest.raises(DataError, match=message):
        compare_scores({"a": [first], "b": [second]}, resamples=200)


def test_a_suite_without_units_is_not_compared():
    every = {name: [replace(scores(name, {"x": right(0.5, 1)}), outcomes={})] for name in "ab"}
    with pytest.raises(DataError, match="suite hand: its tasks have no units"):
        compare_scores(every, resamples=200)


def test_too_few_resamples_are_refused_before_anything_is_encoded():
    untouched = [Angles(name, nan) for name in "ab"]
    with pytest.raises(DataError, match=r"100 resamples cannot show a difference at 5% on one of 3 tasks .*120\)"):
        compare(untouched, SUITE, resamples=100, cache=False)


def test_what_is_said_of_every_run_of_a_training_is_said_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(provenance, "notes", lambda scores: [f"{scores.model}: was trained on test texts"])
    every = {name: [scores(f"{name}/{seed}", {"x": right(0.5, seed)}) for seed in (1, 2)] for name in "ab"}
    assert [entry.notes for entry in compare_scores(every, resamples=200).entries] == [
        ("a: was trained on test texts",),
        ("b: was trained on test texts",),
    ]
