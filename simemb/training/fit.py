"""`fit`, the entry point of training: from a recipe, a model and data to a trained encoder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simemb.arguments import checked
from simemb.encoder.encoder import Encoder
from simemb.encoder.external import ExternalEncoder
from simemb.encoder.names import BASE
from simemb.method.recipe import Recipe
from simemb.training.plan import Metric, MixedPrecision, prepare, processes
from simemb.training.result import Result
from simemb.training.run_directory import RunDirectory
from simemb.training.trainer import Trainer


@checked
def fit(
    recipe: str | Path | Recipe,
    model: str | Path | Encoder | ExternalEncoder = BASE,
    data: Any = None,
    *,
    output: str | Path,
    columns: Sequence[str] | None = None,
    delimiter: str | None = None,
    header: bool = True,
    pooling: str | None = None,
    dev: Any = None,
    metric: Metric = "spearman",
    seed: int = 1,
    resume: bool = False,
    overwrite: bool = False,
    precision: MixedPrecision = "no",
    trackers: Sequence[str] = (),
    progress: bool | None = None,
) -> Result:
    """Train an encoder by a recipe and keep the best checkpoint.

    Args:
        recipe: A name (`simemb list recipes`), a file that defines `recipe`, or a `Recipe`.
        model: An `Encoder`, which is trained in place, a directory or a hub name. By default `base`, a
            small language model of English that ships with simemb.
        data: A file, a corpus name, a list of `pathlib.Path`, which are read one after the other, a `datasets.Dataset`,
            a data frame, or texts or tuples of texts as a list, a column or an iterator (see
            `simemb.corpus.rows.open_rows`). By default the bundled sample.
        output: The run directory (see `simemb.training.run_directory`).
        columns: The text columns of the data by name, in role order: anchor, positive, negative. A label column among
            them sorts the pairs (see `simemb.training.labels`); left out, it is not used.
        delimiter: The character between the cells of the files, "tab" too, if their endings do not say it.
        header: Whether the first line of the files holds the names of the columns.
        pooling: For a model given by name. By default that of the model; if it has none, that of the recipe.
        dev: A suite, or scored pairs as `evaluate` takes them, which are scored every `recipe.eval_every` steps to
            choose the best checkpoint. "none" keeps the last one. By default STS-B dev in the language of the data,
            English or Chinese (see `simemb.training.dev_suites`); without such data the last one is kept too.
        metric: The correlation that chooses the checkpoint.
        seed: Decides every random number.
        resume: Continue the run in `output`, bit for bit.
        overwrite: Replace the run in `output`.
        precision: "bf16", or "fp16" on a GPU.
        trackers: "tensorboard", "wandb" or "trackio", beside metrics.jsonl.
        progress: Show a status line. By default in a terminal.

    Raises:
        SimembError: The arguments, the data or the model cannot be used; the message says what to do.
        KeyboardInterrupt: After Ctrl-C or SIGTERM, with the state saved.
    """
    processes()  # so that this process knows its rank
    directory = RunDirectory(output)
    with directory.writing():
        plan = prepare(
            recipe,
            model,
            data,
            output=directory,
            columns=columns,
            delimiter=delimiter,
            header=header,
            pooling=pooling,
            dev=dev,
            metric=metric,
            seed=seed,
            resume=resume,
            overwrite=overwrite,
            precision=precision,
            trackers=trackers,
            progress=progress,
        )
        return Trainer(plan).run()
