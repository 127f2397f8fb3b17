"""The geometry task: each number is that of its function, on both sides of the pairs, raw and whitened."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simemb import Encoder, evaluate
from simemb.corpus.sources import Source
from simemb.encoder.whitening import Whitening
from simemb.evaluation import geometry, metrics
from simemb.evaluation.evaluate import find
from simemb.evaluation.suite import STSB, Suite
from simemb.evaluation.surface_bias import Surface, biases
from simemb.evaluation.tasks.geometry import COSINE_EDGES, VectorGeometry, VectorGeometryScores
from simemb.evaluation.tasks.similarity import Similarity
from simemb.evaluation.text_vectors import TextVectors

WORDS = (
    "a",
    "the",
    "man",
    "dog",
    "cat",
    "bird",
    "sings",
    "runs",
    "sleeps",
    "eats",
    "fast",
    "slowly",
    "red",
    "old",
    "here",
)


def made(count: int = 120) -> list[tuple[str, str, float]]:
    generator = np.random.default_rng(11)
    pairs: list[tuple[str, str, float]] = []
    for _ in range(count):
        first = [*generator.choice(WORDS, generator.integers(2, 9))]
        second = [word if generator.random() < 0.6 else generator.choice(WORDS) for word in first]
        pairs.append((" ".join(first), " ".join(second[1:] or second), round(float(generator.uniform(0, 5)), 1)))
    return pairs


PAIRS = made()


class Letters:
    """Twelve numbers that say which letters stand where, so that no two texts are equally near; and a constant."""

    name = "letters"

    def fingerprint(self) -> str:
        return "abc"

    def encode(self, texts: list[str], *, batch_size: int | None = None, progress: bool | None = None) -> np.ndarray:
        assert (batch_size, progress) == (None, None)
        return self.count(texts)

    def count(self, texts: list[str]) -> np.ndarray:
        return np.array([[*self.places(text), 3] for text in texts], np.float32)

    def places(self, text: str) -> list[float]:
        return [sum((1 + place) ** 0.5 for place, other in enumerate(text) if ord(other) % 12 == x) for x in range(12)]


class Collapsed(Letters):
    def count(self, texts: list[str]) -> np.ndarray:
        return np.full((len(texts), 3), 0.7, dtype=np.float32)


def task(*subsets: list[tuple[str, str, float]], **fields: Any) -> VectorGeometry:
    """One subset for each list of pairs."""

    def source(name: str, pairs: list[tuple[str, str, float]]) -> Source:
        return Source(
            name=name,
            description="pairs made by a test",
            columns=("sentence1", "sentence2"),
            score="score",
            generate=lambda: pairs,
            license="none",
            citation="none",
        )

    pairs = Similarity("pairs", {str(number): source(str(number), subset) for number, subset in enumerate(subsets)})
    return VectorGeometry("spread", pairs, **fields)


def measured(spread: VectorGeometry, encoder: Any) -> VectorGeometryScores:
    loaded = spread.load()
    scored = loaded.score(TextVectors(encoder, loaded.texts()))
    assert scored.outcomes is None
    assert isinstance(scored.scores, VectorGeometryScores)
    return scored.scores


@pytest.fixture(scope="module")
def scores() -> VectorGeometryScores:
    return measured(task(PAIRS[:50], PAIRS[50:]), Letters())


@pytest.mark.parametrize("prefix", ["", "whitened."])
def test_every_number_is_that_of_its_function(scores, prefix):
    first, second, gold = (list(column) for column in zip(*PAIRS, strict=True))
    gold = np.array(gold)
    x, y = (Letters().encode(side).astype(np.float64) for side in (first, second))
    each = Letters().encode(list(dict.fromkeys([*first, *second]))).astype(np.float64)
    if prefix:
        whitening = Whitening.fit(np.concatenate([x, y]))
        x, y, each = whitening(x), whitening(y), whitening(each)
    both, cosines = np.concatenate([x, y]), metrics.cosine(x, y)
    expected = {
        "spearman": 100 * metrics.spearman(cosines, gold),
        "alignment": metrics.alignment(x[gold >= 4], y[gold >= 4]),
        "alignment>=3": metrics.alignment(x[gold >= 3], y[gold >= 3]),
        "alignment>=5": metrics.alignment(x[gold >= 5], y[gold >= 5]),
        "uniformity": metrics.uniformity(both),
        "anisotropy": geometry.anisotropy(both),
        "isoscore": geometry.isoscore(both),
        "effective_rank": metrics.effective_rank(both),
        "hubness": geometry.hubness(each),
        **biases(cosines, gold, Surface.of(first, second)),
        "dead_dimensions": geometry.dead_dimensions(both),
        "dominance_1": geometry.dominance(both, 1),
        "dominance_3": geometry.dominance(both, 3),
        "dominance_5": geometry.dominance(both, 5),
    }
    numbers = scores.numbers()
    result = {name.removeprefix(prefix): number for name, number in numbers.items() if name.startswith(prefix)}
    result = {name: number for name, number in result.items() if not name.startswith("whitened.")}
    assert list(result) == list(expected)
    assert result == pytest.approx(expected, rel=1e-6, abs=1e-8, nan_ok=True)


def test_the_pictures_are_those_of_both_spaces_and_can_be_written(scores):
    for shape, width in ((scores.raw, 13), (scores.whitened, 11)):
        assert len(shape.spectrum) == width
        assert sum(shape.spectrum) == pytest.approx(1)
        counts = np.array(shape.histogram)
        assert counts.shape == (5, len(COSINE_EDGES) - 1)
        gold = [score for *_, score in PAIRS]
        assert counts.sum(axis=1).tolist() == np.histogram(gold, bins=range(6))[0].tolist()
    assert (scores.pairs, scores.directions) == (120, 11)
    assert scores.texts == len({text for first, second, _ in PAIRS for text in (first, second)})


def test_whitening_makes_the_vectors_isotropic(scores):
    numbers = scores.numbers()
    assert numbers["isoscore"] < 0.8 < numbers["whitened.isoscore"] == pytest.approx(1)
    assert numbers["anisotropy"] > 0.5 > abs(numbers["whitened.anisotropy"])
    assert numbers["dead_dimensions"] == 2  # the constant, and letters that no word has
    assert numbers["whitened.dead_dimensions"] == 0
    assert numbers["uniformity"] > numbers["whitened.uniformity"]


def test_thresholds_and_bins_can_be_chosen():
    scores = measured(task(PAIRS, positive=3.5, thresholds=(1.0, 4.5), gold_edges=(0.0, 2.5, 5.0)), Letters())
    assert {name for name in scores.raw.measures if "alignment" in name} == {
        "alignment",
        "alignment>=1",
        "alignment>=4.5",
    }
    assert (scores.positive, scores.gold_edges) == (3.5, (0, 2.5, 5))
    assert len(scores.raw.histogram) == 2


def test_a_collapsed_encoder_has_no_correlations_and_no_whitening_and_its_record_is_strict_json():
    record = evaluate(Collapsed(), Suite("tiny", "made", (task(PAIRS),), geometry=None, headline="uniformity"))
    numbers = record.tasks["spread"].numbers()
    assert (numbers["uniformity"], numbers["alignment"]) == pytest.approx((0, 0), abs=1e-6)
    assert numbers["anisotropy"] == pytest.approx(1)
    assert numbers["dead_dimensions"] == 3
    for name in ("spearman", "isoscore", "effective_rank", "hubness", "length_bias", "overlap_bias_given_gold"):
        assert math.isnan(numbers[name])
    assert all(math.isnan(value) for name, value in numbers.items() if name.startswith("whitened."))
    content = json.loads(json.dumps(record.to_json(), allow_nan=False))
    assert content["tasks"]["spread"]["whitened"] is None
    assert content["tasks"]["spread"]["raw"]["measures"]["spearman"] is None


@pytest.mark.parametrize("pairs", [2, 3, 6])
def test_a_few_pairs_are_too_few_for_whitening_and_give_the_same_numbers(pairs):
    scores = measured(
        task([("a man sings", "a dog runs", 1.0), ("the bird", "the cat", 5.0), *PAIRS][:pairs]), Letters()
    )
    assert scores.whitened is None
    assert list(scores.numbers()) == list(measured(task(PAIRS), Letters()).numbers())
    assert not math.isnan(scores.numbers()["anisotropy"])


def test_pairs_of_one_and_the_same_text_have_no_geometry_and_give_no_warning():
    numbers = measured(task([("a man", "a man", 1.0), ("a man", "a man", 5.0)]), Letters()).numbers()
    assert numbers["anisotropy"] == pytest.approx(1)
    assert math.isnan(numbers["hubness"])


# ---- the suite -----------------------------------------------------------------------------------------


def test_the_suite_is_found_and_measures_the_whole_of_stsb():
    suite = find("geometry")
    assert (suite.headline, suite.geometry) == ("uniformity", None)
    (spread,) = suite.tasks
    assert isinstance(spread, VectorGeometry)
    assert spread.pairs is STSB


@pytest.fixture
def data(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMEMB_DATA", str(shared_data))


@pytest.mark.parametrize(
    ("model", "pooling", "alignment", "uniformity"),
    [
        ("potion-base-4M", None, 0.3060, -3.6469),
        pytest.param("minilm-l4-mlm", "cls", 0.0109, -0.1369, marks=pytest.mark.slow),
        pytest.param("minilm-l4-mlm", "mean", 0.1484, -1.4932, marks=pytest.mark.slow),
    ],
)
@pytest.mark.usefixtures("data")
def test_real_models_have_the_alignment_and_uniformity_of_independent_code(
    shared_models: Path, model: str, pooling: str | None, alignment: float, uniformity: float
) -> None:
    scores = evaluate(Encoder.load(shared_models / model, pooling=pooling), "geometry")
    assert scores.points == pytest.approx(uniformity, abs=5.1e-5)
    assert scores.number("alignment") == pytest.approx(alignment, abs=5.1e-5)
    assert scores.number("whitened.isoscore") == pytest.approx(1)
    assert scores.number("whitened.uniformity") < scores.number("uniformity")
