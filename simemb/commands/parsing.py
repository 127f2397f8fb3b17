"""The options of every verb, as dataclasses that tyro turns into a command line, and one-line errors.

Each attribute's docstring is its help text.
"""

import re
from collections import Counter
from collections.abc import Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, fields
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import tyro
from tyro import _errors as tyro_errors  # pyright: ignore[reportPrivateUsage]
from tyro.conf import Positional

from simemb import files
from simemb.errors import DataError, SimembError, unknown

Arguments = TypeVar("Arguments")


class UsageError(SimembError):
    """An option that does not exist, or a value that it does not take."""


@dataclass(frozen=True)
class Train:
    """Train an encoder by a recipe; the best checkpoint lands in DIR/best."""

    model: str = "bundled"
    """A model directory, a run directory or a hub name to start from; `bundled` is a small language model."""
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
    """Mixed precision: bf16 pays on GPUs and on processors that have it, fp16 needs a GPU."""
    trackers: tuple[Literal["tensorboard", "wandb", "trackio"], ...] = ()
    """Report there too, beside metrics.jsonl."""


@dataclass(frozen=True)
class Encode:
    """Turn texts into float32 vectors, in the order given, in constant memory."""

    model: Positional[Annotated[str, tyro.conf.arg(metavar="MODEL")]]
    """A run directory, a model directory or a hub name."""
    input: Positional[Annotated[str, tyro.conf.arg(metavar="INPUT")]]
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
    precision: Literal["float32", "int8"] = "float32"
    """int8 is several times as fast on a CPU, and close to the same vectors."""


@dataclass(frozen=True)
class Eval:
    """Score encoders on suites: similarity, transfer, retrieval, clustering, geometry."""

    models: Positional[Annotated[tuple[str, ...], tyro.conf.arg(metavar="MODEL [MODEL ...]")]]
    """Run directories, model directories or hub names; one row each."""
    suite: tuple[str, ...] = ("sts",)
    """Suites (`simemb list suites`), files with a score and two sentences a row, folders in BEIR layout, or
    mteb:TASK (needs simemb[mteb])."""
    json: Path | None = None
    """Write the full record there: all, mean and wmean, per subset, checksums and versions."""
    geometry: bool = True
    """Also measure alignment and uniformity."""
    aggregate: Literal["all", "mean", "wmean"] = "all"
    """The way from subsets to one number that the table shows."""
    metric: str | None = None
    """The number that the table shows: pearson, or any that the suite measures; by default its headline."""
    pooling: str | None = None
    """cls, cls_head, mean, max, first_last or last2; by default what the model says."""
    batch_size: int | None = None
    """At most so many texts at once."""
    cache: bool = True
    """Keep vectors in the user's cache ($SIMEMB_CACHE), by model and text: a second time takes seconds."""
    precision: Literal["float32", "int8"] = "float32"
    """int8 is several times as fast on a CPU; what it costs in scores is seen by scoring both."""


@dataclass(frozen=True)
class BuildIndex:
    """Build a search index: the vectors of texts, with the texts beside them."""

    model: Positional[Annotated[str, tyro.conf.arg(metavar="MODEL")]]
    """A run directory, a model directory or a hub name."""
    input: Positional[Annotated[str, tyro.conf.arg(metavar="INPUT")]]
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

    index: Positional[Annotated[Path, tyro.conf.arg(metavar="INDEX")]]
    """The directory of the index."""
    queries: Positional[Annotated[tuple[str, ...], tyro.conf.arg(metavar="QUERY [QUERY ...]")]]
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

    what: Positional[Annotated[Literal["all", "recipes", "suites", "corpora"], tyro.conf.arg(metavar="WHAT")]] = "all"
    """all, recipes, suites or corpora."""


def check_output(path: Path | None) -> None:
    """Refuse an output that cannot be written, before the work that it is for. Raises `DataError`."""
    try:
        if path is not None:
            files.probe(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror}") from error


SOME = {Eval: {"models": "MODEL"}, Search: {"queries": "QUERY"}}
"""The repeated arguments of which there must be one: tyro takes none at all for an answer."""


