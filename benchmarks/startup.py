"""How long `import simemb` and `simemb --help` take in a fresh process, beside importing sentence-transformers.

    python benchmarks/startup.py [--rounds 5]

The result goes to benchmarks/results/startup.json; the targets are 0.2 s and 0.5 s.
"""

import argparse
import subprocess
import sys
from importlib.metadata import version
from statistics import median
from time import perf_counter

from record import write

COMMANDS = {
    "python alone": [sys.executable, "-c", "pass"],
    "import simemb": [sys.executable, "-c", "import simemb"],
    "simemb --help": [sys.executable, "-P", "-m", "simemb.cli", "--help"],
    "simemb list recipes": [sys.executable, "-P", "-m", "simemb.cli", "list", "recipes"],
    "import sentence_transformers": [sys.executable, "-c", "import sentence_transformers"],
}


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(parser.parse_args().rounds):
        for name, command in COMMANDS.items():
            started = perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            seconds[name].append(perf_counter() - started)
    middle = {name: median(times) for name, times in seconds.items()}
    write(
        "startup",
        {
            "what": f"`import simemb` {middle['import simemb']:.2f} s, `simemb --help` {middle['simemb --help']:.2f} s",
            "seconds": seconds,
            "ratio": middle["import sentence_transformers"] / middle["import simemb"],
            "peer": f"importing sentence-transformers {version('sentence-transformers')}",
        },
    )


if __name__ == "__main__":
    main()
