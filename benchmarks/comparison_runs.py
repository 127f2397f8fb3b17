"""The runs of the comparison: bases made, recipes trained, encoders measured, everything recorded once.

A run is recorded as a line of eval/results/comparison/PART.jsonl. Its encoder stays in the work folder, for the paired
tests; where the folder is gone, a test trains it anew from the same seed.
"""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from comparison_experiments import BATCH, DOMAINS, LENGTH, RATES, SEEDS, STEPS, Experiment

if TYPE_CHECKING:
    from simemb import Encoder, Recipe

RESULTS = Path(__file__).resolve().parent.parent / "eval" / "results" / "comparison"
LONGEST = 100
"""The maximum length of a sentence of Wikipedia in characters: a little above that of STS sentences."""
TEACHER = "mini"
"""The teacher and the guide of recipes that need one."""

Record = dict[str, Any]


# ---- records ---------------------------------------------------------------------------------------


def records(part: str) -> list[Record]:
    """The lines of a part."""
    path = RESULTS / f"{part}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def recorded(part: str, **facts: Any) -> Record | None:
    """The line of a part that has these facts."""
    return next((line for line in records(part) if all(line.get(key) == value for key, value in facts.items())), None)


def add(part: str, record: Record) -> None:
    """Append a line; several processes may."""
    from simemb.locks import lock

    path = RESULTS / f"{part}.jsonl"
    RESULTS.mkdir(parents=True, exist_ok=True)
    with lock(path, wait=True), path.open("a") as file:
        file.write(json.dumps(record) + "\n")
    shown = ("name", "against", "rate", "seed", "dev", "average", "gain", "p")
    print(part, {key: record[key] for key in shown if key in record}, flush=True)


# ---- runs ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """An experiment at a learning rate with a seed, in a work folder."""

    experiment: Experiment
    rate: float
    seed: int
    work: Path

    @property
    def output(self) -> Path:
        """The run directory."""
        return self.work / "runs" / f"{self.experiment.name}-{self.rate:g}-{self.seed}"

    @property
    def facts(self) -> Record:
        """What names the run in the records."""
        return {"name": self.experiment.name, "rate": self.rate, "seed": self.seed}

    def encoder(self) -> "Encoder":
        """The trained encoder, from the work folder if it is there."""
        from simemb import Encoder

        if not (self.output / "best" / "modules.json").exists():
            self.train()
        return Encoder.load(str(self.output))

    def train(self) -> Record:
        """Train, and say what it came to."""
        from simemb import fit

        result = fit(
            changed(self.experiment, self.rate),
            str(base(self.experiment.base, self.work)),
            str(texts(self.experiment, self.work)),
            output=self.output,
            overwrite=True,
            dev="none",
            seed=self.seed,
            progress=False,
        )
        return {"steps": result.steps, "seconds": round(result.seconds, 1)}


def changed(experiment: Experiment, rate: float) -> "Recipe":
    """The recipe of an experiment within the budget, which is the same for all."""
    import simemb
    from simemb.method.recipe_files import find

    recipe, changes = find(experiment.recipe), dict(experiment.changes)
    views, given = recipe.views, {}
    if "repeat" in changes:
        views = (views[0], replace(views[1], augment=(simemb.Repeat(changes.pop("repeat")),)))
    if "second" in changes:
        name = changes.pop("second")
        second = () if name == "none" else (getattr(simemb, name)(),)
        views = (replace(views[0], augment=()), replace(views[1], augment=second))
    if changes.pop("pairs", False):
        views = views[:2]
    if "queue" in changes:
        given["memory"] = replace(recipe.memory, size=changes.pop("queue"))
    if "alpha" in changes:
        from math import log

        given["objective"] = replace(recipe.objective, hard_negative_weight=log(changes.pop("alpha")))
    if changes.pop("guided", False):
        rule = simemb.FalseNegatives(margin=0.0, guided=True)
        given |= {"objective": replace(recipe.objective, false_negatives=rule), "guide": TEACHER}
    if isinstance(recipe.target, simemb.Frozen):
        given["target"] = replace(recipe.target, model=TEACHER)
    budget = {"batch_size": BATCH, "max_steps": STEPS, "epochs": STEPS, "max_length": LENGTH, "learning_rate": rate}
    plain = {"schedule": "linear", "warmup": 0.0, "keep": "last", "eval_every": STEPS, "patience": None, "chunk": None}
    return replace(recipe, views=views, **given, **changes, **budget, **plain)


