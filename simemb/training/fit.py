"""`fit`, the entry point of training: from a recipe, a model and data to a trained encoder."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any

from simemb import ranks
from simemb.arguments import checked
from simemb.devices import AUTO
from simemb.encoder.encoder import Encoder
from simemb.encoder.external import ExternalEncoder
from simemb.errors import ArgumentError, DataError, unknown
from simemb.method.recipe import Recipe
from simemb.method.recipe_files import find
from simemb.training import resumption
from simemb.training.choices import Metric, MixedPrecision
from simemb.training.plan import prepare, processes
from simemb.training.result import Result
from simemb.training.run_directory import RunDirectory
from simemb.training.trainer import Trainer


@checked
def fit(
    recipe: str | Path | Recipe | None = None,
    model: str | Path | Encoder | ExternalEncoder | None = None,
    data: Any = None,
    *,
    output: str | Path | None = None,
    columns: Sequence[str] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    pooling: str | None = None,
    max_length: int | None = None,
    dev: Any = None,
    metric: Metric | None = None,
    seed: int | None = None,
    resume: bool | str | Path = False,
    overwrite: bool = False,
    precision: MixedPrecision | None = None,
    prompts: Mapping[str, str] | None = None,
    device: str = AUTO,
    trackers: Sequence[str] = (),
    callbacks: Sequence[Any] = (),
    progress: bool | None = None,
    **fields: Any,
) -> Result:
    """Train an encoder by a recipe and keep the best checkpoint.

    Args:
        recipe: A name (`simemb list recipes`), a file that defines `recipe`, or a `Recipe`.
        model: An `Encoder`, which is trained in place, a directory or a hub name. By default `base`, a
            small language model of English that ships with simemb.
        data: A file, a corpus name, a list of `pathlib.Path`, which are read one after the other or kept apart, as
            `recipe.mix` says (in memory: a list of what `simemb.corpus.rows.open_rows` gives), a `datasets.Dataset`,
            a data frame, or texts or tuples of texts as a list, a column or an iterator (see
            `simemb.corpus.rows.open_rows`). By default the bundled sample.
        output: The run directory (see `simemb.training.run_directory`); not with the directory of `resume`.
        columns: The text columns of the data by name, in role order: anchor, positive, negative. A label column among
            them sorts the pairs (see `simemb.training.labels`); left out, it is not used.
        delimiter: The character between the cells of the files, "tab" too, if their endings do not say it.
        header: Whether the first line of the files holds the names of the columns, as it does by default.
        pooling: For a model given by name. By default that of the model; if it has none, that of the recipe.
        max_length: The most tokens of a text; refused above what the model accepts. By default that of the recipe, or
            of the model where that is less.
        dev: A suite, or scored pairs as `evaluate` takes them, which are scored every `recipe.eval_every` steps to
            choose the best checkpoint. Of several in a list (names, paths, suites) the first chooses, and the others
            are scored beside it. "none" keeps the last one. By default STS-B dev in the language of the data,
            English or Chinese (see `simemb.training.dev_suites`); without such data the last one is kept too.
        metric: The correlation that chooses the checkpoint, by default "spearman".
        seed: Decides every random number, by default 1.
        resume: Continue the run in this directory, bit for bit: what is not given is as the run has it, and what is
            given must not differ. True: continue the run in `output`, with all arguments as they were.
        overwrite: Replace the run in `output`.
        precision: "bf16", or "fp16" on a GPU; by default "no".
        prompts: Texts that are put before others, or names of prompts that the model has: `query` before those of the
            first text column and `document` before those of all others, or `text` before all of them. The trained
            encoder has them as its prompts `query` and `document`, and a prompt of all texts as its default.
        device: Where to train, as in `Encoder.load`; an `Encoder` is moved there. A run may go on elsewhere, but not
            bit for bit.
        trackers: "tensorboard", "wandb", "trackio" or "mlflow", beside metrics.jsonl.
        callbacks: Objects with `on_step`, `on_evaluation` or `on_save`, which may ask the run to stop (see
            `simemb.training.callbacks`).
        progress: Show a status line. By default in a terminal.
        **fields: Fields of the recipe in place of its own: `batch_size=64, learning_rate=2e-5, mix="proportional"`.

    Raises:
        SimembError: The arguments, the data or the model cannot be used; the message says what to do.
        KeyboardInterrupt: After Ctrl-C or SIGTERM, with the state saved.
    """
    processes(device)  # so that this process knows its rank
    begun = None if isinstance(resume, bool) else resume
    typed: dict[str, Any] = {"recipe": recipe, "model": model, "data": data, "columns": columns, "delimiter": delimiter}
    typed |= {"header": header, "pooling": pooling, "max_length": max_length, "dev": dev, "metric": metric}
    typed |= {"seed": seed, "precision": precision, "prompts": prompts}
    given = {name: value for name, value in typed.items() if value is not None}
    how: dict[str, Any] = {"resume": bool(resume), "overwrite": overwrite, "trackers": trackers, "progress": progress}
    how |= {"device": device, "callbacks": callbacks}
    with ranks.together():
        directory = RunDirectory(_place(output, begun))
        with directory.writing():
            with ranks.main_first("the plan"):  # the others find what it puts in the cache
                if begun is not None:
                    directory.refuse(resume=True, overwrite=overwrite)
                    given = resumption.arguments(directory.recipe, given)
                if "recipe" not in given:
                    raise ArgumentError("fit(): missing a required argument: 'recipe'")
                given["recipe"] = _changed(given["recipe"], fields)
                if ranks.several() and _is_stream(given.get("data")):
                    raise DataError("standard input is read once, and several processes train: name a file")
                plan = prepare(**given, **how, output=directory)
            return Trainer(plan).run()


def _changed(recipe: str | Path | Recipe, fields: Mapping[str, Any]) -> str | Path | Recipe:
    """The recipe with other fields. Raises `ArgumentError` for a name that is neither a field nor an argument."""
    if not fields:
        return recipe
    known = [*signature(fit).parameters, *(field.name for field in dataclasses.fields(Recipe))]
    known.remove("fields")
    for name in fields:
        if name not in known:
            raise ArgumentError(unknown("argument of fit()", name, dict.fromkeys(known)))
    return replace(recipe if isinstance(recipe, Recipe) else find(str(recipe)), **fields)


def _is_stream(data: Any) -> bool:
    """Whether data are standard input, or one of several files is."""
    files = data if isinstance(data, list | tuple) else []  # strings in a list are texts
    return (isinstance(data, str | Path) and str(data) == "-") or any(file == Path("-") for file in files)


def _place(output: str | Path | None, begun: str | Path | None) -> str | Path:
    """The run directory: that of a run which goes on, or that of a new one."""
    if begun is not None and output is not None:
        raise ArgumentError("fit(): resume names the run directory, so output is not needed")
    place = output if begun is None else begun
    if place is None:
        raise ArgumentError("fit(): missing a required argument: 'output'")
    return place
