"""How long `import simemb` and `simemb --help` take in a fresh process, compared to importing sentence-transformers.

    python benchmarks/startup.py [--rounds 5]

The result goes to benchmarks/results/startup.json; the targets are 0.2 s and 0.5 s.
"""

import argparse
import subprocess
import sys
from functools import partial

from record import add
from timing import alternate, clock

COMMANDS = {
    "python alone": ["-c", "pass"],
    "import simemb": ["-c", "import simemb"],
    "simemb --help": ["-P", "-m", "simemb.cli", "--help"],
    "simemb list recipes": ["-P", "-m", "simemb.cli", "list", "recipes"],
    "import sentence_transformers": ["-c", "import sentence_transformers"],
}


def start(words: list[str]) -> None:
    """Run this Python with some arguments to its end."""
    subprocess.run([sys.executable, *words], check=True, capture_output=True)


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    programs = {name: clock(partial(start, words)) for name, words in COMMANDS.items()}
    for name, seconds in alternate(programs, parser.parse_args().rounds).items():
        add("startup", name, {"command": name, "seconds": seconds})


if __name__ == "__main__":
    main()
