"""Every method on the same base, sentences, steps and evaluation, and a test of the papers' main claims.

    python benchmarks/comparison.py run --model PATH/minilm-l4-mlm [--only simcse esimcse]
    python benchmarks/comparison.py table

Each run is recorded in eval/results/comparison/. `run` skips recorded runs, so it can be stopped and started
again, and several processes may share the work. `table` writes the tables of train/README.md.
"""

import argparse
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comparison_tables import BATCH, LEARNING_RATE, RESULTS, STEPS, write_tables

if TYPE_CHECKING:
    from simemb import Encoder, Recipe

LONGEST = 80
"""The maximum length of a sentence in characters, about that of STS sentences."""


@dataclass(frozen=True)
class Experiment:
    """A recipe on a corpus, with some fields changed.

    tasks: score the seven tasks too; a claim is tested on STS-B dev alone.
    """

    recipe: str
    data: str = "wiki"
    changes: dict[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] = (1,)
    tasks: bool = True


UNSUPERVISED = (
    *("simcse", "esimcse", "consert", "simcse_mlm", "denoise"),
    *("moco_v1", "moco_v2", "moco_v3", "simclr", "simclr_v2", "invaspread", "byol", "simsiam"),
    *("swav", "dino", "barlow", "vicreg", "align_uniform", "cmc", "mlm"),
)
TEACHER = "potion-base-4M"


def _methods() -> dict[str, Experiment]:
    several = {"simcse": (1, 2, 3), "esimcse": (1, 2, 3), "consert": (1, 2, 3), "byol": (1, 2, 3), "moco_v2": (1, 2, 3)}
    experiments = {name: Experiment(name, seeds=several.get(name, (1,))) for name in UNSUPERVISED}
    experiments["denoise"] = Experiment("denoise", changes={"guide": TEACHER})
    # the vectors of a bank are used again only in the next epoch
    experiments["instdisc"] = Experiment("instdisc", changes={"epochs": 4})
    experiments["cpc"] = Experiment("cpc", "wiki_running")
    for name in ("simcse_sup", "matryoshka", "consert_joint", "two_tower"):
        experiments[name] = Experiment(name, "nli")
    for name in ("cosent", "cosine"):
        experiments[name] = Experiment(name, "stsb")
    for name in ("distil", "distil_similarity", "distil_contrast"):
        experiments[name] = Experiment(name, changes={"teacher": TEACHER})
    return experiments


def _claims() -> dict[str, Experiment]:
    def claim(recipe: str, data: str = "wiki", **changes: Any) -> Experiment:
        return Experiment(recipe, data, changes, tasks=False)

    experiments = {"dropout-fixed": claim("simcse", fixed_dropout=True)}
    experiments |= {f"dropout-{rate}": claim("simcse", dropout=rate) for rate in (0.0, 0.2)}
    experiments |= {f"repeat-{rate}": claim("simcse", repeat=rate) for rate in (0.16, 0.32)}
    for name in ("none", "Shuffle", "TokenCutoff", "FeatureCutoff", "ElementDropout", "Span"):
        experiments[f"consert-{name}"] = claim("consert", second=name)
    experiments |= {f"queue-{size}": claim("esimcse", queue=size) for size in (64, 640)}
    return experiments | {"hard-none": claim("simcse_sup", "nli", pairs=True)}


EXPERIMENTS = {**_methods(), **_claims()}


