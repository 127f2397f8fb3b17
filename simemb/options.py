"""The options of every verb, as dataclasses that tyro turns into a command line, and one-line errors.

Each attribute's docstring is its help text.
"""

import re
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import tyro
from tyro import _errors as tyro_errors  # pyright: ignore[reportPrivateUsage]
from tyro.conf import Positional

from simemb.errors import SimembError, unknown

Arguments = TypeVar("Arguments")


class UsageError(SimembError):
    """An option that does not exist, or a value that it does not take."""


@dataclass(frozen=True)
class Train:
    """Train an encoder by a recipe; the best checkpoint lands in DIR/best."""

    model: str = "bundled"
    """A model directory, a run directory or a hub name to start from; `bundled` is small and untrained."""
    data: str | None = None
    """A file (.txt .csv .tsv .jsonl .parquet, .gz too), a corpus name (`simemb list corpora`) or - for standard
    input; by default the bundled sample."""
    columns: tuple[str, ...] = ()
    """Text columns of the data in role order: anchor, positive, negative. By default recognized by name."""
    output: Path = Path("runs/latest")
    """The run directory."""
    dev: str | None = None
    """A suite or a file with a score and two sentences, to choose the best checkpoint; `none` for no evaluation."""
    metric: Literal["spearman", "pearson"] = "spearman"
    """The correlation that chooses the best checkpoint."""
    seed: int = 1
    """Decides every random number."""
    seeds: tuple[int, ...] = ()
    """Train once with each seed, in DIR/seed-N, and report mean and standard deviation."""
    resume: bool = False
    """Go on with the run in DIR, bit for bit as if it had never stopped."""
    overwrite: bool = False
    """Replace the run in DIR."""
    precision: Literal["no", "bf16", "fp16"] = "no"
    """Mixed precision, on a GPU."""
    trackers: tuple[Literal["tensorboard", "wandb", "trackio"], ...] = ()
    """Report there too, beside metrics.jsonl."""


@dataclass(frozen=True)
class Encode:
    """Turn texts into float32 vectors, in the order given, in constant memory."""

    model: Positional[str]
    """A run directory, a model directory or a hub name."""
    input: Positional[str]
    """A file, a corpus name, or - for standard input."""
    output: Path
    """VECTORS.npy, or VECTORS.parquet with the texts beside the vectors."""
    column: str | None = None
    """The column to encode; by default the first text column."""
    pooling: str | None = None
    """cls, cls_head, mean, max, first_last or last2; by default what the model says."""
    normalize: bool = False
    """Scale vectors to unit length."""
    truncate_dim: int | None = None
    """Keep the first so many dimensions."""
    batch_size: int | None = None
    """At most so many texts at once; by default as many as fill a budget of tokens."""


@dataclass(frozen=True)
class Eval:
    """Score encoders: Spearman and Pearson x 100 of cosines with the scores that people gave."""

    models: Positional[tuple[str, ...]]
    """Run directories, model directories or hub names; one row each."""
    suite: tuple[str, ...] = ("sts",)
    """Suites (`simemb list suites`), or files with a score and two sentences a row."""
    json: Path | None = None
    """Write the full record there: all, mean and wmean, per subset, checksums and versions."""
    geometry: bool = True
    """Also measure alignment and uniformity."""
    aggregate: Literal["all", "mean", "wmean"] = "all"
    """The way from subsets to one number that the table shows."""
    metric: Literal["spearman", "pearson"] = "spearman"
    """The correlation that the table shows."""
    pooling: str | None = None
    """cls, cls_head, mean, max, first_last or last2; by default what the model says."""
    batch_size: int | None = None
    """At most so many texts at once."""


@dataclass(frozen=True)
class BuildIndex:
    """Build a search index: inner product of normalized vectors, with the texts beside them."""

    model: Positional[str]
    """A run directory, a model directory or a hub name."""
    input: Positional[str]
    """A file, a corpus name, or - for standard input; larger than memory is fine."""
    output: Path
    """The directory of the index."""
    column: str | None = None
    """The column to index; by default the first text column."""
    kind: Literal["auto", "exact", "ivf", "hnsw"] = "auto"
    """exact looks at every vector; auto does so up to 100,000 texts and takes ivf above."""
    pooling: str | None = None
    """cls, cls_head, mean, max, first_last or last2; by default what the model says."""
    overwrite: bool = False
    """Replace the index that is there."""


@dataclass(frozen=True)
class Search:
    """Find the nearest texts of an index."""

    index: Positional[Path]
    """The directory of the index."""
    queries: Positional[tuple[str, ...]]
    """One or more texts; - reads them from standard input, one a line."""
    k: Annotated[int, tyro.conf.arg(aliases=["-k"])] = 5
    """How many texts to show."""
    json: bool = False
    """Print one JSON line a hit instead of a table."""
    model: str | None = None
    """The encoder; by default the one whose name the index remembers."""
    pooling: str | None = None
    """The pooling that the index was built with, if it was chosen by hand."""


@dataclass(frozen=True)
class List:
    """Show what is at hand."""

    what: Positional[Literal["all", "recipes", "suites", "corpora"]] = "all"
    """recipes, suites or corpora."""


def parse(kind: Any, words: Sequence[str], *, prog: str, default: Any = None) -> Any:
    """Parse the words after a verb. Raises `UsageError`, in one line, with the nearest option."""

    def complain(event: tyro_errors.ParseErrorEvent) -> None:
        raise UsageError(_one_line(event, kind, prog, default) + f"; `{prog} --help` tells more")

    with tyro_errors.on_parse_error(complain):
        return _tyro(kind, words, prog, default)


def _tyro(kind: Any, words: Sequence[str], prog: str, default: Any) -> Any:
    config = (tyro.conf.AvoidSubcommands, tyro.conf.FlagCreatePairsOff)
    given = {} if default is None else {"default": default}
    return tyro.cli(kind, args=list(words), prog=prog, config=config, **given)


def _one_line(event: tyro_errors.ParseErrorEvent, kind: Any, prog: str, default: Any) -> str:
    match event:
        case tyro_errors.UnrecognizedArgs(tokens=tokens):
            return _unrecognized(tokens, kind, prog, default)
        case tyro_errors.MissingArgs(missing_arguments=missing, unrecognized_tokens=tokens):
            if tokens:
                return _unrecognized(tokens, kind, prog, default)
            return "missing: " + ", ".join(argument.arg.display_name() for argument in missing)
        case tyro_errors.InvalidChoice(argument=argument, value=value, choices=choices):
            return unknown(f"value for {argument.display_name()}", value, choices)
        case tyro_errors.BadValue(argument=argument, reason=reason):
            return f"{argument.display_name()}: {reason}"
        case tyro_errors.InstantiationFailure(message=message, argument=argument):
            return message if argument is None else f"{argument.display_name()}: {message}"
        case _:
            return f"these options do not go together: {type(event).__name__}"


def _unrecognized(tokens: Sequence[str], kind: Any, prog: str, default: Any) -> str:
    token = next((token for token in tokens if token.startswith("-")), tokens[0])
    if not token.startswith("-"):
        return f"too many arguments: {token!r} is not expected"
    shown = StringIO()
    try:
        with redirect_stdout(shown):
            _tyro(kind, ["--help"], prog, default)
    except SystemExit:
        pass
    options = sorted(set(re.findall(r"--[a-z][a-z0-9.-]*", shown.getvalue())))
    return unknown("option", token.partition("=")[0], options)
