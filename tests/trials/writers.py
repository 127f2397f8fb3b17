"""Every writer of simemb, each with an earlier good output that it replaces, and how its output is read.

A trial gives a writer a home: a folder that holds the earlier output, the user's cache and a folder for temporary
files, and beside them folders of the user's whose names look like temporary ones. What it reads lies outside of it.
"""

import inspect
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from simemb.extras import installed
from tests.trials import contents

BYSTANDERS = ("out.old", "out.partial", ".out.partial", "best.old", ".out.0123.partial", "cache.old", ".out.replaced")
"""Folders of the user's beside every output."""

Work = Callable[[Path], int]


@dataclass(frozen=True)
class Writer:
    """A command, or a call of the library, that writes.

    work: what is run in the home, given the folder of the inputs; returns the exit code. before: makes the earlier
    output. after: what is run after a kill; by default the same. output: what is written. read: the output as plain
    values, by which two are told apart. stages: whether an output that is neither the earlier nor the new one is good,
    as a run that is not at its end. cached: whether it fills the cache, without which it does its work as well.
    """

    name: str
    work: Work
    before: Work | None = None
    after: tuple[Work, ...] = ()
    output: str = "out"
    read: Callable[[Path], Mapping[str, str]] = contents.tree
    stages: Callable[[Path], str | None] | None = None
    cached: bool = False


def command(*words: str) -> Work:
    """A command line; `{}` stands for the folder of the inputs. `--overwrite` is added where the verb has it."""

    def work(inputs: Path) -> int:
        from simemb.cli import main

        return main([word.replace("{}", str(inputs)) for word in words])

    work.__name__ = " ".join(words)
    return work


def overwriting(*words: str) -> Work:
    """A command that replaces its output, with `--overwrite` if its verb has such an option."""
    verb = import_module(f"simemb.commands.{words[0]}")
    kinds = [kind for kind in vars(verb).values() if isinstance(kind, type) and kind.__module__ == verb.__name__]
    has = any(option.name == "overwrite" for kind in kinds for option in fields(kind))
    return command(*words, *(["--overwrite"] if has else []))


def train(recipe: str, data: str, *more: str, steps: int = 4, dev: str = "{}/dev.tsv") -> list[str]:
    """The words of a short run."""
    usual = ["--model", "{}/model", "--data", f"{{}}/{data}", "--dev", dev, "--batch-size", "8"]
    length = ["--max-steps", str(steps), "--eval-every", "2"]
    return ["train", recipe, *usual, *length, "--output", "out", *more]


def make_inputs(folder: Path) -> None:
    """A tiny model, sentences, pairs and scored pairs."""
    folder.mkdir()
    dice = random.Random(0)
    nouns = ("man", "woman", "dog", "cat", "child", "bird", "horse", "cook")
    verbs = ("sees", "eats", "plays", "likes", "paints", "finds")

    def sentence() -> str:
        return f"the {dice.choice(nouns)} {dice.choice(verbs)} a {dice.choice(nouns)} and a {dice.choice(nouns)}"

    texts = [sentence() for _ in range(60)]
    pairs = [(text, text.replace("the", "a"), sentence()) for text in texts[:40]]
    (folder / "texts.txt").write_text("".join(f"{text}\n" for text in texts))
    (folder / "other.txt").write_text("".join(f"{sentence()}\n" for _ in range(50)))
    (folder / "pairs.tsv").write_text("anchor\tpositive\n" + "".join(f"{one}\t{two}\n" for one, two, _ in pairs))
    (folder / "other.tsv").write_text("anchor\tpositive\n" + "".join(f"{two}\t{one}\n" for one, two, _ in pairs[9:]))
    scored = "".join(f"{number % 6}\t{one}\t{three}\n" for number, (one, _, three) in enumerate(pairs[:20]))
    (folder / "dev.tsv").write_text(f"score\tsentence1\tsentence2\n{scored}")
    sizes = ["--vocabulary", "80", "--layers", "1", "--width", "16", "--heads", "2", "--length", "24"]
    for name, seed in (("model", "1"), ("teacher", "2")):
        assert command("new", f"{{}}/{name}", "--data", "{}/texts.txt", "--seed", seed, *sizes)(folder) == 0


# ---- the library ---------------------------------------------------------------------------------------


def _replacing(save: Any) -> dict[str, Any]:
    """The keyword that lets a method replace an earlier output, if it has one."""
    return {"overwrite": True} if "overwrite" in inspect.signature(save).parameters else {}