def changed(experiment: Experiment, model: str) -> "Recipe":
    """The recipe of an experiment, within the budget."""
    import simemb
    from simemb.method.recipe_files import find

    recipe, changes = find(experiment.recipe), dict(experiment.changes)
    budget = {"batch_size": BATCH, "max_steps": STEPS, "learning_rate": LEARNING_RATE, "schedule": "linear"}
    recipe = replace(recipe, **budget, warmup=0.0, epochs=changes.pop("epochs", 1), max_length=32, keep="last")
    recipe = replace(recipe, eval_every=STEPS, patience=None)
    views = recipe.views
    if "repeat" in changes:
        views = (views[0], replace(views[1], augment=(simemb.Repeat(changes.pop("repeat")),)))
    if "second" in changes:
        name = changes.pop("second")
        views = (
            replace(views[0], augment=()),
            replace(views[1], augment=() if name == "none" else (getattr(simemb, name)(),)),
        )
    if changes.pop("pairs", False):
        views = views[:2]
    if "queue" in changes:
        changes["memory"] = replace(recipe.memory, size=changes.pop("queue"))
    if "teacher" in changes:
        changes["target"] = simemb.Frozen(str(Path(model).parent / changes.pop("teacher")))
    if "guide" in changes:
        changes["guide"] = str(Path(model).parent / changes["guide"])
    return replace(recipe, views=views, **changes)


def run(name: str, seed: int, model: str, work: Path) -> None:
    """Train with one seed, and record the scores."""
    from simemb import fit

    experiment = EXPERIMENTS[name]
    recipe = changed(experiment, model)
    output = work / f"{name}-{seed}"
    shutil.rmtree(output, ignore_errors=True)
    data = _rows(experiment, work)
    result = fit(
        recipe,
        model,
        data,
        output=output,
        pooling=recipe.pooling,
        dev="none",
        seed=seed,
        precision="bf16",
        progress=False,
    )
    record = {
        "recipe": experiment.recipe,
        "data": experiment.data,
        "changes": experiment.changes,
        "steps": result.steps,
        "seconds": result.seconds,
        "loss": _loss(output),
    }
    _write(name, seed, recipe.pooling, model, record | measured(result.encoder, tasks=experiment.tasks))


def base(pooling: str, model: str) -> None:
    """Score the base as it is."""
    from simemb import Encoder

    encoder = Encoder.load(model, pooling=pooling)
    _write(f"base-{pooling}", 0, pooling, model, {"recipe": None} | measured(encoder, tasks=True))


class CachingEncoder:
    """An encoder that encodes every text once."""

    def __init__(self, encoder: "Encoder"):
        self.encoder, self.name, self.fingerprint = encoder, encoder.name, encoder.fingerprint
        self.vectors: dict[str, Any] = {}

    def encode(self, texts: list[str], **options: Any) -> Any:
        """The vectors of texts; those that are not cached come from the encoder."""
        import numpy as np

        new = [text for text in dict.fromkeys(texts) if text not in self.vectors]
        if new:
            self.vectors |= zip(new, self.encoder.encode(new, **options), strict=True)
        return np.stack([self.vectors[text] for text in texts])


def measured(plain: "Encoder", *, tasks: bool) -> dict[str, Any]:
    """Scores, geometry, and the dependence of similarity on length."""
    from simemb import evaluate
    from simemb.evaluation.evaluate import find

    encoder: Any = CachingEncoder(plain)
    dev = evaluate(encoder, "stsb_dev", geometry=False, progress=False)
    scores = evaluate(encoder, "sts", geometry=True, progress=False) if tasks else None
    if scores is None:
        suite = find("stsb_dev")
        suite = replace(suite, geometry=suite.tasks[0])
        dev = evaluate(encoder, suite, geometry=True, progress=False)
    geometry = (scores or dev).geometry
    assert geometry is not None
    record: dict[str, Any] = {"dev": dev.points, **length_and_isotropy(encoder)}
    record |= {key: getattr(geometry, key) for key in ("alignment", "uniformity", "effective_rank")}
    if scores is not None:
        record["tasks"] = {task: value.all.spearman for task, value in scores.tasks.items()}
        record["average"] = scores.average.all.spearman
    return record


