"""How long does a whole suite take, compared to encoding each task's sentences with sentence-transformers?

    python benchmarks/suite.py PATH/minilm-l4-mlm [--models base 6x384 12x768] [--share 1.0]

simemb: `evaluate(encoder, "sts")`, reading and scoring included. sentence-transformers: reading the same files the same
way and encoding both sides of every subset at its defaults, as the scripts of papers do, without scoring. [CLS]
pooling. `--share` keeps that share of every subset's pairs; the default is all of them, and less for the larger models.
Results: benchmarks/results/suite.json.
"""

import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import runtimes
from models import arguments, directories, prepare
from record import add
from timing import alternate, clock

LONGEST = 512
SHARES = {"6x384": 0.5, "12x768": 0.04}


def shortened(folder: Path, share: float) -> Any:
    """The suite `sts` with the first `share` of every subset's pairs, written to files of their own."""
    from simemb.evaluation.evaluate import find

    suite, tasks = find("sts"), []
    if share == 1.0:
        return suite
    for task in suite.tasks:
        paths: dict[str, Any] = {}
        for pairs in task.read():
            rows = list(zip(pairs.gold, pairs.first, pairs.second, strict=True))[
                : max(10, round(share * len(pairs.gold)))
            ]
            paths[pairs.subset] = folder / f"{task.name}-{pairs.subset}.tsv"
            lines = ["score\tsentence1\tsentence2", *(f"{gold}\t{first}\t{second}" for gold, first, second in rows)]
            paths[pairs.subset].write_text("\n".join(lines) + "\n", encoding="utf-8")
        tasks.append(replace(task, subsets=paths))
    return replace(suite, tasks=tuple(tasks))


def encode_both_sides(suite: Any, encode: runtimes.Encode) -> int:
    """Encode both sides of every subset, one after the other; returns the number of sentences."""
    sides = (side for task in suite.tasks for pairs in task.read() for side in (pairs.first, pairs.second))
    return sum(len(encode(side)) for side in sides)


def measure(name: str, model: Path, share: float, rounds: int) -> None:
    """Measure and record one model."""
    from simemb import Encoder, evaluate

    encoder = Encoder.load(model, pooling="cls", max_length=LONGEST)
    peer = runtimes.encode_with(runtimes.sentence_transformer(model, "cls", LONGEST))
    with tempfile.TemporaryDirectory() as folder:
        suite = shortened(Path(folder), share)
        sides = [side for task in suite.tasks for pairs in task.read() for side in (pairs.first, pairs.second)]
        encoder.encode(sides[0][:64], progress=False)
        peer(sides[0][:64])
        programs = {
            "simemb": clock(partial(evaluate, encoder, suite, progress=False)),
            "sentence-transformers": clock(partial(encode_both_sides, suite, peer)),
        }
        print(f"{name}: {sum(map(len, sides))} sentences", flush=True)
        seconds = alternate(programs, rounds)
    counts = {"sentences": sum(map(len, sides)), "distinct": len({text for side in sides for text in side})}
    add("suite", name, {"model": name, "share": share, **counts, "seconds": seconds})


def main() -> None:
    """Measure every requested model."""
    parser = arguments(__doc__, rounds=2)
    parser.add_argument("--share", type=float, help="of every subset's pairs, in (0, 1]")
    options = parser.parse_args()
    prepare(options)
    with directories(options) as paths:
        for name, model in paths.items():
            measure(name, model, options.share or SHARES.get(name, 1.0), options.rounds)


if __name__ == "__main__":
    main()
