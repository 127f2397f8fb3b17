"""What each verb of the command line does, once its options are read."""

import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from simemb.commands import parsing
from simemb.commands.parsing import UsageError, parse
from simemb.errors import DataError

if TYPE_CHECKING:
    from simemb.evaluation.scores import Scores
    from simemb.training.fit import Result

log = logging.getLogger("simemb")


ELSEWHERE = {
    "compare": "compare",
    "report": "report",
    "plot": "report",
    "whiten": "whiten",
    "mine": "mine",
    "new": "mine",
}
"""Verbs that are functions of that name in another module, which is imported when it is asked for."""


def run(verb: str, words: list[str]) -> None:
    """Run one verb with the words after it."""
    if verb in ELSEWHERE:
        getattr(import_module(f"simemb.commands.{ELSEWHERE[verb]}"), verb)(words)
        return
    here = {"train": train, "encode": encode, "eval": evaluate, "index": index, "search": search, "list": show}
    here[verb](words)


# ---- train ---------------------------------------------------------------------------------------


def train(words: list[str]) -> None:
    """`simemb train RECIPE`: the fields of the recipe are options too."""
    if not words or words[0] in ("-h", "--help"):
        _explain_train()
        return
    name, *rest = words
    if name.startswith("-"):
        raise UsageError(f"`simemb train` wants a recipe before {name}; `simemb list recipes` shows them")
    from simemb.method.recipe import Recipe, find, settings

    found, made = find(name), settings(name)
    pooling = made.pop("pooling", None)

    @dataclass(frozen=True)
    class Options(parsing.Train):
        __doc__ = parsing.Train.__doc__
        recipe: Annotated[Recipe, tyro.conf.arg(name="")] = found

    chosen = parse(Options, rest, prog=f"simemb train {name}", default=Options(**made))
    if any(word.partition("=")[0] == "--pooling" for word in rest):
        pooling = chosen.recipe.pooling
    if chosen.seeds:
        _train_seeds(chosen, chosen.recipe, pooling)
    else:
        from simemb.report import terminal

        result = _fit(chosen, chosen.recipe, pooling, chosen.output, chosen.seed, resume=chosen.resume)
        terminal.print_runs([result], (chosen.seed,))


def _train_seeds(chosen: parsing.Train, recipe: Any, pooling: str | None) -> None:
    """One run for each seed. With --resume those that had not begun begin."""
    if len(set(chosen.seeds)) < len(chosen.seeds):
        raise UsageError(f"--seeds {' '.join(map(str, chosen.seeds))}: each seed once")
    from simemb.report import terminal
    from simemb.training import seeds
    from simemb.training.run_directory import Run

    runs = {seed: Run(seeds.directory(chosen.output, seed)) for seed in chosen.seeds}
    begun = {seed for seed, run in runs.items() if chosen.resume and run.directory.is_dir()}
    if chosen.resume and not begun:
        raise UsageError(f"{chosen.output}: nothing to resume, there is no {runs[chosen.seeds[0]].directory.name}")
    # Every directory is looked at before the first run, which may take hours.
    for seed, run in runs.items():
        run.refuse(resume=seed in begun, overwrite=chosen.overwrite)
    results = [_fit(chosen, recipe, pooling, run.directory, seed, resume=seed in begun) for seed, run in runs.items()]
    seeds.save(chosen.output, results, chosen.seeds)
    terminal.print_runs(results, chosen.seeds)


def _fit(chosen: parsing.Train, recipe: Any, pooling: str | None, output: Path, seed: int, *, resume: bool) -> "Result":
    from simemb.training.fit import fit

    return fit(
        recipe,
        chosen.model,
        chosen.data,
        output=output,
        columns=chosen.columns or None,
        pooling=pooling,
        dev=chosen.dev,
        metric=chosen.metric,
        seed=seed,
        resume=resume,
        overwrite=chosen.overwrite,
        precision=chosen.precision,
        trackers=chosen.trackers,
    )


def _explain_train() -> None:
    from simemb.report import terminal

    sys.stdout.write(
        "usage: simemb train RECIPE [options]\n\n"
        "RECIPE is one of these, a file of your own (./mine.py), or the recipe.json of a\nrun, to repeat it.\n\n"
    )
    terminal.print_list("recipes", _recipes())
    sys.stdout.write("\n`simemb train RECIPE --help` shows the options and every field of that recipe.\n")


# ---- encode, eval --------------------------------------------------------------------------------


def encode(words: list[str]) -> None:
    """`simemb encode MODEL INPUT --output VECTORS`."""
    chosen = parse(parsing.Encode, words, prog="simemb encode")
    if chosen.output.exists() and Path(chosen.input).exists() and chosen.output.samefile(chosen.input):
        raise UsageError(f"{chosen.output} is the input too; give --output another name")
    texts = _texts(chosen.input, chosen.column)
    encoder = _load(chosen.model, chosen.pooling, chosen.precision)
    rows = encoder.encode_to_file(
        texts,
        chosen.output,
        normalize=chosen.normalize,
        truncate_dim=chosen.truncate_dim,
        batch_size=chosen.batch_size,
    )
    log.info(
        "%s: %d vectors of %d dimensions", chosen.output, rows, min(encoder.dim, chosen.truncate_dim or encoder.dim)
    )


