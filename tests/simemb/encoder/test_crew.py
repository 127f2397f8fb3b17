"""Processes that encode together: the vectors of one process, in order, and how they end."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from families import SENTENCES

from simemb.encoder import batching
from simemb.encoder.crew import packed
from simemb.encoder.encoder import Encoder
from simemb.encoder.worker import Start, unpacked
from simemb.errors import DeviceError
from simemb.search.index import Index
from simemb.transformer import int8_layers

TEXTS = [" ".join([*SENTENCES[row % len(SENTENCES)].split(), *["red"] * (row % 7)]) for row in range(200)]


@pytest.fixture(scope="module")
def plain(tiny_base: Path) -> Any:
    return Encoder.load(tiny_base, pooling="mean")


@pytest.fixture(scope="module")
def crewed(tiny_base: Path) -> Generator[Any, None, None]:
    """An encoder that is spread over two processes, which share the threads of this one."""
    encoder: Any = Encoder.load(tiny_base, pooling="mean")
    with encoder.spread("cpu,cpu"):
        yield encoder


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "CHUNK", 50)
    monkeypatch.setattr(batching, "TOKENS", 64)


@pytest.mark.usefixtures("small_batches")
def test_two_processes_give_the_vectors_of_one_in_order(plain: Any, crewed: Any, tmp_path: Path) -> None:
    expected = plain.encode(TEXTS, normalize=True)
    np.testing.assert_allclose(crewed.encode(TEXTS, normalize=True), expected, atol=1e-6)
    assert crewed.encode_to_file(iter(TEXTS), tmp_path / "vectors.npy", normalize=True) == len(TEXTS)
    np.testing.assert_allclose(np.load(tmp_path / "vectors.npy"), expected, atol=1e-6)
    assert crewed.places == ("cpu", "cpu")
    assert Index.build(crewed, TEXTS[:9]).search(TEXTS[3], k=1)[0].text == TEXTS[3]


def test_both_processes_work(crewed: Any, small_batches: None) -> None:
    before = [psutil.Process(each.process.pid).cpu_times().user for each in crewed.crew._workers]
    crewed.encode(TEXTS * 20)
    after = [psutil.Process(each.process.pid).cpu_times().user for each in crewed.crew._workers]
    assert all(later > earlier for earlier, later in zip(before, after, strict=True))


def test_an_error_in_a_process_is_one_line_and_the_next_texts_are_encoded(plain: Any, crewed: Any) -> None:
    with pytest.raises(DeviceError, match=r"^the process on cpu failed: \w+: .+$"):
        list(crewed.crew.embed_each([[[1, 2]], [["no token"]], [[3]]], ""))
    np.testing.assert_allclose(crewed.encode(TEXTS), plain.encode(TEXTS), atol=1e-6)


def test_a_copy_computes_by_itself_and_nothing_is_spread_twice(crewed: Any) -> None:
    from copy import deepcopy

    assert deepcopy(crewed).crew is None
    with pytest.raises(DeviceError, match="spread already, over cpu, cpu"):
        crewed.encode(TEXTS, devices="cpu")


def test_a_process_that_is_killed_is_noticed_at_once(crewed: Any) -> None:
    process = crewed.crew._workers[1].process
    os.kill(process.pid, signal.SIGKILL)
    process.wait()  # else the other one may have computed all before this one has ended
    for _ in range(2):  # and again
        with pytest.raises(DeviceError, match=r"^the process on cpu was killed by SIGKILL, .*texts are not encoded$"):
            crewed.encode(TEXTS)


# ---- what is sent ------------------------------------------------------------------------------------


def sent(encoder: Any) -> Any:
    """The encoder as a worker has it."""
    threads = torch.get_num_threads()
    try:
        return unpacked(Start("cpu", 1, packed(encoder)))
    finally:
        torch.set_num_threads(threads)


def test_int8_and_what_sentence_transformers_runs_can_be_sent(tiny_base: Path, shared_models: Path) -> None:
    encoders: list[Any] = [Encoder.load(shared_models / "potion-base-4M")]
    if not int8_layers.missing():
        encoders.append(Encoder.load(tiny_base, pooling="mean", precision="int8"))
    for encoder in encoders:
        np.testing.assert_array_equal(sent(encoder).encode(SENTENCES), encoder.encode(SENTENCES))
        with pytest.raises(DeviceError, match=r"^(device cuda:0 is not there|precision int8 is for the CPU)"):
            encoder.encode(SENTENCES, devices="cuda:0")


def test_what_cannot_be_sent_is_said_in_one_line(tiny_base: Path) -> None:
    encoder: Any = Encoder.load(tiny_base, pooling="mean")
    encoder.own = lambda: None
    with pytest.raises(DeviceError, match=r"tiny-bert cannot be sent to another process: .*lambda"):
        encoder.encode(SENTENCES, devices="cpu,cpu")


# ---- how commands end --------------------------------------------------------------------------------


@pytest.fixture
def encoding(tiny_base: Path, tmp_path: Path) -> Generator[Callable[[], tuple[Any, list[Any]]], None, None]:
    """Starts `simemb encode` on more texts than it will encode; gives the command and its workers."""
    texts, started = tmp_path / "texts.txt", list[Any]()
    texts.write_text("the red dog sees a small boat\n" * 300_000)
    words = ["encode", str(tiny_base), str(texts), "--output", str(tmp_path / "out.npy"), "--devices", "cpu,cpu"]

    def start() -> tuple[Any, list[Any]]:
        command = [sys.executable, "-m", "simemb.cli", *words]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
        started.append(process)
        until = monotonic() + 60
        while len(workers := psutil.Process(process.pid).children()) < 2 and monotonic() < until:
            sleep(0.02)
        return process, workers

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_ctrl_c_ends_all_processes_in_one_line(encoding: Callable[[], tuple[Any, list[Any]]], tmp_path: Path) -> None:
    process, workers = encoding()
    sleep(0.3)  # while they import their libraries
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert said.splitlines()[-1] == "stopped"
    assert psutil.wait_procs(workers, timeout=5)[1] == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["texts.txt"]


def test_processes_end_with_the_one_that_started_them(encoding: Callable[[], tuple[Any, list[Any]]]) -> None:
    process, workers = encoding()
    process.kill()
    assert psutil.wait_procs(workers, timeout=10)[1] == []
