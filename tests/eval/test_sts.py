"""The STS suites on real data: their sizes, and real models against scores of independent code.

The reference scores are those of the README beside the models, rounded there to two decimals.
"""

from pathlib import Path

import pytest

from simemb import Encoder, evaluate
from simemb.evaluation.evaluate import find
from simemb.evaluation.scores import Scores
from simemb.evaluation.suite import Suite

TASKS = ("sts12", "sts13", "sts14", "sts15", "sts16", "stsb", "sickr")
SIZES = dict(zip(TASKS, (3108, 1500, 3750, 3000, 1186, 1379, 4927), strict=True))

# Spearman, all: the seven tasks, their average and STS-B dev; then alignment and uniformity.
POTION = (62.38, 76.78, 70.98, 78.69, 75.09, 74.31, 63.83, 71.72), 82.53, (0.3060, -3.6469)
MINILM = {
    "cls": ((48.63, 57.05, 53.40, 64.18, 57.58, 52.25, 58.48, 55.94), 64.74, (0.0109, -0.1369)),
    "mean": ((42.34, 60.54, 51.75, 65.85, 60.18, 51.25, 58.39, 55.76), 64.95, (0.1484, -1.4932)),
}
# Spearman of minilm-l4-mlm with cls, as (mean, wmean).
MINILM_AGGREGATES = {
    "sts12": (54.35, 54.27),
    "sts13": (51.72, 54.71),
    "sts14": (58.02, 58.90),
    "sts15": (62.43, 63.88),
    "sts16": (59.89, 60.26),
}


@pytest.fixture(scope="module")
def data(shared_data: Path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIMEMB_DATA", str(shared_data))
        yield


@pytest.fixture(scope="module")
def potion(shared_models: Path) -> Encoder:
    return Encoder.load(shared_models / "potion-base-4M")


def tolerance(task: str) -> float:
    """In points: the references have two decimals, and let rounding order STS12's pairs of equal text (up to 0.025)."""
    return 0.03 if task in ("sts12", "average") else 0.01


def agrees(scores: Scores, reference: tuple[float, ...]) -> None:
    points = {name: task.all.spearman for name, task in scores.tasks.items()} | {"average": scores.points}
    expected = dict(zip((*TASKS, "average"), reference, strict=True))
    assert points == {name: pytest.approx(value, abs=tolerance(name)) for name, value in expected.items()}


def agrees_by_subsets(scores: Scores, tasks: tuple[str, ...]) -> None:
    for name in tasks:
        aggregates = (scores.tasks[name].mean.spearman, scores.tasks[name].wmean.spearman)
        assert aggregates == pytest.approx(MINILM_AGGREGATES[name], abs=tolerance(name)), name


@pytest.mark.parametrize("name", ["sts", "sts_senteval"])
def test_the_seven_tasks_have_the_published_numbers_of_pairs(data, name):
    loaded = {task.name: sum(len(pairs.gold) for pairs in task.read()) for task in find(name).tasks}
    assert loaded == SIZES


def test_the_other_suites_have_the_published_numbers_of_pairs(data):
    sizes = {
        name: sum(len(pairs.gold) for task in find(name).tasks for pairs in task.read())
        for name in ("stsb_dev", "sickr_full")
    }
    assert sizes == {"stsb_dev": 1500, "sickr_full": 9927}


def test_senteval_text_differs_from_the_original_in_form_only(data):
    def pairs(name: str):
        return find(name).tasks[1].read()[1]

    original, senteval = pairs("sts"), pairs("sts_senteval")
    assert original.gold.tolist() == senteval.gold.tolist()
    assert original.first != senteval.first
    assert all(text == text.lower() for text in senteval.first)


def test_static_embeddings_meet_the_reference_on_all_seven_tasks(data, potion):
    reference, _, geometry = POTION
    scores = evaluate(potion, "sts", geometry=True)
    agrees(scores, reference)
    assert scores.geometry is not None
    assert (scores.geometry.alignment, scores.geometry.uniformity) == pytest.approx(geometry, abs=1e-4)
    assert (scores.geometry.vectors, scores.geometry.threshold) == (17_256, 4.0)
    assert len(scores.data) == 28


def test_static_embeddings_meet_the_reference_on_the_dev_split(data, potion):
    assert evaluate(potion, "stsb_dev").points == pytest.approx(POTION[1], abs=0.01)


def test_a_transformer_meets_the_reference_on_sts16(data, shared_models):
    encoder = Encoder.load(shared_models / "minilm-l4-mlm", pooling="cls")
    sts16 = find("sts").tasks[4]
    scores = evaluate(encoder, Suite("sts16", "one task", (sts16,)))
    assert scores.points == pytest.approx(MINILM["cls"][0][4], abs=0.01)
    agrees_by_subsets(scores, ("sts16",))


@pytest.mark.slow
@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_a_transformer_meets_the_reference_on_everything(data, shared_models, pooling):
    reference, dev, geometry = MINILM[pooling]
    encoder = Encoder.load(shared_models / "minilm-l4-mlm", pooling=pooling)
    scores = evaluate(encoder, "sts", geometry=True)
    agrees(scores, reference)
    assert scores.geometry is not None
    assert (scores.geometry.alignment, scores.geometry.uniformity) == pytest.approx(geometry, abs=1e-4)
    assert evaluate(encoder, "stsb_dev").points == pytest.approx(dev, abs=0.01)
    if pooling == "cls":
        agrees_by_subsets(scores, tuple(MINILM_AGGREGATES))
