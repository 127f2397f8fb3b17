"""How fast is a corpus tokenized, and opened again from the cache, compared to `datasets.map`?

    python benchmarks/tokenizing.py PATH/minilm-l4-mlm [--sentences 100000]

A text file of Wikipedia sentences, 32 tokens at most, and one tokenizer. First: reading, tokenizing and writing the
cache, by `simemb.training.token_table.token_table` and by `load_dataset("text")` with a batched `map`; every round has
an empty cache. Again: the same calls with the cache in place, and the ids of 6,400 rows in random order, in batches of
64. That both read the same ids is checked. Results: benchmarks/results/tokenizing.json.
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
    """simemb's token table."""
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
    """Read the rows batch by batch, as a loader does."""
    for place in range(0, len(order), BATCH):
        ids(order[place : place + BATCH])


def main() -> None:
    """Measure, print and record."""
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--sentences", type=int, default=100_000)
    options = parser.parse_args()
    prepare(options)
    from datasets import disable_progress_bars
    from transformers import AutoTokenizer

    disable_progress_bars()
    sentences = wiki(options.sentences)
    order = np.random.default_rng(1).permutation(len(sentences))[:READ].tolist()
    with directories(options) as paths, tempfile.TemporaryDirectory() as folder:
        name, model = next(iter(paths.items()))
        tokenizer = AutoTokenizer.from_pretrained(model)
        path = Path(folder) / "sentences.txt"
        path.write_text("".join(f"{sentence}\n" for sentence in sentences), encoding="utf-8")
        seconds, tokens = _rounds(path, tokenizer, order, Path(folder), options.rounds)
    line = {"tokenizer": name, "sentences": len(sentences), "tokens": tokens, "seconds": seconds, "read": len(order)}
    add("tokenizing", f"{name}, {len(sentences)} sentences", line)


def _rounds(path: Path, tokenizer: Any, order: list[int], folder: Path, rounds: int) -> tuple[dict[str, Any], int]:
    """The seconds of each program in each round, and the number of tokens in the file."""
    seconds: dict[str, list[float]] = {}
    for number in range(rounds):
        for name, times in alternate(_programs(path, tokenizer, order, folder / f"round-{number}"), rounds=1).items():
            seconds.setdefault(name, []).extend(times)
    last = folder / f"round-{rounds - 1}"
    ours, theirs = (library(path, tokenizer, last) for library in (simemb, datasets))
    if [list(map(int, row)) for row in ours(order)] != [list(map(int, row)) for row in theirs(order)]:
        raise SystemExit("simemb and datasets read different token ids: nothing is recorded")
    with path.open(encoding="utf-8") as lines:
        count = sum(1 for _ in lines)
    return seconds, sum(map(len, ours(list(range(count)))))


def _programs(path: Path, tokenizer: Any, order: list[int], cache: Path) -> dict[str, Program]:
    """Both libraries with an empty cache, then both with the cache."""
    libraries = (simemb, datasets)
    first = {f"{library.__name__}, first": clock(partial(library, path, tokenizer, cache)) for library in libraries}
    again = {
        f"{library.__name__}, again": clock(partial(_open_and_read, library, path, tokenizer, cache, order))
        for library in libraries
    }
    return first | again


def _open_and_read(library: Callable[..., Ids], path: Path, tokenizer: Any, cache: Path, order: list[int]) -> None:
    read(library(path, tokenizer, cache), order)


if __name__ == "__main__":
    main()
