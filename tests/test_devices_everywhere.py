"""`device` reaches whatever encodes: every verb and every function that takes a model by its name."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from simemb import Encoder, Index, cli, compare, devices, evaluate, fit, whiten
from simemb.encoder import encoder as encoders
from simemb.encoder.untrained import new
from simemb.errors import DeviceError
from simemb.search.mining import mine
from simemb.training import plan

LINE = "device cuda:7 is not there"


@pytest.fixture(autouse=True)
def without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.fixture
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


VERBS = {
    "encode": "encode MODEL TEXTS --output out.npy",
    "eval": "eval MODEL --suite DEV --json out.json",
    "compare": "compare MODEL mini --suite DEV --json out.json",
    "index": "index MODEL TEXTS --output out.index",
    "search": "search INDEX question",
    "search by a model": "search INDEX question --model MODEL",
    "serve": "serve MODEL --port 0",
    "mine": "mine MODEL TRIPLETS --output out.tsv",
    "whiten": "whiten MODEL --data TEXTS --output out",
    "new": "new out --data TEXTS --words-from MODEL",
    "report": "report MODEL --suite DEV --output out.html",
    "plot": "plot histogram MODEL --suite DEV --output out.svg",
    "train": "train simcse --model MODEL --data TEXTS --dev none --output out",
}


@pytest.fixture(scope="module")
def places(
    tiny_base: Path, sentences_file: Path, triplets_file: Path, dev_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    index = tmp_path_factory.mktemp("an") / "index"
    Index.build(tiny_base, ["a dog"], path=index)
    return {"MODEL": tiny_base, "TEXTS": sentences_file, "TRIPLETS": triplets_file, "DEV": dev_file, "INDEX": index}


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_hands_its_device_on(
    verb: str,
    places: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    words = [str(places.get(word, word)) for word in VERBS[verb].split()]
    assert cli.main([*words, "--device", "cuda:7"]) == 2
    assert LINE in capsys.readouterr().err.splitlines()[-1]
    assert not list(Path().glob("out*"))


@pytest.mark.parametrize("verb", ["encode", "eval", "compare", "index", "mine"])
@pytest.mark.parametrize(
    ("option", "line"),
    [
        ("--devices cpu,cpx", "unknown device 'cpx': did you mean 'cpu'"),
        ("--device cpu --devices cpu,cpu", "give one of them"),
    ],
)
@pytest.mark.usefixtures("in_an_empty_folder")
def test_a_verb_hands_its_devices_on(
    verb: str, option: str, line: str, places: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(places.get(word, word)) for word in VERBS[verb].split()]
    assert cli.main([*words, *option.split()]) == 2
    assert line in capsys.readouterr().err.splitlines()[-1]
    assert not list(Path().glob("out*"))


FUNCTIONS: dict[str, Callable[[dict[str, Path], Any], Any]] = {
    "Encoder.load": lambda _, model: Encoder.load(model, device="cuda:7"),
    "evaluate": lambda at, model: evaluate(model, at["DEV"], device="cuda:7"),
    "compare": lambda at, model: compare([model, "mini"], at["DEV"], device="cuda:7"),
    "Index.build": lambda _, model: Index.build(model, ["a dog"], device="cuda:7"),
    "Index.load": lambda at, model: Index.load(at["INDEX"], encoder=model, device="cuda:7"),
    "Index.load by its own name": lambda at, _: Index.load(at["INDEX"], device="cuda:7"),
    "mine": lambda at, model: mine(model, at["TRIPLETS"], "out.tsv", device="cuda:7"),
    "whiten": lambda _, model: whiten(model, ["a dog", "a cat"], device="cuda:7"),
    "new": lambda at, model: new("out", at["TEXTS"], words_from=model, width=32, device="cuda:7"),
    "fit": lambda at, model: fit("simcse", model, at["TEXTS"], output="out", device="cuda:7"),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.usefixtures("in_an_empty_folder")
def test_a_function_hands_its_device_on(name: str, places: dict[str, Path]) -> None:
    with pytest.raises(DeviceError, match=LINE):
        FUNCTIONS[name](places, places["MODEL"])
    assert not list(Path().glob("out*"))


@pytest.mark.parametrize("name", ["evaluate", "Index.build", "Index.load", "mine", "whiten", "new"])
def test_an_encoder_in_memory_stays_where_it_is(name: str, places: dict[str, Path], tiny_base: Path) -> None:
    encoder = Encoder.load(tiny_base, pooling="mean", device="cpu")
    with pytest.raises(DeviceError, match="an encoder in memory stays on its own"):
        FUNCTIONS[name](places, encoder)


def test_auto_on_a_machine_with_a_gpu_leaves_an_encoder_in_memory_alone(
    tiny_base: Path, dev_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = Encoder.load(tiny_base, pooling="mean")
    monkeypatch.setattr(devices, "_gpus", lambda: 1)
    assert evaluate(encoder, dev_file).device == "cpu"


def test_an_encoder_is_moved_and_a_notice_says_where(
    tiny_base: Path, shared_models: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def elsewhere(*_: object, **__: object) -> str:
        return "meta"  # the device that every machine has

    monkeypatch.setattr(encoders.devices, "find", elsewhere)
    with caplog.at_level(logging.INFO, "simemb"):
        for model in (tiny_base, shared_models / "potion-base-4M"):
            pooling = "mean" if model == tiny_base else None
            encoder: Any = Encoder.load(model, pooling=pooling, precision="float32")
            assert {str(weight.device) for weight in encoder.__dict__.get("model", encoder).parameters()} == {"meta"}
            assert f"{model} computes on meta" in caplog.text


def test_int8_stays_on_the_cpu_beside_a_gpu(tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from simemb.transformer import int8_layers

    if reason := int8_layers.missing():
        pytest.skip(reason)
    monkeypatch.setattr(devices, "_gpus", lambda: 1)
    assert str(Encoder.load(tiny_base, pooling="mean", precision="int8").device) == "cpu"
    with pytest.raises(DeviceError, match=r"^precision int8 is for the CPU, not for cuda$"):
        Encoder.load(tiny_base, pooling="mean", precision="int8", device="cuda")


def test_training_takes_the_device_that_encoding_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_gpus", lambda: 1)
    try:
        assert plan.processes().device == torch.device("cuda")
        assert plan.processes("cpu").device == torch.device("cpu")
    finally:
        plan.processes("cpu")


def test_compare_encodes_in_processes(tiny_base: Path, dev_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from contextlib import nullcontext

    seen: list[Any] = []

    def crew_of(encoder: Any, places: Any) -> Any:
        seen.append((encoder.name, places))
        return nullcontext()

    monkeypatch.setattr("simemb.encoder.streaming.crew_of", crew_of)
    models = [tiny_base, "mini"]
    compare(models, dev_file, pooling="mean", resamples=200, devices=["cpu", "cpu"])
    assert seen == [(str(model), ["cpu", "cpu"]) for model in models]


def test_a_record_says_where_vectors_were_computed(tiny_base: Path, dev_file: Path) -> None:
    scores = evaluate(tiny_base, dev_file, device="cpu")
    assert scores.to_json()["device"] == "cpu"
    assert np.isfinite(scores.points)
