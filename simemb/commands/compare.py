"""Say which encoder is better, and how sure that is.

simemb compare MODEL MODEL [--suite sts] [--against published]
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import Positional

from simemb import extras, outputs
from simemb.commands.options import UNPREFIXED, SeveralDevices
from simemb.commands.parsing import UsageError, parse
from simemb.encoder.precision import Precision


@dataclass(frozen=True)
class Compare:
    """Compare encoders: differences, how sure they are, and a verdict in words.

    Each is scored on the same data; of each two the second less the first:

      simemb compare runs/first runs/second --suite sts

    Runs with several seeds (`simemb train --seeds`) stand together:

      simemb compare runs/simcse-seeds runs/esimcse-seeds

    Beside what papers report:

      simemb compare runs/first --against published --base bert-base
    """

    models: Positional[Annotated[tuple[str, ...], tyro.conf.arg(metavar="MODEL MODEL [MODEL ...]")]]
    """Run directories, directories of seeds, model directories or hub names."""
    suite: str = "sts"
    """A suite, some of its tasks as sts/stsb+sickr (`simemb list suites` names both), or a file with a score and two
    sentences a row."""
    against: Literal["published"] | None = None
    """Also show the results that papers published on this suite; then one model is enough."""
    base: tuple[str, ...] = ()
    """Of the published results only those from one of these: bert-base, roberta-large ..."""
    method: tuple[str, ...] = ()
    """Of the published results only those of one of these: simcse, consert ..."""
    resamples: int = 2000
    """How often the units of each task (pairs, sentences, queries) are drawn anew."""
    seed: int = 1
    """Decides what is drawn."""
    json: Path | None = None
    """Write the full record there: every difference and p-value unrounded, fingerprints, checksums and versions."""
    overwrite: bool = False
    """Replace an existing file."""
    pooling: tuple[str, ...] = ()
    """cls, cls_head, mean, max, first_last or last2, one for all models or one for each; by default theirs."""
    place: Annotated[SeveralDevices, UNPREFIXED] = field(default_factory=SeveralDevices)
    precision: Precision = "float32"
    """bf16, fp16, int8 or auto, as of `simemb encode`; all models are compared in it."""
    batch_size: int | None = None
    """The most texts in a batch."""
    cache: bool = True
    """Keep vectors in the user's cache ($SIMEMB_CACHE), by model and text: a second time takes seconds."""


def run(words: list[str]) -> None:
    """`simemb compare MODEL MODEL [MODEL ...]`."""
    options = parse(Compare, words, prog="simemb compare", needs=extras.SCORES)
    needed = 1 if options.against else 2
    if len(options.models) < needed:
        raise UsageError(
            f"a comparison needs at least two models, not {len(options.models)} (one is enough with --against "
            "published); `simemb compare --help` tells more"
        )
    if (options.base or options.method) and not options.against:
        raise UsageError("--base and --method choose among published results: add --against published")
    if options.json is not None:
        outputs.check_file(options.json, overwrite=options.overwrite)
    from simemb.comparison import compare, published
    from simemb.evaluation import evaluate
    from simemb.report import terminal
    from simemb.report import terminal_comparison as tables

    suite = evaluate.find(options.suite)
    suite.check_libraries()
    # By what was typed: a file of one's own may be called sts.tsv.
    results = published.results(options.suite, base=options.base, method=options.method) if options.against else []
    comparison = compare.compare(
        options.models,
        suite,
        resamples=options.resamples,
        seed=options.seed,
        pooling=options.pooling,
        precision=options.precision,
        **vars(options.place),
        batch_size=options.batch_size,
        cache=options.cache,
    )
    terminal.print_table(tables.standings_table(comparison))
    for pair in comparison.pairs[: len(comparison.entries) - 1]:
        terminal.print_table(tables.pair_table(comparison, pair))
    terminal.print_table(tables.verdicts_table(comparison), whole=True)
    if results:
        terminal.print_table(tables.published_table(comparison, results, published.cautions(suite.name)))
    if options.json is not None:
        comparison.save(options.json, overwrite=options.overwrite)
