"""How fast is a corpus tokenized and found again, beside `datasets.map` with the same tokenizer?

    python benchmarks/tokenizing.py PATH/minilm-l4-mlm [--sentences 100000]

A text file of Wikipedia sentences, 32 tokens at most. First time: reading, tokenizing and writing the cache, by
`simemb.training.token_table.token_table` and by `load_dataset("text")` with a batched `map`, with no cache of an earlier round.
Again: the same calls, which find the cache, and the ids of 6,400 rows in random order, in batches of 64. Both sides
read the same ids, which is checked. Results: benchmarks/results/tokenizing.json.
"""

import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from models import arguments, directories, prepare
from record import add
from texts import wiki
from timing import Program, alternate, clock

LENGTH, BATCH, READ = 32, 64, 6400
Ids = Callable[[list[int]], list[Any]]
"""Token ids of some rows."""


def simemb(path: Path, tokenizer: Any, cache: Path) -> Ids:
    """Our table of tokens."""
    from simemb.corpus.rows import open_rows
    from simemb.training.token_table import token_table

    os.environ["SIMEMB_CACHE"] = str(cache / "simemb")
    table = token_table(open_rows(path), tokenizer, max_length=LENGTH)
    return lambda rows: list(table.ids(0, rows))


def datasets(path: Path, tokenizer: Any, cache: Path) -> Ids:
    """An Arrow dataset mapped through the tokenizer."""
    from datasets import load_dataset

    def tokenize(rows: dict[str, list[str]]) -> dict[str, list[list[int]]]:
        return {"input_ids": tokenizer(rows["text"], truncation=True, max_length=LENGTH)["input_ids"]}

    texts = load_dataset("text", data_files=str(path), split="train", cache_dir=str(cache / "datasets"))
    mapped = texts.map(tokenize, batched=True, remove_columns="text")
    return lambda rows: mapped[rows]["input_ids"]


def read(ids: Ids, order: list[int]) -> None:
    """A batch at a time, as a loader does."""
    for place in range(0, len(order), BATCH):
        ids(order[place : place + BATCH])


def main() -> None:
    """Measure, print and record."""
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--sentences", type=int, default=100_000)
    chosen = parser.parse_args()
    prepare(chosen)
    from datasets import disable_progress_bars
    from transformers import AutoTokenizer

    disable_progress_bars()
    sentences = wiki(chosen.sentences)
    order = np.random.default_rng(1).permutation(len(sentences))[:READ].tolist()
    with directories(chosen) as found, tempfile.TemporaryDirectory() as folder:
        name, model = next(iter(found.items()))
        tokenizer = AutoTokenizer.from_pretrained(model)
        path = Path(folder) / "sentences.txt"
        path.write_text("".join(f"{sentence}\n" for sentence in sentences), encoding="utf-8")
        seconds, tokens = _rounds(path, tokenizer, order, Path(folder), chosen.rounds)
    line = {"tokenizer": name, "sentences": len(sentences), "tokens": tokens, "seconds": seconds, "read": len(order)}
    add("tokenizing", f"{name}, {len(sentences)} sentences", line)


def _rounds(path: Path, tokenizer: Any, order: list[int], folder: Path, rounds: int) -> tuple[dict[str, Any], int]:
    """Seconds of everything in each round, and the number of tokens in the file."""
    seconds: dict[str, list[float]] = {}
    for number in range(rounds):
        for name, times in alternate(_programs(path, tokenizer, order, folder / f"round-{number}"), rounds=1).items():
            seconds.setdefault(name, []).extend(times)
    last = folder / f"round-{rounds - 1}"
    ours, theirs = (made(path, tokenizer, last) for made in (simemb, datasets))
    if [list(map(int, row)) for row in ours(order)] != [list(map(int, row)) for row in theirs(order)]:
        raise SystemExit("the two read unlike token ids: nothing is recorded")
    with path.open(encoding="utf-8") as lines:
        count = sum(1 for _ in lines)
    return seconds, sum(map(len, ours(list(range(count)))))


def _programs(path: Path, tokenizer: Any, order: list[int], cache: Path) -> dict[str, Program]:
    """Both sides the first time, then both again."""
    sides = (simemb, datasets)
    first = {f"{made.__name__}, first": clock(partial(made, path, tokenizer, cache)) for made in sides}
    again = {
        f"{made.__name__}, again": clock(partial(_open_and_read, made, path, tokenizer, cache, order)) for made in sides
    }
    return first | again


def _open_and_read(made: Callable[..., Ids], path: Path, tokenizer: Any, cache: Path, order: list[int]) -> None:
    read(made(path, tokenizer, cache), order)


if __name__ == "__main__":
    main()
