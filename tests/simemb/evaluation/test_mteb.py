"""MTEB's tasks as suites: its own evaluation on our vectors, one line for what cannot be had, and no network."""

import json
import logging
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simemb import extras
from simemb.errors import AbsentError, DataError, LibraryError, ModelError
from simemb.evaluation import evaluate, mteb

PAIRS = {
    "eng": [("a cat sat", "a cat sat down", 4.5), ("a dog ran", "rain falls", 0.5), ("it rains", "rain falls", 3.0)],
    "fra": [("un chat dort", "le chat dort", 4.8), ("un chat dort", "il pleut", 0.2), ("il pleut", "la pluie", 3.1)],
}
ABOUT: dict[str, Any] = {
    "description": "pairs made\nby a test",
    "reference": "https://example.org",
    "dataset": {"path": "nobody/nothing", "revision": "0123abcd"},
    "category": "t2t",
    "eval_splits": ["test"],
    "eval_langs": {"eng": ["eng-Latn"], "fra": ["fra-Latn"]},
    "date": ("2026-01-01", "2026-01-01"),
    "dialect": [],
    "domains": [],
    "task_subtypes": [],
    "license": "cc-by-4.0",
    "annotations_creators": "derived",
    "modalities": ["text"],
    "sample_creation": "found",
    "bibtex_citation": "",
}
KINDS = (
    *("MockRetrievalTask", "MockRerankingTask", "MockPairClassificationTask", "MockBitextMiningTask"),
    *("MockRegressionTask", "LegacyMockClusteringFastTask", "MockMultilabelClassification"),
)
"""Tasks that mteb ships for tests, their data in memory."""


class Letters:
    """A sentence is how often each letter occurs in it."""

    name = "letters"

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def fingerprint(self) -> str:
        return "letters"

    def encode(self, texts: list[str], *, batch_size: int | None = None, progress: bool | None = None) -> np.ndarray:
        del batch_size, progress
        self.encoded += texts
        return np.array([[text.count(chr(97 + i)) for i in range(26)] for text in texts], np.float32).reshape(-1, 26)