def evaluate(words: list[str]) -> None:
    """`simemb eval MODEL [MODEL ...]`."""
    chosen = parse(parsing.Eval, words, prog="simemb eval")
    parsing.check_output(chosen.json)
    from simemb.comparison import provenance
    from simemb.evaluation import evaluate
    from simemb.report import terminal

    found = [evaluate.find(name) for name in chosen.suite]
    encoders = [_load(model, chosen.pooling, chosen.precision) for model in chosen.models]
    settings = {"geometry": chosen.geometry, "batch_size": chosen.batch_size, "cache": chosen.cache}
    every: list[list[Scores]] = []
    for suite in found:
        scores = [
            provenance.judge(evaluate.evaluate(encoder, suite, **settings), model)
            for encoder, model in zip(encoders, chosen.models, strict=True)
        ]
        every.append(scores)
        for model, score in zip(chosen.models, scores, strict=True):
            if chosen.pooling is None and chosen.precision == "float32":
                _keep(score, Path(model))
    if chosen.json is not None:  # before the tables, which a wrong --metric would end
        records = [score.to_json() for scores in every for score in scores]
        _write_json(chosen.json, records[0] if len(records) == 1 else records)
    for scores in every:
        terminal.print_scores(scores, aggregate=chosen.aggregate, number=chosen.metric)


def _keep(scores: "Scores", run: Path) -> None:
    """Put the record of the encoder as it is into its run directory, and the numbers into its model card."""
    if not (run / "recipe.json").is_file():
        return
    from simemb.report import score_card

    scores.save(run / "scores" / f"{scores.suite.replace(':', '-')}.json")
    score_card.update(run)


def _write_json(path: Path, content: Any) -> None:
    from simemb import files

    try:
        files.write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror}") from error


# ---- index, search -------------------------------------------------------------------------------


def index(words: list[str]) -> None:
    """`simemb index MODEL INPUT --output DIR`."""
    chosen = parse(parsing.BuildIndex, words, prog="simemb index")
    from simemb.progress import track
    from simemb.search.index import Index

    texts = _texts(chosen.input, chosen.column)
    encoder = _load(chosen.model, chosen.pooling)
    with track("indexing") as advance:
        done = 0

        def progress(total: int) -> None:
            nonlocal done
            advance(total - done)
            done = total

        built = Index.build(
            encoder, texts, kind=chosen.kind, path=chosen.output, overwrite=chosen.overwrite, progress=progress
        )
    log.info('%s: %d texts; next: simemb search %s "..."', chosen.output, len(built), chosen.output)


def search(words: list[str]) -> None:
    """`simemb search INDEX QUERY [QUERY ...]`."""
    chosen = parse(parsing.Search, words, prog="simemb search")
    from simemb.report import terminal
    from simemb.search.index import Index

    encoder = _load(chosen.model, chosen.pooling) if chosen.model else None
    loaded = Index.load(chosen.index, encoder=encoder)
    queries = [query for word in chosen.queries for query in (_texts("-", None) if word == "-" else [word])]
    for query, hits in zip(queries, loaded.search_batch(queries, chosen.k), strict=True):
        if chosen.json:
            for hit in hits:
                found = {"query": query, "rank": hit.rank, "score": hit.score, "id": hit.id, "text": hit.text}
                sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
        else:
            terminal.print_hits(query, hits)


# ---- list ----------------------------------------------------------------------------------------


def show(words: list[str]) -> None:
    """`simemb list [recipes|suites|corpora]`."""
    chosen = parse(parsing.List, words, prog="simemb list")
    from simemb.report import terminal

    lists = {"recipes": _recipes, "suites": _suites, "corpora": _corpora}
    for what, rows in lists.items():
        if chosen.what in ("all", what):
            terminal.print_list(what, rows())


def _recipes() -> list[tuple[str, ...]]:
    from simemb.cookbook import RECIPES, card, names

    cards = map(card, names(RECIPES))
    return [(found.name, found.paper, found.year, found.summary) for found in cards]


def _suites() -> list[tuple[str, str]]:
    from simemb.evaluation import evaluate

    return [(name, evaluate.find(name).description) for name in evaluate.names()]


def _corpora() -> list[tuple[str, str]]:
    from simemb.corpus import sources

    return [(name, sources.get(name).description) for name in sources.corpora()]


# ---- what several verbs need ---------------------------------------------------------------------


def _load(model: str, pooling: str | None, precision: Literal["float32", "int8"] = "float32") -> Any:
    from simemb.encoder.encoder import Encoder

    return Encoder.load(model, pooling=pooling, precision=precision, encode_only=True)


def _texts(data: str, column: str | None) -> Iterator[str]:
    """The first text column of a file, or the one that was named."""
    from simemb.corpus.rows import open_rows

    rows = open_rows(data, columns=[column] if column else None)
    return (texts[0] for texts in rows.texts())
