"""How time and memory grow with the number of sentences, lines, examples and vectors.

    python benchmarks/scaling.py encode [--model mini] [--sizes 1000 10000 100000 1000000]
    python benchmarks/scaling.py corpus [--model mini] [--sizes 10000000]
    python benchmarks/scaling.py train BASE [--size base] [--batches 64 512 4096] [--chunk 32]
    python benchmarks/scaling.py index [--sizes 10000 100000 1000000] [--kinds exact ivf] [--dim 128]

Every line is measured in a process of its own. Memory is the peak of that process's private memory (RssAnon of Linux,
which excludes the pages of mapped files, since the system can reclaim them), less its value after loading the
libraries and the model; for `train` it is the whole peak. The texts repeat the corpus `wiki`, for `corpus` with a
number after each. The results go to benchmarks/results/scaling_*.json and into the tables of docs/scaling.md.
"""

import argparse
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

from models import SIZES, random_model
from record import add
from scaling_index import index
from scaling_tables import write_pages
from texts import wiki
from watching import Line, alone, private_memory, watching

# ---- encoding ------------------------------------------------------------------------------------------


def encode(options: argparse.Namespace) -> None:
    """Encode sentences into a file, for each size."""
    for size in options.sizes:
        add("scaling_encode", f"{Path(options.model).name} {size}", alone(encode_to_file, options.model, size))


def encode_to_file(model: str, size: int) -> Line:
    """Encode a stream of `size` sentences into a file."""
    from simemb.encoder.encoder import Encoder

    encoder, sentences = Encoder.load(model), wiki(10_000)
    encoder.encode(sentences[:100])
    with tempfile.TemporaryDirectory() as folder, watching() as watch:
        encoder.encode_to_file(islice(cycle(sentences), size), Path(folder) / "vectors.npy", progress=False)
        return {"sentences": size, "seconds": watch.seconds, "rate": size / watch.seconds, "memory": watch.growth}


# ---- a corpus ------------------------------------------------------------------------------------------


def corpus(options: argparse.Namespace) -> None:
    """Tokenize a large file, then start training on it with the cache in place, and read an epoch."""
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["SIMEMB_CACHE"] = str(Path(folder) / "cache")
            path = Path(folder) / "corpus.txt"
            write_corpus(path, size)
            works = (first_start, later_start, read_epoch)
            first, second, epoch = (alone(work, options.model, path) for work in works)
        add("scaling_corpus", f"{size}", {"lines": size, "first": first, "second": second, "epoch": epoch})


def write_corpus(path: Path, size: int) -> None:
    """A file of `size` different lines."""
    sentences = wiki(10_000)
    with path.open("w", encoding="utf-8") as file:
        for number in range(0, size, len(sentences)):
            file.writelines(f"{sentence} {number}\n" for sentence in sentences[: size - number])


def first_start(model: str, path: Path) -> Line:
    """The first start: tokenize every line."""
    from simemb.corpus.rows import open_rows
    from simemb.encoder.encoder import Encoder
    from simemb.training.token_table import token_table

    tokenizer = Encoder.load(model).tokenizer
    tokenizer("a sentence")
    with watching() as watch:
        table = token_table(open_rows(path), tokenizer, max_length=32)
        seconds, memory = watch.seconds, watch.growth
    return {
        "seconds": seconds,
        "rate": len(table) / seconds,
        "memory": memory,
        "text": path.stat().st_size,
        "tokens": table.path.stat().st_size,
    }


def later_start(model: str, path: Path) -> Line:
    """A later start: seconds from `fit` to the end of the first step, with a small list and with the corpus."""
    from simemb import fit
    from simemb.method.recipe_files import find

    recipe = replace(find("simcse"), max_steps=1, batch_size=64, max_length=32)
    seconds: list[float] = []
    for data in (wiki(64), path):
        output = path.with_name("run")
        with watching() as watch:
            fit(recipe, model, data, output=output, dev="none")
            seconds.append(watch.seconds)
        shutil.rmtree(output)
    return {"seconds_small": seconds[0], "seconds": seconds[1], "memory": watch.growth}


