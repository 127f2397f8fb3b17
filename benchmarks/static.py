"""Static models beside the encoders that they are made of: speed, score and size.

    python benchmarks/static.py mini PATH/OF/ANOTHER/MODEL [--dim 256] [--suite sts]

For each model: a static model is made in a temporary folder; both encode sentences of the STS sets in turns, and the
rates are those of the median turn, in seconds of one thread. The score is the average of the suite; sizes are those of
the weights.
"""

import argparse
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch

from simemb import Encoder, distil_static, evaluate
from simemb.corpus.rows import open_rows

TURNS = 5
TEXTS = {"teacher": 512, "static": 8192}
"""Sentences in a turn."""


def main() -> None:
    """Print a table with two rows for each model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--dim", type=int, default=None)
    parser.add_argument("--suite", default="sts")
    options = parser.parse_args()
    torch.set_num_threads(1)
    texts = list(islice((text for row in open_rows("sts_texts").texts() for text in row), max(TEXTS.values())))
    print("| model | dimensions | MB | sentences a second | average |\n|---|---|---|---|---|")
    for name in options.models:
        with TemporaryDirectory() as folder:
            teacher = Encoder.load(name, device="cpu")
            static = distil_static(teacher, Path(folder) / "static", dim=options.dim)
            rates = in_turns({"teacher": teacher, "static": static}, texts)
            for kind, encoder, size in (
                ("teacher", teacher, sum(each.nbytes for each in teacher.state_dict().values())),
                ("static", static, static.table.nbytes),
            ):
                average = evaluate(encoder, options.suite, geometry=False).average.all.spearman
                cells = (f"`{name}` {kind}", encoder.dim, f"{size / 1e6:.0f}", f"{rates[kind]:,.0f}", f"{average:.2f}")
                print("|", " | ".join(map(str, cells)), "|", flush=True)


def in_turns(encoders: dict[str, Any], texts: Sequence[str]) -> dict[str, float]:
    """Sentences a second of each encoder, in the median turn."""
    seconds: dict[str, list[float]] = {kind: [] for kind in encoders}
    for _ in range(TURNS):
        for kind, encoder in encoders.items():
            begin = time.process_time()
            encoder.encode(texts[: TEXTS[kind]], progress=False)
            seconds[kind].append(time.process_time() - begin)
    return {kind: TEXTS[kind] / median(each) for kind, each in seconds.items()}


if __name__ == "__main__":
    main()
