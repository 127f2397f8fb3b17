"""Score encoders on suites of tasks.

simemb eval MODEL [--suite sts] [--json FILE]
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro
from tyro.conf import Positional

from simemb import extras, outputs
from simemb.commands.inputs import load_encoder, rows_of
from simemb.commands.options import UNPREFIXED, AtLeastOne, FileLayout, SeveralDevices
from simemb.commands.parsing import UsageError, parse
from simemb.encoder.precision import Precision
from simemb.errors import DataError

if TYPE_CHECKING:
    from simemb.evaluation.scores import Scores

log = logging.getLogger("simemb")


@dataclass(frozen=True)
class Eval:
    """Score encoders on suites: similarity, transfer, retrieval, clustering, geometry."""

    models: Positional[Annotated[tuple[str, ...], tyro.conf.arg(metavar="MODEL [MODEL ...]"), AtLeastOne("MODEL")]]
    """Run directories, model directories, hub names, or `mini` and `base`, which ship; one row each."""
    suite: tuple[str, ...] = ("sts",)
    """Suites or single tasks of them as sts/stsb (`simemb list suites` names both), files with a score and two
    sentences a row, folders in BEIR layout, or mteb:TASK (needs simemb[mteb])."""
    columns: tuple[str, ...] = ()
    """Of the files among them: the two columns of sentences, then the one of scores. By default recognized by name."""
    layout: Annotated[FileLayout, UNPREFIXED] = field(default_factory=FileLayout)
    json: Path | None = None
    """Write the full record there: all, mean and wmean, per subset, checksums and versions."""
    overwrite: bool = False
    """Replace an existing file."""
    geometry: bool = True
    """Also measure alignment and uniformity."""
    aggregate: Literal["all", "mean", "wmean"] = "all"
    """The way from subsets to one number that the table shows."""
    metric: str | None = None
    """The number that the table shows: pearson, or any that the suite measures; by default its headline."""
    pooling: str | None = None
    """cls, cls_head, mean, max, first_last or last2; by default that of the model."""
    place: Annotated[SeveralDevices, UNPREFIXED] = field(default_factory=SeveralDevices)
    truncate_dim: tuple[int, ...] = ()
    """Score the first dimensions alone, for each of these numbers: what a model trained as a Matryoshka keeps."""
    batch_size: int | None = None
    """The most texts in a batch."""
    cache: bool = True
    """Keep vectors in the user's cache ($SIMEMB_CACHE), by model and text: a second time takes seconds."""
    precision: Precision = "float32"
    """bf16, fp16, int8 or auto, as of `simemb encode`: what they cost in scores is seen by scoring both."""


def run(words: list[str]) -> None:
    """`simemb eval MODEL [MODEL ...]`."""
    options = parse(Eval, words, prog="simemb eval", needs=extras.SCORES)
    if options.json is not None:
        outputs.check_file(options.json, overwrite=options.overwrite)
    from simemb.comparison import provenance
    from simemb.encoder.limits import check_dim
    from simemb.encoder.names import is_bundled
    from simemb.encoder.streaming import spread
    from simemb.evaluation import evaluate
    from simemb.report import terminal

    if options.columns and not (len(options.columns) in (2, 3) and all(Path(name).is_file() for name in options.suite)):
        raise UsageError("--columns names the columns of files of scored pairs: two of sentences, and one of scores")
    suites = evaluate.find_all([_opened(name, options) for name in options.suite])
    encoders = [load_encoder(model, options.pooling, options.place, options.precision) for model in options.models]
    sizes = tuple(dict.fromkeys(options.truncate_dim)) or (None,)
    for encoder, size in product(encoders, sizes):
        check_dim(size, encoder.dim, f"{encoder.name}: --truncate-dim")
    settings = {"geometry": options.geometry, "batch_size": options.batch_size, "cache": options.cache}
    scores_by_suite: list[list[Scores]] = [[] for _ in suites]
    for encoder, model in zip(encoders, options.models, strict=True):
        with spread(encoder, options.place.devices):
            for suite, scores in zip(suites, scores_by_suite, strict=True):
                own = evaluate.evaluate_sizes(encoder, suite, sizes, **settings)
                scores += [provenance.judge(score, model) for score in own]
                if options.pooling is None and options.precision == "float32" and not is_bundled(model):
                    _keep(scores[-len(sizes) :], Path(model))
    if options.json is not None:  # before the tables, which a wrong --metric would end
        records = [score.to_json() for scores in scores_by_suite for score in scores]
        content = records[0] if len(records) == 1 else records
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        outputs.write_text(options.json, text, overwrite=options.overwrite)
    for scores in scores_by_suite:
        terminal.print_scores(scores, aggregate=options.aggregate, number=options.metric)
    terminal.print_notes(provenance.pooling_notes({score.model: score.pooling for score in scores_by_suite[0]}))


def _opened(name: str, options: Eval) -> Any:
    """A file of scored pairs as the options say that it is to be read; any other suite by its name."""
    if not Path(name).is_file() or (not options.columns and options.layout == FileLayout()):
        return name
    score = options.columns[2] if len(options.columns) > 2 else None
    return rows_of(Path(name), options.layout, options.columns[:2], score)


def _keep(scores: "Sequence[Scores]", run: Path) -> None:
    """Put the records of the encoder as it is into its run directory, and the numbers into its model card."""
    if not (run / "recipe.json").is_file():
        return
    from simemb.report import score_card

    try:
        for score in scores:
            size = f"@{score.truncate_dim}" if score.truncate_dim else ""
            name = score.suite.replace(":", "-").replace("/", "-") + size
            score.save(run / "scores" / f"{name}.json", overwrite=True)
        score_card.update(run)
    except DataError as error:  # a run of somebody else, or a full disk: the scores are what was asked for
        log.warning("the scores are not kept in the run: %s", error)