def texts(experiment: Experiment, work: Path) -> Path | str:
    """The data: a corpus by name, or a file of its texts in the work folder."""
    if experiment.data in ("stsb", "nli"):
        return experiment.data
    path = work / "texts" / f"{experiment.data}.txt"
    if not path.exists():
        from simemb.files import write_text

        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, "".join(f"{text}\n" for text in _read(experiment.data)))
    return path


def _read(data: str) -> Iterator[str]:
    """The texts of a corpus: short sentences, running text, or the documents of a retrieval task."""
    from simemb.corpus.rows import open_rows

    if data in DOMAINS:
        from simemb.evaluation.evaluate import find

        (task,) = find(f"retrieval/{data}").tasks
        yield from (" ".join(text.split()) for role, text in task.load().by_role() if role == "document")
        return
    sentences = (row[0] for row in open_rows(data).texts())
    whole = sentences if data == "wiki_running" else (text for text in sentences if len(text) <= LONGEST)
    yield from islice(whole, STEPS * BATCH)


# ---- bases -----------------------------------------------------------------------------------------

PASSES = {"tiny": 6, "half": 3}
"""How often the bases that the comparison makes itself have seen their texts."""
PRETRAINING: Record = {
    **{"batch_size": 256, "max_length": 64, "learning_rate": 1e-3, "warmup": 0.02, "dropout": 0.0},
    **{"pooling": "mean", "keep": "last", "eval_every": 500},
}


def base(name: str, work: Path) -> Path | str:
    """The base of a name: it ships, or is made here if it is not there yet, or lies in `bases/`."""
    if name == "base":
        return name
    place = _pretrained(name, work) if name in PASSES else work / "bases" / name
    if not place.exists():
        raise SystemExit(f"{place} is not there: link the directory of this model to it, or name other experiments")
    return place


def _pretrained(name: str, work: Path) -> Path:
    """A masked language model of 2 layers x 128, whose first word embeddings are those of `mini`."""
    from simemb import fit
    from simemb.locks import lock
    from simemb.method.recipe_files import find

    folder = work / "bases"
    place = folder / name / "best"
    with lock(folder, wait=True):
        if (place / "modules.json").exists():
            return place
        blank, data = folder / "blank", folder / "texts.txt"
        _write_pretraining_texts(data)
        if not blank.exists():
            shape = ["--vocabulary", "8000", "--layers", "2", "--width", "128", "--heads", "2", "--length", "512"]
            words = ["simemb", "new", str(blank), "--data", str(data), "--words-from", "mini", *shape]
            subprocess.run(words, check=True)
        recipe = replace(find("mlm"), epochs=PASSES[name], **PRETRAINING)
        begun = (folder / name / "recipe.json").exists()
        fit(recipe, str(blank), str(data), output=folder / name, resume=begun, dev="stsb_dev")
    return place


def _write_pretraining_texts(path: Path) -> None:
    """Sentences of Wikipedia, captions and premises, each once, in a random order."""
    from simemb.corpus.rows import open_rows
    from simemb.files import write_text

    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        texts = sorted({row[0] for corpus in ("wiki", "captions", "nli") for row in open_rows(corpus).texts()})
        Random(1).shuffle(texts)
        write_text(path, "".join(f"{text}\n" for text in texts))


# ---- measures --------------------------------------------------------------------------------------


