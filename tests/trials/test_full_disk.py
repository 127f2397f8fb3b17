"""What `python -m tests.trials.full_disk` does, in short: calls that fail, and files that may not grow."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START = "import sys; sys.path.append(sys.argv.pop(1)); from tests.trials.full_disk import main; sys.exit(main())"


def test_a_full_disk_loses_nothing_and_a_full_cache_not_even_the_work() -> None:
    words = ["--writer", "^eval --json$", "--kinds", "limit", "ENOSPC", "--step", "24"]
    done = subprocess.run(
        [sys.executable, "-c", START, str(ROOT), *words], capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-2].split()[-1] == "0"
