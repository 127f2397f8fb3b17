"""What `python -m tests.trials.kills` does, in short: some writers, some of the kills; and it sees what is lost."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
START = "import sys; sys.path.append(sys.argv.pop(1)); from tests.trials import kills, writers; "
CARELESS = """
from pathlib import Path
def work(text):
    def write(inputs):
        Path("out").unlink(missing_ok=True)
        Path("out").write_text(text)
        return 0
    return write
writers.WRITERS += (writers.Writer("careless", work("new"), work("old")),)
"""


def trial(*words: str, prepare: str = "") -> subprocess.CompletedProcess[str]:
    """The program in a process of its own: children are forked from one that has computed nothing."""
    program = f"{START}\n{prepare}\nsys.exit(kills.main())"
    return subprocess.run(
        [sys.executable, "-c", program, str(ROOT), *words], capture_output=True, text=True, check=False, timeout=500
    )


def counts(done: subprocess.CompletedProcess[str]) -> tuple[int, int, int]:
    """Tried, held and lost in all."""
    found = re.search(r"^all +(\d+) +(\d+) +(\d+)$", done.stdout, re.MULTILINE)
    assert found, done.stdout + done.stderr
    tried, held, lost = map(int, found.groups())
    return tried, held, lost


def test_kills_lose_nothing() -> None:
    """A run and a file, each killed over an earlier one."""
    done = trial("--writer", r"^(train simcse --overwrite|encode to .npy)$", "--step", "6")
    tried, _, lost = counts(done)
    assert (done.returncode, lost) == (0, 0), done.stdout
    assert tried >= 10


@pytest.mark.slow
@pytest.mark.parametrize("words", [(), ("--no-swaps",), ("--no-strace",), ("--random", "40")])
def test_no_kill_loses_anything(words: tuple[str, ...]) -> None:
    done = trial(*words)
    assert (done.returncode, counts(done)[2]) == (0, 0), done.stdout


def test_a_writer_that_loses_is_found_and_the_case_repeats_alone() -> None:
    done = trial("--writer", "careless", prepare=CARELESS)
    assert done.returncode == 1
    assert "the earlier output is gone" in done.stdout
    tried, held, lost = counts(done)
    assert (tried, held, lost) == (2, 1, 1)
    number = re.search(r"LOST 'careless' case (\d+)", done.stdout)
    assert number is not None
    assert counts(trial("--writer", "careless", "--case", number[1], prepare=CARELESS)) == (1, 0, 1)