def length_and_isotropy(encoder: Any) -> dict[str, float]:
    """Length bias, as in ESimCSE's table 1, and anisotropy, on STS-B dev.

    length_gap: how much more a model overrates pairs of similar length (at most 3 words apart) than others,
    as the difference of the mean of cosine - gold / 5. cosine_of_random: the mean cosine of unrelated sentences.
    """
    import numpy as np

    from simemb.corpus.rows import open_rows

    pairs = list(open_rows("stsb_dev").scored())
    first, second = (normalized(encoder.encode([pair[side] for pair in pairs], progress=False)) for side in (0, 1))
    over = (first * second).sum(1) - np.array([score for *_, score in pairs]) / 5
    like = np.array([abs(len(a.split()) - len(b.split())) <= 3 for a, b, _ in pairs])
    among = first @ first.T
    return {
        "length_gap": float(over[like].mean() - over[~like].mean()),
        "cosine_of_random": float(among[~np.eye(len(among), dtype=bool)].mean()),
    }


def normalized(vectors: Any) -> Any:
    """The rows at unit length."""
    return vectors / (vectors**2).sum(1, keepdims=True) ** 0.5


def _write(name: str, seed: int, pooling: str, model: str, record: dict[str, Any]) -> None:
    import torch

    from simemb.training.run_directory import environment

    facts = environment()
    place = {"name": name, "seed": seed, "pooling": pooling, "base": Path(model).name, "precision": "bf16"}
    provenance = {"versions": facts["versions"], "machine": facts["machine"], "threads": torch.get_num_threads()}
    RESULTS.mkdir(parents=True, exist_ok=True)
    _result(name, seed).write_text(json.dumps({**place, **record, **provenance}, indent=2) + "\n")


def _result(name: str, seed: int) -> Path:
    return RESULTS / f"{name}-{seed}.json"


def _loss(output: Path) -> list[tuple[int, float]]:
    records = [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]
    return [(record["step"], record["loss"]) for record in records if "loss" in record]


def _rows(experiment: Experiment, work: Path) -> str:
    """The data within the budget: a file with the first sentences of a wiki corpus, or a corpus by its name."""
    from simemb.corpus.rows import open_rows

    count = STEPS * BATCH // experiment.changes.get("epochs", 1)
    if experiment.data in ("stsb", "nli"):
        return experiment.data
    path = work / f"{experiment.data}-{count}.txt"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        sentences = (row[0] for row in open_rows(experiment.data).texts())
        short = sentences if experiment.data == "wiki_running" else (s for s in sentences if len(s) <= LONGEST)
        partial = path.with_suffix(f".{os.getpid()}")
        partial.write_text("".join(f"{sentence}\n" for sentence in islice(short, count + 1)), encoding="utf-8")
        partial.replace(path)
    return str(path)


def unfinished(names: list[str], seeds: list[int] | None, work: Path) -> Iterator[tuple[str, int]]:
    """The runs that are neither recorded nor in progress; the first seed of every experiment before the second."""
    queue = [(seed, place, name) for place, name in enumerate(names) for seed in seeds or EXPERIMENTS[name].seeds]
    work.mkdir(parents=True, exist_ok=True)
    for seed, _, name in sorted(queue):
        claim = work / f"{name}-{seed}.running"
        if _result(name, seed).exists():
            continue
        try:
            claim.touch(exist_ok=False)
        except FileExistsError:
            continue
        try:
            yield name, seed
        finally:
            claim.unlink()


def main() -> None:
    """Run experiments, or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    runner = verbs.add_parser("run")
    runner.add_argument("--model", required=True)
    runner.add_argument("--only", nargs="+", choices=list(EXPERIMENTS), default=list(EXPERIMENTS))
    runner.add_argument("--seeds", nargs="+", type=int, help="by default the seeds of the experiment")
    runner.add_argument("--work", type=Path, default=Path("runs/comparison"))
    verbs.add_parser("table")
    options = parser.parse_args()
    if options.verb == "run":
        for pooling in ("cls", "mean"):
            if not _result(f"base-{pooling}", 0).exists() and options.only == list(EXPERIMENTS):
                base(pooling, options.model)
        for name, seed in unfinished(options.only, options.seeds, options.work):
            run(name, seed, options.model, options.work)
    else:
        write_tables()


if __name__ == "__main__":
    main()
