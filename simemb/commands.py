"""What each verb of the command line does, once its options are read."""

import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from simemb import options
from simemb.errors import DataError
from simemb.options import UsageError, parse

log = logging.getLogger("simemb")


def run(verb: str, words: list[str]) -> None:
    """Run one verb with the words after it."""
    verbs = {"train": train, "encode": encode, "eval": evaluate, "index": index, "search": search, "list": show}
    verbs[verb](words)


# ---- train ---------------------------------------------------------------------------------------


def train(words: list[str]) -> None:
    """`simemb train RECIPE`: the fields of the recipe are options too."""
    if not words or words[0] in ("-h", "--help"):
        _explain_train()
        return
    name, *rest = words
    if name.startswith("-"):
        raise UsageError(f"`simemb train` wants a recipe before {name}; `simemb list recipes` shows them")
    from simemb.recipe import Recipe, find, settings

    found = find(name)

    @dataclass(frozen=True)
    class Options(options.Train):
        __doc__ = options.Train.__doc__
        recipe: Annotated[Recipe, tyro.conf.arg(name="")] = found

    chosen = parse(Options, rest, prog=f"simemb train {name}", default=Options(**settings(name)))
    seeds = chosen.seeds or (chosen.seed,)
    asked = any(word.partition("=")[0] == "--pooling" for word in rest)
    from simemb import report
    from simemb.training import fit

    results = [
        fit(
            chosen.recipe,
            chosen.model,
            chosen.data,
            output=chosen.output / f"seed-{seed}" if chosen.seeds else chosen.output,
            columns=chosen.columns or None,
            pooling=chosen.recipe.pooling if asked else None,
            dev=chosen.dev,
            metric=chosen.metric,
            seed=seed,
            resume=chosen.resume,
            overwrite=chosen.overwrite,
            precision=chosen.precision,
            trackers=chosen.trackers,
        )
        for seed in seeds
    ]
    report.print_runs(results, seeds)


def _explain_train() -> None:
    from simemb.recipe import names, summary

    recipes = "\n".join(f"  {name:12}  {summary(name)}" for name in names())
    sys.stdout.write(
        f"usage: simemb train RECIPE [options]\n\nRECIPE is one of these, a file of your own (./mine.py), or the "
        f"recipe.json of a run to repeat it:\n{recipes}\n\n"
        "`simemb train RECIPE --help` shows the options and every field of that recipe.\n"
    )


# ---- encode, eval --------------------------------------------------------------------------------


def encode(words: list[str]) -> None:
    """`simemb encode MODEL INPUT --output VECTORS`."""
    chosen = parse(options.Encode, words, prog="simemb encode")
    texts = _texts(chosen.input, chosen.column)
    encoder = _load(chosen.model, chosen.pooling)
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
    chosen = parse(options.Eval, words, prog="simemb eval")
    from simemb import report, suites

    found = [suites.find(name) for name in chosen.suite]
    encoders = [_load(model, chosen.pooling) for model in chosen.models]
    records: list[dict[str, Any]] = []
    for suite in found:
        scores = [
            suites.evaluate(encoder, suite, geometry=chosen.geometry, batch_size=chosen.batch_size)
            for encoder in encoders
        ]
        for model, score in zip(chosen.models, scores, strict=True):
            records.append(score.to_json())
            if (Path(model) / "recipe.json").is_file():
                score.save(Path(model) / "scores" / f"{suite.name}.json")
        report.print_table(report.scores_table(scores, aggregate=chosen.aggregate, metric=chosen.metric))
    if chosen.json is not None:
        _write_json(chosen.json, records[0] if len(records) == 1 else records)


def _write_json(path: Path, content: Any) -> None:
    from simemb import atomic

    try:
        atomic.write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror}") from error


# ---- index, search -------------------------------------------------------------------------------


def index(words: list[str]) -> None:
    """`simemb index MODEL INPUT --output DIR`."""
    chosen = parse(options.BuildIndex, words, prog="simemb index")
    from simemb.index import Index
    from simemb.progress import track

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
    chosen = parse(options.Search, words, prog="simemb search")
    from simemb import report
    from simemb.index import Index

    encoder = _load(chosen.model, chosen.pooling) if chosen.model else None
    loaded = Index.load(chosen.index, encoder=encoder)
    queries = [query for word in chosen.queries for query in (_lines() if word == "-" else [word])]
    for query, hits in zip(queries, loaded.search_batch(queries, chosen.k), strict=True):
        if chosen.json:
            for hit in hits:
                found = {"query": query, "rank": hit.rank, "score": hit.score, "id": hit.id, "text": hit.text}
                sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
        else:
            report.print_hits(query, hits)


# ---- list ----------------------------------------------------------------------------------------


def show(words: list[str]) -> None:
    """`simemb list [recipes|suites|corpora]`."""
    chosen = parse(options.List, words, prog="simemb list")
    from simemb import recipe, report, sources, suites

    lists = {
        "recipes": lambda: [(name, recipe.summary(name)) for name in recipe.names()],
        "suites": lambda: [(name, suites.find(name).description) for name in suites.names()],
        "corpora": lambda: [(name, sources.get(name).description) for name in sources.corpora()],
    }
    for what, rows in lists.items():
        if chosen.what in ("all", what):
            report.print_list(what, rows())


# ---- what several verbs need ---------------------------------------------------------------------


def _load(model: str, pooling: str | None) -> Any:
    from simemb.encoder import Encoder

    return Encoder.load(model, pooling=pooling)


def _texts(data: str, column: str | None) -> Iterator[str]:
    """The first text column of a file, or the one that was named."""
    from simemb.rows import open_rows

    rows = open_rows(data, columns=[column] if column else None)
    return (texts[0] for texts in rows.texts())


def _lines() -> list[str]:
    return [line.rstrip("\n") for line in sys.stdin]