def measured(encoder: "Encoder", *suites: str) -> Record:
    """STS-B dev, the seven tasks, geometry, and what of `transfer` and `retrieval` is asked for."""
    from simemb import evaluate

    record: Record = {"dev": evaluate(encoder, "stsb_dev", geometry=False, progress=False, cache=False).points}
    record |= length_and_isotropy(encoder)
    scores = evaluate(encoder, "sts", geometry=True, progress=False, cache=False)
    record |= {"tasks": {task: value.all.spearman for task, value in scores.tasks.items()}}
    record |= {"average": scores.average.all.spearman}
    geometry = scores.geometry
    assert geometry is not None
    record |= {key: getattr(geometry, key) for key in ("alignment", "uniformity", "effective_rank")}
    if "transfer" in suites:
        record["transfer"] = evaluate(encoder, "transfer", progress=False, cache=False).points
    if "retrieval" in suites:
        retrieval = evaluate(encoder, "retrieval", progress=False, cache=False)
        record["retrieval"] = {task: ndcg(scores) for task, scores in retrieval.tasks.items()}
    return record


def measure_base(name: str, work: Path) -> None:
    """Measure a base as it is, by the mean of its tokens."""
    if recorded("before", name=name) is None:
        from simemb import Encoder

        encoder = Encoder.load(str(base(name, work)), pooling="mean")
        add("before", {"name": name} | measured(encoder, "transfer", "retrieval"))


def ndcg(scores: Any) -> float:
    """nDCG@10 of a retrieval task."""
    return scores.numbers()["ndcg@10"]


def length_and_isotropy(encoder: Any) -> dict[str, float]:
    """Length bias, as in ESimCSE's table 1, and anisotropy, on STS-B dev.

    length_gap: how much more a model overrates pairs of similar length (at most 3 words apart) than others,
    as the difference of the mean of cosine - gold / 5. cosine_of_random: the mean cosine of unrelated sentences.
    """
    import numpy as np

    from simemb.corpus.rows import open_rows

    pairs = list(open_rows("stsb_dev").scored())
    first, second = (encoder.encode([pair[side] for pair in pairs], normalize=True, progress=False) for side in (0, 1))
    over = (first * second).sum(1) - np.array([score for *_, score in pairs]) / 5
    like = np.array([abs(len(a.split()) - len(b.split())) <= 3 for a, b, _ in pairs])
    among = first @ first.T
    return {
        "length_gap": float(over[like].mean() - over[~like].mean()),
        "cosine_of_random": float(among[~np.eye(len(among), dtype=bool)].mean()),
    }


# ---- one experiment --------------------------------------------------------------------------------


def chosen(experiment: Experiment, every: dict[str, Experiment], work: Path) -> float:
    """The learning rate that is best on STS-B dev with seed 1; missing runs of the sweep are trained."""
    swept = every[experiment.swept]
    for rate in RATES:
        run = Run(swept, rate, 1, work)
        if recorded("sweep", **run.facts) is None:
            from simemb import evaluate

            facts = run.train()
            dev = evaluate(run.encoder(), "stsb_dev", geometry=False, progress=False, cache=False).points
            add("sweep", run.facts | facts | {"dev": dev})
    lines = [line for line in records("sweep") if line["name"] == swept.name]
    return max(lines, key=lambda line: line["dev"])["rate"]


def finish(experiment: Experiment, every: dict[str, Experiment], work: Path) -> None:
    """Every seed at the chosen rate, measured."""
    rate = chosen(experiment, every, work)
    for seed in SEEDS:
        run = Run(experiment, rate, seed, work)
        if recorded(experiment.part, **run.facts) is None:
            facts = {"base": experiment.base, "recipe": experiment.recipe, "data": experiment.data}
            add(experiment.part, run.facts | facts | measured(run.encoder(), *_suites(experiment, seed)))


def _suites(experiment: Experiment, seed: int) -> list[str]:
    """Beyond STS: transfer for one seed of a method, since it costs as much as a training; retrieval on a domain."""
    asked = {"transfer": experiment.part == "methods" and seed == SEEDS[0], "retrieval": experiment.part == "domains"}
    return [suite for suite, wanted in asked.items() if wanted]
