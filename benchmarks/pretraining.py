"""What do recipes without labels make of a small language model, and how does that grow with its pre-training?

    python benchmarks/pretraining.py sweep [--model base] [--recipes simcse barlow]
    python benchmarks/pretraining.py curve FOLDER [--recipes simcse]
    python benchmarks/pretraining.py table

`sweep` trains every recipe at every learning rate with one seed, chooses the rate on STS-B dev, and scores three
seeds of it on the seven STS tasks. `curve` trains each checkpoint of a language model in FOLDER (FOLDER/STEPS) once, at
the rate that the sweep chose. Sentences of Wikipedia, 200 steps of 64, mean pooling before and after. Every run is
recorded in eval/results/pretraining/ and not repeated; `table` writes the tables of docs/bundled.md.
"""

import argparse
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "eval" / "results" / "pretraining"
PAGE = ROOT / "docs" / "bundled.md"
START, END = "<!-- pretraining: made by benchmarks/pretraining.py -->", "<!-- end of pretraining -->"
RECIPES = ("simcse", "esimcse", "consert", "simclr", "barlow", "vicreg")
RATES = (1e-5, 3e-5, 1e-4)
SEEDS = (1, 2, 3)
STEPS, BATCH = 200, 64


def record(name: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The recorded result of a run, or that of `work`, which is recorded now."""
    path = RESULTS / f"{name}.json"
    if not path.exists():
        RESULTS.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(work(), indent=1) + "\n")
        print(name, json.loads(path.read_text()), flush=True)
    return json.loads(path.read_text())


def score(encoder: Any, *, tasks: bool) -> dict[str, float]:
    """STS-B dev, and the average of the seven tasks."""
    from simemb import evaluate

    dev = evaluate(encoder, "stsb_dev", progress=False).points
    return {"dev": dev} | ({"average": evaluate(encoder, "sts", progress=False).points} if tasks else {})


def train(recipe: str, model: str, rate: float, seed: int, *, tasks: bool) -> dict[str, float]:
    """The scores after training."""
    from simemb import fit
    from simemb.method.recipe_files import find

    budget = {"batch_size": BATCH, "max_steps": STEPS, "learning_rate": rate, "schedule": "linear", "warmup": 0.0}
    method = replace(find(recipe), **budget, max_length=32, eval_every=STEPS, patience=None, keep="last")
    folder = tempfile.mkdtemp()
    try:
        result = fit(
            method, model, "wiki", output=f"{folder}/run", dev="none", pooling="mean", seed=seed, progress=False
        )
        return {"rate": rate} | score(result.encoder, tasks=tasks)
    finally:
        shutil.rmtree(folder)


def before(model: str) -> dict[str, float]:
    """The scores of the language model itself."""
    from simemb import Encoder

    return score(Encoder.load(model, pooling="mean"), tasks=True)


def chosen(recipe: str, model: str) -> float:
    """The learning rate that is best on STS-B dev."""
    scores = {
        rate: record(f"{recipe}-{rate:g}", partial(train, recipe, model, rate, 1, tasks=False))["dev"] for rate in RATES
    }
    return max(scores, key=lambda rate: scores[rate])


def sweep(model: str, recipes: list[str]) -> None:
    """Every recipe at its best rate, three seeds."""
    record("base", partial(before, model))
    for recipe in recipes:
        rate = chosen(recipe, model)
        for seed in SEEDS:
            record(f"{recipe}-best-{seed}", partial(train, recipe, model, rate, seed, tasks=True))


def curve(folder: Path, recipe: str) -> None:
    """A recipe from every checkpoint of the language model, and the checkpoint itself."""
    rate = json.loads((RESULTS / f"{recipe}-best-1.json").read_text())["rate"]
    for checkpoint in sorted(folder.iterdir(), key=lambda path: int(path.name)):
        model = str(checkpoint)
        record(f"curve-{checkpoint.name}-before", partial(before, model))
        record(f"curve-{checkpoint.name}-{recipe}", partial(train, recipe, model, rate, 1, tasks=True))


# ---- the tables ------------------------------------------------------------------------------------


def read(name: str) -> dict[str, Any]:
    """A recorded result."""
    return json.loads((RESULTS / f"{name}.json").read_text())


def sweep_table() -> str:
    """The base, then each recipe: mean and deviation of three seeds."""
    base = read("base")
    rows = [f"| `base` | | {base['dev']:.2f} | {base['average']:.2f} | |"]
    for recipe in RECIPES:
        runs = [read(f"{recipe}-best-{seed}") for seed in SEEDS if (RESULTS / f"{recipe}-best-{seed}.json").exists()]
        if len(runs) < len(SEEDS):
            continue
        dev, average = ([run[name] for run in runs] for name in ("dev", "average"))
        gain = fmean(average) - base["average"]
        cells = [f"{fmean(values):.2f} ± {stdev(values):.2f}" for values in (dev, average)]
        rows.append(f"| `{recipe}` | {runs[0]['rate']:g} | {cells[0]} | {cells[1]} | {gain:+.2f} |")
    return "\n".join(
        ["| recipe | learning rate | STS-B dev | average of 7 | gain |", "|---|---:|---:|---:|---:|", *rows]
    )


def curve_table() -> str:
    """A row for each checkpoint."""
    rows: list[str] = []
    for path in sorted(RESULTS.glob("curve-*-before.json"), key=lambda path: int(path.stem.split("-")[1])):
        steps = path.stem.split("-")[1]
        (after,) = (each for each in RESULTS.glob(f"curve-{steps}-*.json") if each != path)
        base, trained = read(path.stem), read(after.stem)
        numbers = (base["dev"], trained["dev"], base["average"], trained["average"])
        cells = " | ".join(f"{number:.2f}" for number in numbers)
        rows.append(f"| {int(steps):,} | {cells} | {trained['average'] - base['average']:+.2f} |")
    heads = "| steps of MLM | STS-B dev | trained | average of 7 | trained | gain |"
    return "\n".join([heads, "|---:|---:|---:|---:|---:|---:|", *rows])


def write_tables() -> None:
    """Write the tables of docs/bundled.md between their marks."""
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
    tail = rest.partition(END)[2]
    tables = f"{sweep_table()}\n\n{curve_table()}"
    PAGE.write_text(f"{head}{START}\n{tables}\n{END}{tail}", encoding="utf-8")


def main() -> None:
    """Run one of the three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["sweep", "curve", "table"])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--model", default="base")
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES))
    options = parser.parse_args()
    if options.what == "sweep":
        sweep(options.model, options.recipes)
    elif options.what == "curve":
        curve(options.folder, options.recipes[0])
    else:
        write_tables()


if __name__ == "__main__":
    main()
