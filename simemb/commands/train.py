"""Train an encoder by a recipe.

simemb train RECIPE [--model M] [--data D] [--output DIR] [--any.field VALUE]
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from simemb.commands.list import recipes
from simemb.commands.options import GATHERED, UNPREFIXED, FileLayout
from simemb.commands.parsing import UsageError, parse

if TYPE_CHECKING:
    from simemb.method.recipe import Recipe
    from simemb.training.result import Result


@dataclass(frozen=True)
class Train:
    """Train an encoder by a recipe; the best checkpoint lands in DIR/best."""

    model: str = "base"
    """A model directory, a run directory or a hub name to start from; `base` is a small language model of
    English that ships with simemb."""
    data: Annotated[tuple[str, ...], GATHERED] = ()
    """Files (.txt .csv .tsv .jsonl .parquet, .gz too) and corpus names (`simemb list corpora`), read one after the
    other, or - for standard input; by default the bundled sample."""
    columns: tuple[str, ...] = ()
    """Text columns of the data in role order: anchor, positive, negative. By default recognized by name. A
    column of labels among them sorts the pairs."""
    layout: Annotated[FileLayout, UNPREFIXED] = field(default_factory=FileLayout)
    output: Path = Path("runs/latest")
    """The run directory."""
    dev: str | None = None
    """A suite or a file with a score and two sentences, to choose the best checkpoint; `none` for no evaluation. By
    default STS-B dev in the language of the data, English or Chinese."""
    metric: Literal["spearman", "pearson"] = "spearman"
    """The correlation that chooses the best checkpoint."""
    seed: int = 1
    """Decides every random number."""
    seeds: tuple[int, ...] = ()
    """Train once with each seed, in DIR/seed-N, and report mean and standard deviation."""
    resume: bool = False
    """Continue the run in DIR, bit for bit as if it had never stopped."""
    overwrite: bool = False
    """Replace the run in DIR."""
    precision: Literal["no", "bf16", "fp16"] = "no"
    """Mixed precision: bf16 pays on GPUs and on processors that have it, fp16 needs a GPU."""
    trackers: tuple[Literal["tensorboard", "wandb", "trackio"], ...] = ()
    """Also report to these trackers, beside metrics.jsonl."""


def run(words: list[str]) -> None:
    """`simemb train RECIPE`: the fields of the recipe are options too."""
    if not words or words[0] in ("-h", "--help"):
        _explain()
        return
    name, *rest = words
    if name.startswith("-"):
        raise UsageError(f"`simemb train` wants a recipe before {name}; `simemb list recipes` shows them")
    from simemb.method.deferral import unchecked
    from simemb.method.recipe import Recipe, check
    from simemb.method.recipe_files import find, settings

    with unchecked():  # what a recipe file lacks may be among the options
        named_recipe, run_settings = find(name), settings(name)
    pooling = run_settings.pop("pooling", None)
    layout = FileLayout(run_settings.pop("delimiter", None), no_header=not run_settings.pop("header", True))

    @dataclass(frozen=True)
    class Options(Train):
        __doc__ = Train.__doc__
        recipe: Annotated[Recipe, UNPREFIXED] = named_recipe

    options = parse(Options, rest, prog=f"simemb train {name}", default=Options(**run_settings, layout=layout))
    check(options.recipe)
    if any(word.partition("=")[0] == "--pooling" for word in rest):
        pooling = options.recipe.pooling
    if options.seeds:
        _train_seeds(options, options.recipe, pooling)
    else:
        from simemb.report import terminal

        result = _fit(options, options.recipe, pooling, options.output, options.seed, resume=options.resume)
        terminal.print_runs([result], (options.seed,))


def _train_seeds(options: Train, recipe: "Recipe", pooling: str | None) -> None:
    """One run for each seed. With --resume, runs that had not begun are started."""
    if len(set(options.seeds)) < len(options.seeds):
        raise UsageError(f"--seeds {' '.join(map(str, options.seeds))}: each seed once")
    from simemb.report import terminal
    from simemb.training import seeds
    from simemb.training.run_directory import RunDirectory

    runs = {seed: RunDirectory(seeds.directory(options.output, seed)) for seed in options.seeds}
    begun = {seed for seed, run in runs.items() if options.resume and run.path.is_dir()}
    if options.resume and not begun:
        raise UsageError(f"{options.output}: nothing to resume, there is no {runs[options.seeds[0]].path.name}")
    # Every directory is checked before the first run, which may take hours.
    for seed, run in runs.items():
        run.refuse(resume=seed in begun, overwrite=options.overwrite)
    results = [_fit(options, recipe, pooling, run.path, seed, resume=seed in begun) for seed, run in runs.items()]
    seeds.save(options.output, results, options.seeds)
    terminal.print_runs(results, options.seeds)


def _fit(options: Train, recipe: "Recipe", pooling: str | None, output: Path, seed: int, *, resume: bool) -> "Result":
    import torch

    from simemb.training import malloc
    from simemb.training.fit import fit

    if not torch.cuda.is_available():  # this command owns its process, so it may set the allocator
        malloc.give_back() if recipe.chunk else malloc.keep()
    return fit(
        recipe,
        options.model,
        _data(options.data),
        output=output,
        columns=options.columns or None,
        delimiter=options.layout.delimiter,
        header=not options.layout.no_header,
        pooling=pooling,
        dev=options.dev,
        metric=options.metric,
        seed=seed,
        resume=resume,
        overwrite=options.overwrite,
        precision=options.precision,
        trackers=options.trackers,
    )


def _data(names: Sequence[str]) -> "str | list[Path] | None":
    """The data as `fit` takes them: a list of strings would be texts."""
    return [Path(name) for name in names] if len(names) > 1 else next(iter(names), None)


def _explain() -> None:
    from simemb.report import listing

    sys.stdout.write(
        "usage: simemb train RECIPE [options]\n\n"
        "RECIPE is one of these, a file of your own (./mine.py), or the recipe.json of a\nrun, to repeat it.\n\n"
    )
    listing.print_list("recipes", recipes())
    sys.stdout.write("\n`simemb train RECIPE --help` shows the options and every field of that recipe.\n")
