"""Train an encoder by a recipe.

simemb train RECIPE [--model M] [--data D] [--output DIR] [--any.field VALUE]
simemb train --resume DIR
simemb train --config run.yaml [--output DIR]
"""

from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from simemb import extras, outputs, ranks, streams
from simemb.commands import configuration
from simemb.commands.configuration import Configuration
from simemb.commands.inputs import data_of, prompts_of, weighted
from simemb.commands.list import recipes
from simemb.commands.options import GATHERED, UNPREFIXED, FileLayout, options_of
from simemb.commands.parsing import UsageError, option_name, parse

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
    other, or - for standard input; by default the bundled sample. `a.tsv nli:3` keeps them apart: each batch is of one
    of them, three times as often of the second (see --mix)."""
    columns: tuple[str, ...] = ()
    """Text columns of the data in role order: anchor, positive, negative. By default recognized by name. A
    column of labels among them sorts the pairs."""
    layout: Annotated[FileLayout, UNPREFIXED] = field(default_factory=FileLayout)
    output: Path = Path("runs/latest")
    """The run directory."""
    dev: tuple[str, ...] = ()
    """Suites, or files with a score and two sentences: the first chooses the best checkpoint, the others are scored
    beside it. `none` for no evaluation. By default STS-B dev in the language of the data, English or Chinese."""
    metric: Literal["spearman", "pearson"] = "spearman"
    """The correlation that chooses the best checkpoint."""
    seed: int = 1
    """Decides every random number."""
    seeds: tuple[int, ...] = ()
    """Train once with each seed, in DIR/seed-N, and report mean and standard deviation."""
    resume: bool = False
    """Continue the run in DIR, bit for bit as if it had never stopped; `simemb train --resume DIR` needs no more."""
    overwrite: bool = False
    """Replace the run in DIR."""
    precision: Literal["no", "bf16", "fp16"] = "no"
    """Mixed precision: bf16 pays on GPUs and on processors that have it, fp16 needs a GPU."""
    device: str = "auto"
    """Where to train: auto (a GPU where there is one), cpu, cuda, cuda:1 or mps."""
    prompts: tuple[str, ...] = ()
    """query="query: " document="passage: ": texts before those of the first text column, and before all others; or
    text="...", before all. In place of a text the name of a prompt of the model."""
    trackers: tuple[Literal["tensorboard", "wandb", "trackio", "mlflow"], ...] = ()
    """Also report to these trackers, beside metrics.jsonl."""
    config: Path | None = None
    """A YAML file of options by these names, the recipe among them (`recipe: simcse`); options on the command line
    win. Every run leaves one that repeats it, DIR/run.yaml."""


def run(words: list[str]) -> None:
    """`simemb train RECIPE`: the fields of the recipe are options too."""
    if not words or words[0] in ("-h", "--help"):
        _explain()
        return
    with ranks.together():
        with ranks.main_first("the command line"):
            options, chosen = read(words)
            extras.need("simemb train", extras.TRAINING)
        if options.seeds:
            _train_seeds(options, options.recipe, chosen)
        else:
            from simemb.report import terminal

            result = _fit(options, options.recipe, chosen, options.output, options.seed, resume=options.resume)
            terminal.print_runs([result], (options.seed,))


def read(words: list[str]) -> tuple[Any, dict[str, Any]]:
    """The options, with the recipe among them, and what was chosen rather than left to the recipe and the model."""
    words, config = configuration.split(words)
    resumed = config is None and words[0].startswith("-")
    name, *rest = _resumed(words) if resumed else _named(words, config)
    rest = ["--lora.rank" + word[6:] if word.partition("=")[0] == "--lora" else word for word in rest]
    _refuse_directory([name, *rest] if config else words)
    from simemb.method.deferral import unchecked
    from simemb.method.recipe import Recipe, check

    named_recipe, run_settings = _recipe(name, config)
    pooling = run_settings.pop("pooling", None)
    layout = FileLayout(run_settings.pop("delimiter", None), header=run_settings.pop("header", True))

    @dataclass(frozen=True)
    class Options(Train):
        __doc__ = Train.__doc__
        recipe: Annotated[Recipe, UNPREFIXED] = named_recipe

    default = Options(**run_settings, layout=layout)
    if config is not None:
        typed = {*map(option_name, rest), *(["--pooling"] if pooling else [])}
        rest = [*config.words(options_of(Options, default), typed), *rest]
    options = parse(Options, rest, prog=f"simemb train {name}", default=default)
    with unchecked():
        options = _with_weights(options, set(map(option_name, rest)))
    check(options.recipe)
    if resumed:
        from simemb.training.resumption import check_data

        check_data(Path(name), options.data)
    typed = set(map(option_name, rest))
    chosen = {
        "pooling": options.recipe.pooling if "--pooling" in typed else pooling,
        "max_length": options.recipe.max_length if "--max-length" in typed else None,
    }
    return options, chosen


def _with_weights(options: Any, typed: set[str]) -> Any:
    """The options with the weights of `--data a.tsv nli:3` in the recipe; data with weights are kept apart."""
    names, weights = weighted(options.data)
    if not weights:
        return options
    if "--weights" in typed:
        raise UsageError("--weights and --data NAME:WEIGHT say the same: choose one")
    mix = options.recipe.mix if "--mix" in typed or options.recipe.mix != "join" else "proportional"
    return replace(options, data=names, recipe=replace(options.recipe, mix=mix, weights=weights))


def _named(words: list[str], config: Configuration | None) -> list[str]:
    """The words with the recipe before them, which may be that of the file of options, under the name of the file."""
    if config is None or (words and not words[0].startswith("-")):
        return words
    if config.recipe is None:
        raise UsageError(f"{config.path} names no recipe: give one in it (`recipe: simcse`) or before --config")
    return [config.recipe if isinstance(config.recipe, str) else str(config.path), *words]


def _recipe(name: str, config: Configuration | None) -> tuple["Recipe", dict[str, Any]]:
    """The recipe of that name, and what is said with it of a run: by its recipe.json, or by the file of options."""
    from simemb.method.deferral import unchecked
    from simemb.method.recipe_files import find, settings

    if config is not None and not isinstance(config.recipe, str | None) and name == str(config.path):
        pooling = config.take("pooling")  # of the model; that of the recipe is for models that have none
        return config.recipe, {} if pooling is None else {"pooling": pooling}
    with unchecked():  # what a recipe file lacks may be among the options
        return find(name), settings(name)


def _refuse_directory(words: list[str]) -> None:
    """Raise `UsageError` for `RECIPE --resume DIR`: with a recipe before it, --resume takes no directory."""
    for option, value in pairwise(words):
        if option == "--resume" and not words[0].startswith("-") and not value.startswith("-"):
            raise UsageError(
                f"--resume after a recipe takes no directory: `simemb train --resume {value}`, or --output"
            )


def _resumed(words: list[str]) -> list[str]:
    """The words that go on with the run of `--resume DIR`, whose recipe and settings are in its recipe.json."""
    from simemb.training.run_directory import RunDirectory

    words = [part for word in words for part in (word.split("=", 1) if word.startswith("--resume=") else [word])]
    if "--resume" not in words:
        advice = "`simemb list recipes` shows them, and --resume DIR goes on with a run"
        raise UsageError(f"`simemb train` wants a recipe before {words[0]}; {advice}")
    place = words.index("--resume")
    if any(option_name(word) in ("--output", "--seeds") for word in words):
        raise UsageError("`simemb train --resume DIR` goes on with the one run in DIR: leave out --output and --seeds")
    if len(words) == place + 1 or words[place + 1].startswith("-"):
        raise UsageError("--resume: give the directory of the run, or a recipe before it and --output")
    directory = RunDirectory(words.pop(place + 1))
    with directory.writing():
        directory.refuse(resume=True, overwrite=False)
    return [str(directory.recipe), "--output", str(directory.path), *words]


def _train_seeds(options: Train, recipe: "Recipe", chosen: dict[str, Any]) -> None:
    """One run for each seed. With --resume, runs that had not begun are started."""
    from simemb.report import terminal
    from simemb.training import seeds

    with ranks.main_first("the command line"):
        runs = _runs(options)
    results = [_fit(options, recipe, chosen, run, seed, resume=begun) for seed, (run, begun) in runs.items()]
    if ranks.is_main():
        seeds.save(options.output, results, options.seeds)
    terminal.print_runs(results, options.seeds)


def _runs(options: Train) -> dict[int, tuple[Path, bool]]:
    """The run directory of each seed, and whether a run is there to go on with.

    Every directory is checked before the first run, which may take hours.
    """
    if len(set(options.seeds)) < len(options.seeds):
        raise UsageError(f"--seeds {' '.join(map(str, options.seeds))}: each seed once")
    from simemb.training import seeds
    from simemb.training.run_directory import RunDirectory

    runs = {seed: RunDirectory(seeds.directory(options.output, seed)) for seed in options.seeds}
    begun = {seed for seed, run in runs.items() if options.resume and run.path.is_dir()}
    outputs.check_file(options.output / seeds.RECORD, overwrite=options.overwrite or options.resume)
    if options.resume and not begun:
        raise UsageError(f"{options.output}: nothing to resume, there is no {runs[options.seeds[0]].path.name}")
    for seed, run in runs.items():
        run.refuse(resume=seed in begun, overwrite=options.overwrite)
    return {seed: (run.path, seed in begun) for seed, run in runs.items()}


def _fit(
    options: Train, recipe: "Recipe", chosen: dict[str, Any], output: Path, seed: int, *, resume: bool
) -> "Result":
    """chosen: what was typed, rather than left to the recipe and the model."""
    from simemb import devices
    from simemb.training.fit import fit
    from simemb.transformer import malloc

    if devices.find(options.device) == devices.CPU:  # this command owns its process, so it may set the allocator
        malloc.give_back() if recipe.chunk else malloc.keep()
    return fit(
        recipe,
        options.model,
        data_of(options.data),
        output=output,
        columns=options.columns or None,
        **vars(options.layout),
        **chosen,
        dev=options.dev or None,
        metric=options.metric,
        seed=seed,
        resume=resume,
        overwrite=options.overwrite,
        precision=options.precision,
        prompts=prompts_of(options.prompts),
        device=options.device,
        trackers=options.trackers,
    )


def _explain() -> None:
    from simemb.report import listing

    usage = (
        "usage: simemb train RECIPE [options]\n\n"
        "RECIPE is one of these, a file of your own (./mine.py), or the recipe.json of a\nrun, to repeat it. "
        "`simemb train --resume DIR` goes on with the run in DIR, and\nneeds nothing else. "
        "`simemb train --config FILE` takes recipe and options from\na YAML file.\n\n"
    )
    streams.show(streams.folded(usage))
    listing.print_list("recipes", recipes())
    more = "\n`simemb train RECIPE --help` shows the options and every field of that recipe.\n"
    streams.show(streams.folded(more))