class Broken(Letters):
    def encode(self, texts: list[str], *, batch_size: int | None = None, progress: bool | None = None) -> np.ndarray:
        return super().encode(texts, batch_size=batch_size, progress=progress) * np.float32("nan")


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A task of mteb whose pairs, in two languages, are in memory; `mteb.get_task` knows no other."""
    package = pytest.importorskip("mteb")
    from datasets import Dataset, DatasetDict

    class Tiny(package.abstasks.sts.AbsTaskSTS):
        metadata = package.TaskMetadata(type="STS", name="Tiny", main_score="cosine_spearman", **ABOUT)

        def load_data(self, **_: Any) -> None:
            self.dataset = DatasetDict()
            for language, pairs in PAIRS.items():
                rows = [dict(zip(("sentence1", "sentence2", "score"), pair, strict=True)) for pair in pairs]
                self.dataset[language] = DatasetDict({"test": Dataset.from_list(rows)})
            self.data_loaded = True

    def get_task(name: str) -> Any:
        if name != "Tiny":
            raise KeyError(name)
        return Tiny()

    monkeypatch.setattr(package, "get_task", get_task)
    monkeypatch.setattr(package, "get_tasks", lambda **_: [Tiny()])
    monkeypatch.setattr(mteb, "_reachable", lambda *_: True)
    return Tiny


def test_without_mteb_one_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "mteb" else find_spec(name))
    with pytest.raises(LibraryError, match=r'^mteb:STSBenchmark needs mteb: pip install "simemb\[mteb\]"$'):
        mteb.find("mteb:STSBenchmark")


def test_a_task_is_a_suite_with_its_own_main_score(tiny: Any) -> None:
    suite = mteb.find("mteb:Tiny")
    assert (suite.name, suite.headline) == ("mteb:Tiny", "cosine_spearman")
    assert suite.description == "pairs made by a test"
    assert evaluate.find("mteb:Tiny") == suite


def test_the_scores_are_those_of_mteb_in_points_and_its_spearman_is_ours(tiny: Any, tmp_path: Path) -> None:
    scores = evaluate.evaluate(Letters(), "mteb:Tiny", geometry=True)
    assert scores.texts == {"Tiny": []}
    ours = [own_spearman(pairs) for pairs in PAIRS.values()]
    assert scores.points == pytest.approx(np.mean(ours))
    result = scores.tasks["Tiny"]
    assert isinstance(result, mteb.MtebScores)
    assert result.parts == pytest.approx({"test/eng": ours[0], "test/fra": ours[1]})
    assert next(iter(result.numbers())) == "cosine_spearman"
    assert {"cosine_pearson", "euclidean_spearman"} <= result.numbers().keys()
    assert "main_score" not in result.numbers()
    assert scores.data == {"hub:nobody/nothing": "0123abcd"}
    scores.save(tmp_path / "scores.json")
    record = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    assert record["tasks"]["Tiny"]["means"]["cosine_spearman"] == scores.points


def own_spearman(pairs: list[tuple[str, str, float]]) -> float:
    from simemb.evaluation.metrics import cosine, spearman

    first, second, gold = zip(*pairs, strict=True)
    encode = Letters().encode
    return 100 * spearman(cosine(encode(list(first)), encode(list(second))), np.array(gold))


def test_vectors_are_cached_like_those_of_any_suite(tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path))
    encoder = Letters()
    first = evaluate.evaluate(encoder, "mteb:Tiny", cache=True)
    encoded = len(encoder.encoded)
    assert encoded == len({text for pairs in PAIRS.values() for *pair, _ in pairs for text in pair})
    assert evaluate.evaluate(encoder, "mteb:Tiny", cache=True).points == first.points
    assert len(encoder.encoded) == encoded


def test_the_scores_stand_in_a_table(tiny: Any, capsys: pytest.CaptureFixture[str]) -> None:
    from simemb.report.terminal import print_scores

    print_scores([evaluate.evaluate(Letters(), "mteb:Tiny")])
    shown = capsys.readouterr().out
    assert "mteb:Tiny" in shown
    assert "cosine pearson" in shown


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_task_runs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    package = pytest.importorskip("mteb")
    kind = getattr(pytest.importorskip("mteb.mocks"), name)
    monkeypatch.setattr(package, "get_task", lambda _: kind())
    monkeypatch.setattr(mteb, "_reachable", lambda *_: True)
    scores = evaluate.evaluate(Letters(), f"mteb:{name}")
    assert np.isfinite(scores.points)
    numbers = next(iter(scores.tasks.values())).numbers()
    assert all(isinstance(value, float) for value in numbers.values())
    assert not any(number.startswith("nauc") for number in numbers)


def test_an_unknown_task_gets_its_nearest_match(tiny: Any) -> None:
    with pytest.raises(DataError, match=r"^unknown MTEB task 'Tinny': did you mean 'Tiny'\?"):
        mteb.find("mteb:Tinny")


def test_a_task_about_pictures_is_refused(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    package = pytest.importorskip("mteb")
    pictures = package.TaskMetadata(
        type="STS", name="Tiny", main_score="cosine_spearman", **{**ABOUT, "modalities": ["text", "image"]}
    )
    monkeypatch.setattr(tiny, "metadata", pictures)
    with pytest.raises(DataError, match=r"MTEB task Tiny is about image, text \(allowed: text\)"):
        mteb.find("mteb:Tiny")


@pytest.mark.parametrize(
    ("reachable", "why"),
    [
        (False, r"are not on this machine, and the hub does not answer$"),
        (True, r"\(ConnectionError: cannot reach it\)$"),
    ],
)
def test_data_that_cannot_be_had_are_one_line(
    tiny: Any, monkeypatch: pytest.MonkeyPatch, reachable: bool, why: str
) -> None:
    import datasets

    seen: list[bool] = []

    def load_data(*_: Any, **__: Any) -> None:
        seen.append(datasets.config.HF_HUB_OFFLINE)
        raise ConnectionError("cannot\nreach it")

    monkeypatch.setattr(tiny, "load_data", load_data)
    monkeypatch.setattr(mteb, "_reachable", lambda *_: reachable)
    before = datasets.config.HF_HUB_OFFLINE
    with pytest.raises(AbsentError, match=why):
        evaluate.evaluate(Letters(), "mteb:Tiny")
    assert seen == [before or not reachable]
    assert before == datasets.config.HF_HUB_OFFLINE


def test_vectors_that_are_not_finite_are_refused_as_everywhere(tiny: Any) -> None:
    with pytest.raises(ModelError, match="not finite"):
        evaluate.evaluate(Broken(), "mteb:Tiny")


def test_what_fails_inside_mteb_is_one_line_with_its_version(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    package = pytest.importorskip("mteb")

    def fail(*_: Any, **__: Any) -> None:
        raise ImportError("something else is missing")

    monkeypatch.setattr(package, "evaluate", fail)
    with pytest.raises(
        DataError, match=rf"^mteb {package.__version__} fails on task Tiny: ImportError: something else"
    ):
        evaluate.evaluate(Letters(), "mteb:Tiny")


def test_our_encoder_is_what_mteb_takes_for_one(tiny: Any) -> None:
    package = pytest.importorskip("mteb")
    logging.getLogger("mteb").setLevel(logging.ERROR)
    assert isinstance(mteb.MtebEncoder(None), package.EncoderProtocol)
