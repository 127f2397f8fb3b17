"""The fuzzer finds no fault in simemb, and finds those that are planted."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.trials import fuzzing, mutations, sandbox, specimens
from tests.trials.fuzzing import FAULT, READ, REFUSED

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux")

SEED, CASES = 1, 60
START = "import sys; sys.path.append(sys.argv.pop(1)); from tests.trials.fuzzing import main; sys.exit(main())"


def test_no_mutated_file_leads_to_a_fault() -> None:
    """In a process of its own: children are forked from one that has one thread."""
    root = Path(__file__).resolve().parents[2]
    words = [sys.executable, "-c", START, str(root), "--seed", str(SEED), "--cases", str(CASES)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].split()[:2] == ["all", str(CASES)]


# ---- a fault is found ------------------------------------------------------------------------------


@pytest.fixture
def pantry(tmp_path: Path) -> Path:
    path = tmp_path / "pantry"
    path.mkdir()
    (path / "texts.txt").write_text("a man\na dog\n")
    return path


def judged(pantry: Path, home: Path, monkeypatch: pytest.MonkeyPatch, work: Callable[[], int]) -> fuzzing.Verdict:
    """The verdict on a reader of texts that does this."""

    def execute(words: list[str]) -> int:
        return work()

    monkeypatch.setattr(specimens, "execute", execute)
    home.mkdir()
    return fuzzing.try_out(fuzzing.lay_out(SEED, 0, pantry, home), pantry, home)[0]


def complain(*lines: str) -> int:
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    return 2


def fail() -> int:
    raise KeyError("format")


def hang() -> int:
    while True:
        pass


def wait() -> int:
    time.sleep(1000)
    return 0


def crash() -> int:
    os.kill(os.getpid(), signal.SIGSEGV)
    return 0


def hoard() -> int:
    return len(bytearray(2 * sandbox.MEMORY))


def spoil(name: str) -> int:
    Path(name).write_text("other\n")
    return 0


@pytest.mark.parametrize(
    ("work", "outcome", "words"),
    [
        (lambda: 0, READ, ""),
        (lambda: complain("a notice", "simemb: a.txt: is empty"), REFUSED, "a.txt: is empty"),
        (lambda: complain("simemb: one", "simemb: two"), FAULT, "2 complaints"),
        (lambda: complain("simemb: one", "and more"), FAULT, "not one line at the end"),
        (lambda: complain("it went wrong"), FAULT, "0 complaints"),
        (lambda: complain("simemb: " + "x" * 9999), FAULT, "a complaint of 10007 characters"),
        (lambda: 1, FAULT, "exit code 1"),
        (fail, FAULT, "KeyError: 'format'"),
        (crash, FAULT, "killed by signal 11"),
        (hang, FAULT, "it hangs"),
        (wait, FAULT, "it hangs"),
        (hoard, FAULT, "MemoryError"),
        (lambda: spoil("texts.txt"), FAULT, "changed: texts.txt"),
        (lambda: spoil("diary.txt"), FAULT, "changed: diary.txt"),
        (lambda: spoil("made/kept.txt"), FAULT, "changed: made/kept.txt"),
        (lambda: spoil("another.txt"), FAULT, "new: another.txt"),
        (lambda: spoil(f".out.{'0' * 32}.partial"), FAULT, "left over"),
        (lambda: spoil("../pantry/texts.txt"), FAULT, "outside of its folder"),
        (lambda: spoil("made/other.txt"), READ, ""),
    ],
)
def test_what_a_reader_does_wrong_is_a_fault(
    pantry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: Any, outcome: str, words: str
) -> None:
    monkeypatch.setattr(sandbox, "SECONDS", 1)
    monkeypatch.setattr(sandbox, "PATIENCE", 3.0)
    verdict = judged(pantry, tmp_path / "home", monkeypatch, work)
    assert verdict.outcome == outcome
    assert words in verdict.words


def test_vectors_that_are_not_finite_are_a_fault(pantry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    def work() -> int:
        np.save("made/vectors.npy", np.array([[1.0, np.nan]]))
        return 0

    assert judged(pantry, tmp_path / "home", monkeypatch, work).words == "vectors that are not finite"


# ---- cases and mutations ---------------------------------------------------------------------------


def test_a_case_follows_from_its_seed_and_number(pantry: Path, tmp_path: Path) -> None:
    number, contents = len(specimens.KINDS), list[bytes]()
    for name in ("one", "two"):
        home = tmp_path / name
        home.mkdir()
        case = fuzzing.lay_out(5, number, pantry, home)
        contents.append((home / "texts.txt").read_bytes())
        assert case.kind.name == ".txt"
        assert case.reader == specimens.OF_TEXTS[1]
    assert contents[0] == contents[1]


BY_ENDING = {
    ".json": b'{"model": {"type": "BPE", "size": 3}, "names": ["a", "b", true]}',
    ".jsonl": b'{"text": "a man", "id": 1}\n{"text": "a dog", "id": 2}\n',
    ".txt": b"a man\ta dog\na cat\ta bird\n",
}


@pytest.mark.parametrize("name", mutations.BYTES)
def test_every_mutation_of_bytes_changes_them(name: str) -> None:
    content = BY_ENDING[".txt"] * 20
    assert any(mutations.BYTES[name](content, random.Random(seed)) != content for seed in range(5))


@pytest.mark.parametrize(
    ("ending", "name"), [(ending, name) for ending in BY_ENDING for name in mutations.CHANGES[ending]]
)
def test_every_mutation_of_a_structure_changes_it(ending: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutations, "HUGE", 1000)
    content = BY_ENDING[ending]
    change = mutations.CHANGES[ending][name]
    changed = list[bool]()
    for seed in range(40):
        try:
            changed.append(change(content, random.Random(seed)) != content)
        except mutations.UNREADABLE:
            continue
    assert any(changed)
