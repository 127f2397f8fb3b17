"""The Chinese suite and the paraphrase suite on real data: sizes, and what is reported as missing."""

from pathlib import Path

import pytest

from simemb import Encoder, evaluate
from simemb.evaluation.evaluate import find

ZH = {"stsb": 1361, "lcqmc": 12_500, "afqmc": 4316}
ABSENT = ("pawsx", "atec", "bq")


@pytest.fixture(autouse=True)
def _data(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMEMB_DATA", str(shared_data))


@pytest.fixture(scope="module")
def potion(shared_models: Path) -> Encoder:
    return Encoder.load(shared_models / "potion-base-4M")


def test_the_chinese_sets_have_the_published_numbers_of_pairs():
    tasks = {task.name: task for task in find("zh").tasks}
    assert list(tasks) == [*ZH, *ABSENT]
    assert {name: sum(len(pairs.gold) for pairs in tasks[name].read()) for name in ZH} == ZH


def test_what_is_there_is_scored_and_what_is_absent_is_named(potion):
    scores = evaluate(potion, "zh", geometry=True)
    assert (list(scores.tasks), scores.missing) == ([*ZH], ABSENT)
    assert scores.headline == "spearman"
    lcqmc = scores.tasks["lcqmc"].numbers()
    assert {"spearman", "auc", "accuracy", "f1", "average_precision"} <= lcqmc.keys()
    assert lcqmc["accuracy"] >= 50
    assert scores.geometry is not None
    assert (scores.geometry.task, scores.geometry.vectors) == ("stsb", 2 * 1361)


def test_paraphrases_are_judged_by_average_precision(potion):
    scores = evaluate(potion, "paraphrase")
    mrpc = scores.tasks["mrpc"].numbers()
    assert scores.points == mrpc["average_precision"]
    assert (scores.tasks["mrpc"].pairs, scores.tasks["mrpc"].positives) == (1725, 1147)
    # two thirds of the pairs are paraphrases, so this is what calling all of them so would give
    assert mrpc["accuracy"] >= 100 * 1147 / 1725
    assert mrpc["f1"] >= 100 * 2 * 1147 / (1725 + 1147)
