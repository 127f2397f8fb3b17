"""Is this revision as fast as an earlier one? Both train, encode and start by turns in one run.

    python benchmarks/revisions.py PATH/minilm-l4-mlm --before OTHER/.venv/bin/python [--rounds 5]

OTHER is a virtual environment in which the earlier revision is installed. Everything goes through names that all
revisions share (the command line and `Encoder`), in a process of its own. Training counts the logged steps alone, and
encoding leaves out loading the model. The table is printed; nothing is recorded, since it is of use to one change.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from machine import machine
from texts import triplets, wiki
from timing import Program, alternate, clock, ratio

SENTENCES = 3000
STEPS = 60
ENCODE = """import sys
from time import perf_counter
from simemb import Encoder
texts = open(sys.argv[2], encoding="utf-8").read().splitlines()
encoder = Encoder.load(sys.argv[1], pooling="mean")
encoder.encode(texts[:500])
started = perf_counter()
encoder.encode(texts)
print(perf_counter() - started)
"""


def run(*command: str) -> str:
    """The last line that a process prints."""
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return (done.stdout.strip().splitlines() or [""])[-1]


def train(recipe: str, model: str, data: str, folder: Path, python: str) -> float:
    """Mean seconds of a step, by the speed that the run logs; the first ten steps are left out."""
    options = ("--max-steps", str(STEPS), "--dev", "none", "--output", str(folder), "--overwrite")
    run(python, "-P", "-m", "simemb.cli", "train", recipe, "--model", model, "--data", data, *options)
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    speeds = [line["sentences_per_second"] for line in lines if line["step"] > 10]
    return sum(1 / speed for speed in speeds) / len(speeds)


def encode(model: str, data: str, python: str) -> float:
    """Seconds to encode all texts with a loaded model."""
    return float(run(python, "-P", "-c", ENCODE, model, data))


def commands(model: str, folder: Path) -> dict[str, Callable[[str], Program]]:
    """What is timed: from the Python of a revision to a program."""
    text, rows, one = folder / "texts.txt", folder / "triplets.tsv", folder / "one.txt"
    vectors = folder / "one.npy"
    text.write_text("\n".join(wiki(max(SENTENCES, STEPS * 64))) + "\n", encoding="utf-8")
    lines = ["anchor\tpositive\tnegative", *("\t".join(row) for row in triplets(STEPS * 64))]
    rows.write_text("\n".join(lines) + "\n", encoding="utf-8")
    one.write_text("A man is playing a guitar on the stage.\n", encoding="utf-8")

    def process(*words: str) -> Callable[[str], Program]:
        return lambda python: clock(partial(run, python, *words))

    def encode_one(python: str) -> None:
        vectors.unlink(missing_ok=True)  # it would be refused, and earlier revisions have no --overwrite
        words = ("encode", model, str(one), "--pooling", "mean", "--output", str(vectors))
        run(python, "-P", "-m", "simemb.cli", *words)

    return {
        "train simcse": lambda python: partial(train, "simcse", model, str(text), folder / "run", python),
        "train simcse_sup": lambda python: partial(train, "simcse_sup", model, str(rows), folder / "run", python),
        "encode": lambda python: partial(encode, model, str(text), python),
        "simemb encode, one sentence": lambda python: clock(partial(encode_one, python)),
        "simemb --help": process("-P", "-m", "simemb.cli", "--help"),
        "simemb train simcse --help": process("-P", "-m", "simemb.cli", "train", "simcse", "--help"),
        "import simemb": process("-P", "-c", "import simemb"),
    }


def main() -> None:
    """Time both revisions and print how many times as fast this one is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--before", required=True, help="the Python of the earlier revision")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", default=(), help="names of the table, by default all")
    options = parser.parse_args()
    table: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, program in commands(options.model, Path(folder)).items():
            if options.only and name not in options.only:
                continue
            print(name, flush=True)
            pair = {"before": program(options.before), "now": program(sys.executable)}
            seconds = alternate(pair, options.rounds)
            middle, low, high = ratio(seconds["before"], seconds["now"])
            table.append(f"{name:32} {middle:.2f}x ({low:.2f} to {high:.2f})")
    print(machine(), *table, sep="\n")


if __name__ == "__main__":
    main()
