"""The texts of the benchmarks: sentences of STS, of Wikipedia and of NLI, and abstracts of SciFact."""

import gzip
import json
import os
from itertools import islice
from pathlib import Path

KINDS = ("short", "medium", "long")
"""Sentences of the STS tasks, sentences of Wikipedia, abstracts of scientific papers."""


def texts(kind: str, count: int) -> list[str]:
    """The first `count` texts of a kind, all different."""
    selected = {"short": _sts, "medium": wiki, "long": _abstracts}[kind](count)
    if len(selected) < count:
        raise SystemExit(f"{kind}: {count} texts were requested, and there are {len(selected)}")
    return selected


def wiki(count: int) -> list[str]:
    """Sentences of Wikipedia."""
    from simemb.corpus.rows import open_rows

    return [row[0] for row in islice(open_rows("wiki").texts(), count)]


def triplets(count: int) -> list[tuple[str, ...]]:
    """Triplets of premise, entailment and contradiction."""
    from simemb.corpus.rows import open_rows

    return list(islice(open_rows("nli").texts(), count))


def _sts(count: int) -> list[str]:
    from simemb.evaluation.evaluate import find

    # One sentence of each subset in turn: the subsets differ in length.
    sides = [side for task in find("sts").tasks for pairs in task.read() for side in (pairs.first, pairs.second)]
    mixed = (side[place] for place in range(max(map(len, sides))) for side in sides if place < len(side))
    return list(islice(dict.fromkeys(mixed), count))


def _abstracts(count: int) -> list[str]:
    path = Path(os.environ.get("SIMEMB_DATA", ".")) / "retrieval" / "scifact" / "corpus.jsonl.gz"
    if not path.exists():
        raise SystemExit(f"{path} is not there: set SIMEMB_DATA, or leave out the long texts (--kinds short medium)")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = (json.loads(line) for line in islice(lines, count))
        return [f"{row['title']} {row['text']}" for row in rows]