def read_epoch(model: str, path: Path) -> Line:
    """Read the batches of an epoch as training does: the growth of memory after the first hundred."""
    from simemb.corpus.rows import open_rows
    from simemb.encoder.encoder import Encoder
    from simemb.method.recipe_files import find
    from simemb.method.targets import view_plan
    from simemb.training.dataset import TokenizedTexts, TrainingData
    from simemb.training.loader import Loader
    from simemb.training.token_table import token_table

    recipe = replace(find("simcse"), batch_size=64, max_length=32)
    with watching() as opening:
        table = token_table(open_rows(path), Encoder.load(model).tokenizer, max_length=32)
        opened = opening.seconds
    views = recipe.views
    loader = Loader(
        TrainingData(TokenizedTexts(table)), recipe, views, view_plan(views, recipe.target, recipe.memory), seed=1
    )
    with watching() as watch:
        loader.step(0)
        ordered = watch.seconds
        for step in range(100):
            loader.step(step)
        early = private_memory()
        steps = min(loader.steps, 20_000)
        for step in range(100, steps):
            loader.step(step)
        return {
            "seconds_to_open": opened,
            "seconds_to_order": ordered,
            "batches": steps,
            "seconds_a_batch": (watch.seconds - ordered) / steps,
            "memory": watch.growth,
            "growth_after_100_batches": private_memory() - early,
        }


# ---- training ------------------------------------------------------------------------------------------


def train(options: argparse.Namespace) -> None:
    """Peak memory and seconds per step, by batch; above 64 with gradient caching."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(options.base)
        model = base if options.size == "base" else random_model(options.size, base, Path(folder) / options.size)
        for batch in options.batches:
            chunk = None if batch <= 64 else options.chunk
            line = alone(train_steps, str(model), batch, chunk, options.steps)
            add("scaling_train", f"{model.resolve().name} {batch}", line)


def train_steps(model: str, batch: int, chunk: int | None, steps: int) -> Line:
    """Train some steps of unsupervised SimCSE."""
    from simemb import fit
    from simemb.method.recipe_files import find
    from simemb.transformer import malloc

    recipe = replace(find("simcse"), max_steps=steps, batch_size=batch, chunk=chunk, max_length=32)
    data = list(islice(cycle(wiki(10_000)), max(batch, 10_000)))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SIMEMB_CACHE"] = f"{folder}/cache"
        fit(replace(recipe, max_steps=1, batch_size=2, chunk=None), model, data, output=f"{folder}/warm", dev="none")
        malloc.give_back() if chunk else malloc.keep()  # as `simemb train` does
        with watching() as watch:
            fit(recipe, model, data, output=f"{folder}/run", dev="none")
    return {"batch": batch, "chunk": chunk, "seconds_a_step": watch.seconds / steps, "peak": watch.peak}


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parts = parser.add_subparsers(required=True)
    defaults: dict[Callable[[argparse.Namespace], None], list[int]] = {
        encode: [1_000, 10_000, 100_000, 1_000_000],
        corpus: [10_000_000],
        index: [10_000, 100_000, 1_000_000],
    }
    for work, sizes in defaults.items():
        part = parts.add_parser(work.__name__)
        part.set_defaults(work=work)
        part.add_argument("--sizes", type=int, nargs="+", default=sizes)
        if work is index:
            part.add_argument("--kinds", nargs="+", default=["exact", "ivf", "ivfpq", "sq8", "binary"])
            part.add_argument("--dim", type=int, default=128)
            part.add_argument("--rivals", action="store_true", help="FAISS and hnswlib by themselves too")
        else:
            part.add_argument("--model", default="mini")
    part = parts.add_parser(train.__name__)
    part.set_defaults(work=train)
    part.add_argument("base", help="a BERT checkpoint; its tokenizer serves the other sizes too")
    part.add_argument("--size", default="base", choices=["base", *SIZES])
    part.add_argument("--batches", type=int, nargs="+", default=[64, 512, 4096])
    part.add_argument("--chunk", type=int, default=32)
    part.add_argument("--steps", type=int, default=2)
    options = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": str(options.threads), "HF_HUB_OFFLINE": "1"}
    options.work(options)
    write_pages()


if __name__ == "__main__":
    main()
