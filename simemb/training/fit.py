"""`fit`: from a recipe, a model and data to a trained encoder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simemb.encoder.encoder import Encoder
from simemb.encoder.loading import BUNDLED
from simemb.evaluation.suite import Suite
from simemb.method.recipe import Recipe
from simemb.training.plan import Metric, MixedPrecision, prepare
from simemb.training.result import Result
from simemb.training.trainer import Trainer


def fit(
    recipe: str | Path | Recipe,
    model: str | Path | Encoder = BUNDLED,
    data: Any = None,
    *,
    output: str | Path,
    columns: Sequence[str] | None = None,
    pooling: str | None = None,
    dev: str | Path | Suite | None = None,
    metric: Metric = "spearman",
    seed: int = 1,
    resume: bool = False,
    overwrite: bool = False,
    precision: MixedPrecision = "no",
    trackers: Sequence[str] = (),
    progress: bool | None = None,
) -> Result:
    """Train an encoder by a recipe and keep the best checkpoint.

    recipe: a name (`simemb list recipes`), a file that defines `recipe`, or a `Recipe`. model: an
    `Encoder` (trained in place), a directory or a hub name; by default the bundled one. data: a file, a
    corpus name, a `datasets` object or a list (see `simemb.corpus.rows.open_rows`), by default the bundled sample;
    columns: its text columns by name, in role order. pooling: for a model given by name; by default what
    the model says, else what the recipe says. dev: a suite, or a file with a score and two sentences a row:
    every `recipe.eval_every` steps it decides by `metric` which checkpoint is best; "none" keeps the last
    one; by default STS-B dev, if it is at hand. output: the run directory (see `simemb.training.run_directory`). resume: go on
    with the run there, bit for bit. precision: bf16, or fp16 on a GPU. trackers: tensorboard, wandb or
    trackio besides metrics.jsonl. progress: a live line; by default where a person watches.

    Raises a `SimembError` that says what to do; KeyboardInterrupt after Ctrl-C, with the state saved.
    """
    plan = prepare(
        recipe,
        model,
        data,
        output=output,
        columns=columns,
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
