"""Show in half a minute what simemb does.

simemb demo [--output DIR]
"""

import os
import tempfile
from collections.abc import Generator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from simemb import extras
from simemb.commands.parsing import UsageError, parse

STEPS = 40
"""Steps of the training."""
VECTORS = "vectors.npy"


@dataclass(frozen=True)
class Demo:
    """Search, train, compare: a tour of half a minute, without data or network.

    Each step shows the command that does it, so that you can type it yourself.
    """

    output: Path | None = None
    """Keep what the demo makes in this directory, which must not exist; by default it is removed at the end."""


@dataclass(frozen=True)
class Step:
    """A step of the tour: what it shows, and the words after `simemb` that do it."""

    title: str
    text: str
    commands: tuple[tuple[str, ...], ...]


QUESTIONS = ("Somebody is making music.", "The economy is in trouble.")
"""What the first step looks for."""


def steps(folder: Path) -> tuple[Step, ...]:
    """The tour, as far as the libraries are installed that it needs; `folder` takes its index and its run."""
    first = _vectors(folder) if extras.missing(extras.INDEXES) else _search(folder)
    return (first, *(() if extras.missing(extras.TRAINING) else _training(folder)))


def _vectors(folder: Path) -> Step:
    return Step(
        "Texts to vectors",
        "mini, the encoder that ships with simemb, turns twelve sentences into vectors. The sentences whose vectors "
        "are nearest to that of a question need not share a word with it.",
        (("encode", "mini", "sample_search", "--normalize", "--output", str(folder / VECTORS)),),
    )


def _search(folder: Path) -> Step:
    index = str(folder / "plain.index")
    return Step(
        "Search by meaning",
        "mini, the encoder that ships with simemb, reads twelve sentences. The sentences nearest to a question "
        "need not share a word with it.",
        (
            ("index", "mini", "sample_search", "--output", index),
            *(("search", index, question, "-k", "3") for question in QUESTIONS),
        ),
    )


def _training(folder: Path) -> tuple[Step, ...]:
    run = str(folder / "run")
    batches = ("--batch-size", "128", "--max-steps", str(STEPS), "--eval-every", str(STEPS // 2))
    quick = (*batches, "--learning-rate", "2e-4")
    return (
        Step(
            "Train an encoder",
            "base, a language model that has never compared two sentences, learns from triplets: what follows from a "
            "sentence belongs near it, what contradicts it does not.",
            (("train", "simcse_sup", *quick, "--output", run),),
        ),
        Step(
            "See whether it helped",
            "Both encoders are scored on the same 1,000 pairs, none of which was trained on.",
            (("compare", "base", run, "--suite", "sample"),),
        ),
    )


def run(words: list[str]) -> None:
    """`simemb demo`."""
    options = parse(Demo, words, prog="simemb demo")
    if options.output is not None and options.output.exists():
        raise UsageError(f"{options.output} exists: give the demo a directory of its own")
    from simemb.report import walkthrough

    with _folder(options.output) as folder:
        tour = steps(folder)
        walkthrough.print_start(kept=options.output, missing=extras.missing(extras.INDEXES, extras.TRAINING))
        for number, step in enumerate(tour, 1):
            walkthrough.print_step(f"{number} of {len(tour)}", step.title, step.text)
            for command in step.commands:
                walkthrough.print_command(command)
                import_module(f"simemb.commands.{command[0]}").run(list(command[1:]))
                if command[0] == "encode":
                    _print_nearest(folder / VECTORS)
    walkthrough.print_end()


def _print_nearest(path: Path) -> None:
    """The sentences nearest to each question, by the product of its vector with those of a file."""
    import numpy as np

    from simemb.corpus.documents import open_documents
    from simemb.encoder.encoder import Encoder
    from simemb.report.listing import print_hits
    from simemb.search.hits import Hit

    texts = list(open_documents("sample_search").texts())
    for question in QUESTIONS:
        cosines = np.load(path) @ Encoder.load("mini").encode(question, normalize=True)
        best = np.argsort(-cosines)[:3].tolist()
        hits = [Hit(rank, str(row), float(cosines[row]), texts[row]) for rank, row in enumerate(best, 1)]
        print_hits(question, hits)


@contextmanager
def _folder(output: Path | None) -> Generator[Path, None, None]:
    """The directory of the demo: the one to keep, or `demo` in a place that is removed at the end."""
    if output is not None:
        yield output
        return
    for name in ("SIMEMB_DATA", "SIMEMB_CACHE"):  # a relative folder would be looked for elsewhere
        if os.environ.get(name):
            os.environ[name] = str(Path(os.environ[name]).resolve())
    with tempfile.TemporaryDirectory(prefix="simemb-") as place, chdir(place):
        yield Path("demo")