def _save_encoder(name: str) -> Work:
    def work(inputs: Path) -> int:
        from simemb.encoder.encoder import Encoder

        encoder = Encoder.load(inputs / name)
        assert isinstance(encoder, Encoder)
        encoder.save("out", **_replacing(encoder.save))
        return 0

    return work


def _save_index(texts: str) -> Work:
    def work(inputs: Path) -> int:
        from simemb.search.index import Index

        lines = (inputs / texts).read_text().splitlines()
        Index.build(str(inputs / "model"), lines).save("out", overwrite=True)
        return 0

    return work


def _add_to_index(inputs: Path) -> int:
    """More texts for an index, if it has not got them yet, as a program does that goes on."""
    from simemb.search.index import Index

    index = Index.load("out")
    if len(index) == 60:
        index.add((inputs / "other.txt").read_text().splitlines())
    index.save("out", overwrite=True)
    return 0


def _change_index(inputs: Path) -> int:
    """Texts deleted and replaced, if they are not yet, and what is left of the index made compact."""
    from simemb.search.index import Index

    index = Index.load("out")
    if len(index) == 60:
        index.delete(range(20))
        index.update((inputs / "other.txt").read_text().splitlines()[:9], range(15, 24))
    index.compact()
    index.save("out", overwrite=True)
    return 0


def _save_scores(model: str) -> Work:
    def work(inputs: Path) -> int:
        from simemb.encoder.encoder import Encoder
        from simemb.evaluation.evaluate import evaluate

        scores = evaluate(Encoder.load(inputs / model), str(inputs / "dev.tsv"))
        scores.save("out.json", **_replacing(scores.save))
        return 0

    return work


def _half_a_run(inputs: Path) -> int:
    """A run that was killed after its first evaluation."""
    from simemb.training.trainer import Trainer

    step = Trainer._step  # pyright: ignore[reportPrivateUsage]

    class Killed(BaseException):
        pass

    def killed(trainer: Trainer, line: object) -> None:
        if trainer.progress.step == 3:
            raise Killed
        step(trainer, line)  # type: ignore[arg-type]

    Trainer._step = killed  # type: ignore[method-assign]
    try:
        return command(*train("simcse", "texts.txt"))(inputs)
    except Killed:
        return 0
    finally:
        Trainer._step = step  # type: ignore[method-assign]


# ---- the list ------------------------------------------------------------------------------------------


def _run(recipe: str, data: str, *more: str) -> tuple[Writer, Writer]:
    """A recipe from nothing, which goes on after a kill, and over an earlier run."""
    words = train(recipe, data, *more)
    earlier = command(*train("simcse", "other.txt", "--seed", "7", steps=2))
    # A folder without a record holds nothing to resume, and says so.
    on = (command("train", "--resume", "out"), command(*words))
    whole = Writer(f"train {recipe}", command(*words), after=on, read=contents.run, stages=contents.begun, cached=True)
    return whole, replace(whole, name=f"{whole.name} --overwrite", work=overwriting(*words), before=earlier, after=())


def _over(
    verb: str,
    words: Sequence[str],
    inputs: tuple[str, str],
    output: str = "out",
    read: Callable[[Path], Mapping[str, str]] = contents.tree,
    *,
    cached: bool = False,
) -> Writer:
    """A verb with one input, over what it made of another; `*` stands for the name of the input."""
    work, before = (overwriting(verb, *(word.replace("*", name) for word in words)) for name in inputs)
    return Writer(f"{verb} to {output}", work, before, output=output, read=read, cached=cached)


def _lance() -> list[Writer]:
    """A table of LanceDB, where that is installed; it gives its files names and dates of its own."""
    if not installed("lancedb"):
        return []
    words = ["{}/model", "{}/*.txt", "--to", "lancedb", "--output", "out.lance"]
    return [_over("index", words, _TEXTS, "out.lance", read=contents.table)]


_TEXTS, _PAIRS, _MODELS = ("texts", "other"), ("pairs", "other"), ("model", "teacher")
_SUITE = ("--suite", "{}/dev.tsv")
_SEEDS = train("simcse", "texts.txt", "--seeds", "1", "2", steps=2)
_EVAL = ("eval", "{}/model", *_SUITE, "--json", "out.json")
_COMPARE = ("compare", "{}/model", "{}/teacher", *_SUITE, "--resamples", "50", "--json", "out.json")
_SHARDS = ("encode", "{}/model", "{}/texts.txt", "--output", "out", "--shards", "3")
_INDEX = ("index", "{}/model", "{}/texts.txt", "--output", "out")