def parse(kind: Any, words: Sequence[str], *, prog: str, default: Any = None) -> Any:
    """Parse the words after a verb. Raises `UsageError`, in one line, with the nearest option."""

    def complain(event: tyro_errors.ParseErrorEvent) -> None:
        strange = _strange(words, kind, prog, default)
        raise UsageError(f"{strange or _one_line(event)}; `{prog} --help` tells more")

    _check_once(words, kind, prog)
    with tyro_errors.on_parse_error(complain):
        chosen = _tyro(kind, words, prog, default)
    for name, metavar in SOME.get(kind, {}).items():
        if not getattr(chosen, name):
            raise UsageError(f"missing: {metavar}, at least one; `{prog} --help` tells more")
    return chosen


def _check_once(words: Sequence[str], kind: Any, prog: str) -> None:
    """Refuse an option of several values that is given twice: of its two lists tyro would silently keep the last."""
    given = Counter(word.partition("=")[0].replace("_", "-") for word in words)
    for field in fields(kind):
        option = f"--{field.name.replace('_', '-')}"
        if isinstance(field.default, tuple) and given[option] > 1:
            raise UsageError(f"{option} is given twice; it takes all its values at once; `{prog} --help` tells more")


def _tyro(kind: Any, words: Sequence[str], prog: str, default: Any) -> Any:
    config = (tyro.conf.AvoidSubcommands, tyro.conf.FlagCreatePairsOff)
    given = {} if default is None else {"default": default}
    return tyro.cli(kind, args=list(words), prog=prog, config=config, **given)


def _one_line(event: tyro_errors.ParseErrorEvent) -> str:
    match event:
        case tyro_errors.UnrecognizedArgs(tokens=tokens):
            return f"too many arguments: {tokens[0]!r} is not expected"
        case tyro_errors.MissingArgs(missing_arguments=missing):
            return "missing: " + ", ".join(_name(argument.arg) for argument in missing)
        case tyro_errors.InvalidChoice(argument=argument, value=value, choices=choices):
            return unknown(f"value of {_name(argument)}", value, choices)
        case tyro_errors.BadValue(argument=argument, reason="too_few_values"):
            return f"{_name(argument)}: a value is missing"
        case tyro_errors.InstantiationFailure(message=message, argument=argument):
            return message if argument is None else f"{_name(argument)}: {_reason(message)}"
        case _:
            return f"these options do not go together ({type(event).__name__})"


def _reason(message: str) -> str:
    """Python's words for what is no number, in ours."""
    for words, kind in (
        ("invalid literal for int", "a whole number"),
        ("could not convert string to float", "a number"),
    ):
        if found := re.search(rf"{words}[^:]*: ('.*')", message):
            return f"{found[1]} is not {kind}"
    return " ".join(message.split())


def _name(argument: Any) -> str:
    """How `--help` calls it: MODEL, or --batch-size."""
    metavar = str(argument.lowered.metavar).partition(" ")[0]
    return metavar if argument.is_positional() else str(argument.lowered.name_or_flags[-1])


def _strange(words: Sequence[str], kind: Any, prog: str, default: Any) -> str | None:
    """What to say of the first option that does not exist, if there is one."""
    options = _options(kind, prog, default)
    for word in words:
        option = word.partition("=")[0].replace("_", "-")
        if option.startswith("--") and len(option) > 2 and option not in options:
            near = _nearest(option, options)
            return f"unknown option {option!r}" + (f": did you mean {' or '.join(near)}?" if near else "")
    return None


def _options(kind: Any, prog: str, default: Any) -> list[str]:
    """Every option, as `--help` shows it."""
    shown = StringIO()
    with redirect_stdout(shown), suppress(SystemExit):
        _tyro(kind, ["--help"], prog, default)
    return sorted(set(re.findall(r"(?<=[ │])--[a-z][a-z0-9.-]*", shown.getvalue())))


def _nearest(option: str, options: Sequence[str]) -> list[str]:
    """Up to three options like this one; of a nested field its own name is enough."""
    own: dict[str, list[str]] = {}
    for known in options:
        for name in {known, "--" + known.lstrip("-").rpartition(".")[2]}:
            own.setdefault(name, []).append(known)
    near = [known for name in get_close_matches(option, own, n=3) for known in own[name]]
    return list(dict.fromkeys(near))[:3]
