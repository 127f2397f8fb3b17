"""Words for devices: what they stand for on machines of all kinds, and the line for what is not there."""

from collections.abc import Sequence

import pytest
import torch

from simemb import devices
from simemb.errors import DeviceError


@pytest.fixture(params=["cpu", "mps", "2 GPUs"])
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A machine without a GPU, a Mac, or one with two GPUs, as torch sees it."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: request.param == "2 GPUs")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: request.param == "mps")
    return request.param


on = pytest.mark.parametrize


def test_auto_is_a_gpu_where_there_is_one(machine: str) -> None:
    assert devices.find() == {"cpu": "cpu", "mps": "mps", "2 GPUs": "cuda"}[machine]
    assert devices.find("cpu") == "cpu"


def test_what_is_for_the_cpu_alone_stays_there(machine: str) -> None:
    assert devices.find(cpu_only="precision int8") == devices.find("cpu", cpu_only="precision int8") == "cpu"
    for word in ("cuda", "cuda:1", "mps"):
        with pytest.raises(DeviceError, match=f"^precision int8 is for the CPU, not for {word}$"):
            devices.find(word, cpu_only="precision int8")
    with pytest.raises(DeviceError, match="precision int8 is for the CPU"):
        devices.find_several("0,1", cpu_only="precision int8")


@on("machine", ["2 GPUs"], indirect=True)
def test_gpus_by_their_number(machine: str) -> None:
    assert [devices.find(word) for word in ("cuda", "cuda:0", "cuda:1")] == ["cuda", "cuda:0", "cuda:1"]
    with pytest.raises(DeviceError, match=r"^device cuda:9 is not there \(allowed: cuda:0, cuda:1, auto, cpu\)$"):
        devices.find("cuda:9")


@on("machine", ["cpu", "mps"], indirect=True)
@on("word", ["cuda", "cuda:0"])
def test_a_gpu_where_there_is_none(machine: str, word: str) -> None:
    with pytest.raises(DeviceError, match=rf"^device {word} is not there: (torch is installed|no GPU).*allowed: auto"):
        devices.find(word)


@on("machine", ["cpu", "2 GPUs"], indirect=True)
def test_mps_where_there_is_none(machine: str) -> None:
    with pytest.raises(DeviceError, match="device mps is not there: it is the GPU of a Mac"):
        devices.find("mps")


@on(
    ("word", "meant"),
    [("gpu", "cuda"), ("cude", "cuda"), ("cpu:1", "cpu"), ("cuda:x", "cuda"), ("mp", "mps")],
)
def test_a_word_that_is_none_gets_the_nearest(word: str, meant: str) -> None:
    with pytest.raises(DeviceError, match=f"^unknown device '{word}': did you mean '{meant}.*allowed: auto, cpu, cuda"):
        devices.find(word)


@on("word", ["", "cuda:", "cuda:-1", "cuda:1:2", "cuda:\u0663", "cuda:99999", "1"])
def test_other_words_are_refused_too(word: str) -> None:
    with pytest.raises(DeviceError, match=r"^unknown device "):
        devices.find(word)


@on("machine", ["2 GPUs"], indirect=True)
@on("words", ["all", "0,1", "cuda:0,cuda:1", "cuda, 1", [0, 1], ["cuda:0", "cuda:1"], (0, "cuda:1")])
def test_the_devices_of_several_processes(machine: str, words: str | Sequence[str | int]) -> None:
    assert devices.find_several(words) == ("cuda:0", "cuda:1")


@on("words", ["cpu,cpu", ["cpu", "cpu"]])
def test_the_cpu_several_times(words: str | Sequence[str | int]) -> None:
    assert devices.find_several(words) == ("cpu", "cpu")


@on("machine", ["2 GPUs"], indirect=True)
@on(
    ("words", "line"),
    [
        ("0,0", "cuda:0 is named twice"),
        ("cuda,0", "cuda:0 is named twice"),
        ("0,2", "device cuda:2 is not there"),
        ("cpu,auto", "'auto' is no single device"),
        ("cpu,", "'' is no single device"),
        ("", "names no device"),
        ([], "names no device"),
        ("cpu:2", "unknown device 'cpu:2'"),
    ],
)
def test_devices_that_are_none(machine: str, words: str | Sequence[str | int], line: str) -> None:
    with pytest.raises(DeviceError, match=line):
        devices.find_several(words)


@on("machine", ["cpu"], indirect=True)
def test_all_gpus_where_there_is_none(machine: str) -> None:
    with pytest.raises(DeviceError, match="devices all: there is no CUDA GPU here; cpu,cpu takes two processes"):
        devices.find_several("all")


@on("machine", ["2 GPUs"], indirect=True)
def test_several_devices_are_led_by_the_first(machine: str) -> None:
    """A precision is chosen where the encoder is loaded, and must suit where it computes."""
    asked = ((None, None), ("mps", None), (None, "1,0"), ("auto", "cpu,cpu"))
    assert [devices.leading(*words) for words in asked] == ["auto", "mps", "cuda:1", "cpu"]


def test_one_device_or_several() -> None:
    with pytest.raises(DeviceError, match="device cuda is for one process, and devices for several"):
        devices.leading("cuda", "0,1")