WRITERS = (
    *_run("simcse", "texts.txt"),
    *_run("esimcse", "texts.txt"),
    *_run("cmc", "texts.txt"),
    *_run("distil", "texts.txt", "--target.model", "{}/teacher"),
    Writer(
        "train --resume",
        command("train", "--resume", "out"),
        _half_a_run,
        read=contents.run,
        stages=contents.begun,
    ),
    Writer(
        "train --seeds --overwrite",
        overwriting(*_SEEDS),
        command(*train("simcse", "other.txt", "--seeds", "1", "2", steps=2)),
        read=contents.runs,
        stages=contents.all_begun,
        cached=True,
    ),
    _over("new", ["out", "--data", "{}/*.txt", "--layers", "1", "--width", "16"], _TEXTS),
    _over("whiten", ["{}/model", "--data", "{}/*.txt", "--output", "out"], _TEXTS),
    _over("distil", ["--static", "{}/*", "--output", "out"], _MODELS),
    _over("index", ["{}/model", "{}/*.txt", "--output", "out"], _TEXTS, read=contents.index),
    *(_over("encode", ["{}/model", "{}/*.txt", "--output", out], _TEXTS, out) for out in ("out.npy", "out.parquet")),
    *(_over("mine", ["{}/model", "{}/*.tsv", "--output", out], _PAIRS, out) for out in ("out.tsv", "out.jsonl")),
    *_lance(),
    *(
        _over(verb, ["{}/*.txt", "--model", "{}/model", *more, "--output", out], _TEXTS, out)
        for verb, out, more in (
            ("dedupe", "out.jsonl", ["--threshold", "0.9"]),
            ("cluster", "out.tsv", ["--min-size", "2"]),
            ("pairs", "out.jsonl", []),
        )
    ),
    _over("report", ["{}/*", *_SUITE, "--output", "out.html"], _MODELS, "out.html", cached=True),
    _over("plot", ["scores", "{}/*", *_SUITE, "--output", "out.svg"], _MODELS, "out.svg", cached=True),
    Writer(
        "index",
        command(*_INDEX),
        # An index that is whole is in the way of the same command, as it is without a kill.
        after=(command(*_INDEX), overwriting(*_INDEX)),
        read=contents.index,
    ),
    Writer(
        "encode --shards",
        command(*_SHARDS),
        after=(command(*_SHARDS, "--resume"),),
        read=contents.shards,
        stages=contents.some_shards,
    ),
    Writer(
        "encode --shards --overwrite",
        overwriting(*_SHARDS),
        command("encode", "{}/teacher", "{}/other.txt", "--output", "out", "--shards", "2", "--dtype", "int8"),
        read=contents.shards,
        stages=contents.some_shards,
    ),
    Writer("Index.save", _save_index("texts.txt"), _save_index("other.txt"), read=contents.index),
    Writer("Index.add", _add_to_index, _save_index("texts.txt"), read=contents.index),
    Writer("Index.delete, update, compact", _change_index, _save_index("texts.txt"), read=contents.index),
    Writer(
        "update",
        command("update", "out", "--delete", "7", "9", "--compact"),
        _save_index("texts.txt"),
        # What is deleted already is not there to be deleted.
        after=(
            command("update", "out", "--delete", "7", "9", "--compact"),
            command("update", "out", "--compact"),
        ),
        read=contents.index,
    ),
    Writer("Encoder.save", _save_encoder("teacher"), _save_encoder("model")),
    Writer("eval --json", overwriting(*_EVAL), command(*_EVAL, "--no-geometry"), output="out.json", cached=True),
    Writer(
        "eval RUN",
        command("eval", "out", *_SUITE),
        command(*train("simcse", "texts.txt", steps=2)),
        read=contents.scored,
        cached=True,
    ),
    Writer("Scores.save", _save_scores("teacher"), _save_scores("model"), output="out.json"),
    Writer("compare --json", overwriting(*_COMPARE), command(*_COMPARE, "--seed", "2"), output="out.json", cached=True),
)
"""Writers that have no earlier output begin with nothing."""


def named(pattern: str) -> list[Writer]:
    """The writers whose names match a regular expression."""
    return [writer for writer in WRITERS if re.search(pattern, writer.name)]
