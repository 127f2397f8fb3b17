"""What `python -m tests.trials.kills` does, in short: some writers, some of the kills; and it sees what is lost."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
START = "import sys; sys.path.append(sys.argv.pop(1))\nfrom tests.trials import kills, writers\n"
CARELESS = """
from pathlib import Path
def work(text):
    def write(inputs):
        Path("out").unlink(missing_ok=True)
        Path("out").write_text(text)
        return 0
    return write
writer = writers.Writer("careless", work("new"), work("old"))
bench = kills.Bench(Path(sys.argv[1]), inputs=False)
for only in (None, 1):
    print(*(f"{case}: {lost}" for case, lost in kills.every(bench, writer, only)), sep="\\n", end="\\n\\n")
"""


def python(program: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A program in a process of its own: children are forked from one that has computed nothing."""
    command = [sys.executable, "-c", f"{START}{program}", str(ROOT), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=500)


def trial(*words: str) -> subprocess.CompletedProcess[str]:
    return python("sys.exit(kills.main())", *words)


def counts(done: subprocess.CompletedProcess[str]) -> tuple[int, int, int]:
    """Tried, held and lost in all."""
    found = re.search(r"^all +(\d+) +(\d+) +(\d+)$", done.stdout, re.MULTILINE)
    assert found, done.stdout + done.stderr
    tried, held, lost = map(int, found.groups())
    return tried, held, lost


def test_kills_lose_nothing() -> None:
    """A run and a file, each killed over an earlier one; and a folder of shards, which is resumed."""
    done = trial("--writer", r"^(train simcse --overwrite|encode to out.npy|encode --shards)$", "--step", "24")
    tried, _, lost = counts(done)
    assert (done.returncode, lost) == (0, 0), done.stdout
    assert tried >= 6


@pytest.mark.slow
@pytest.mark.parametrize("words", [(), ("--no-swaps",), ("--no-strace",), ("--random", "40")])
def test_no_kill_loses_anything(words: tuple[str, ...]) -> None:
    done = trial(*words)
    assert (done.returncode, counts(done)[2]) == (0, 0), done.stdout


def test_a_writer_that_loses_is_found_and_the_case_repeats_alone(tmp_path: Path) -> None:
    done = python(CARELESS, str(tmp_path))
    assert not done.returncode, done.stderr
    whole, alone = (lines.splitlines() for lines in done.stdout.strip().split("\n\n"))
    assert [line.rpartition(": ")[2] for line in whole] == ["None", "the earlier output is gone"]
    assert [line.rpartition(": ")[2] for line in alone] == ["the earlier output is gone"]
