"""Training in two processes as people type it: what `python -m tests.trials.launches` does, in short, and a refusal."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.trials import launches
from tests.trials.launches import TORCHRUN

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def trial(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Carry out the trial here, where all is imported; returns its exit code, and tried, held and lost in all."""
    for name in ("SIMEMB_CACHE", "OMP_NUM_THREADS", "HF_HUB_OFFLINE"):
        monkeypatch.setenv(name, os.environ.get(name, ""))  # as they were afterwards
    monkeypatch.chdir(ROOT)

    def carry_out(*words: str) -> tuple[int, str]:
        code = launches.main(words)
        said = capsys.readouterr().out
        found = re.search(r"^all +(\d+) +(\d+) +(\d+)$", said, re.MULTILINE)
        assert found, said
        return code, " ".join(found.groups())

    return carry_out


def test_a_launch_of_torchrun_ends_well(trial: Callable[..., tuple[int, str]]) -> None:
    assert trial("--times", "1", "--kind", "0") == (0, "1 1 0")


@pytest.mark.slow
@pytest.mark.parametrize("words", [(), ("--kill", "--times", "24")])
def test_no_launch_fails_and_no_kill_loses_anything(
    words: tuple[str, ...], trial: Callable[..., tuple[int, str]]
) -> None:
    code, counts = trial(*words)
    assert (code, counts.split()[2]) == (0, "0")


def test_what_is_refused_is_said_once_and_ends_all_processes(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.txt").write_text("years of work")
    words = [*TORCHRUN, "train", "simcse", "--output", str(tmp_path / "precious"), "--overwrite"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=200)
    ours = [line for line in done.stderr.splitlines() if line.startswith("simemb: ") or "[rank" in line]
    assert ours == [
        f"simemb: {tmp_path / 'precious'} is not a run directory (no recipe.json), "
        "so --overwrite leaves it alone; give another --output"
    ]
    assert re.findall(r"exitcode  : (-?\d+)", done.stderr) == ["2", "2"]
    assert ours[0].removeprefix("simemb: ") in done.stderr.partition("Root Cause")[2]  # on the page of torchrun
    assert [path.name for path in (tmp_path / "precious").iterdir()] == ["thesis.txt"]
