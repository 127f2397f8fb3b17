"""What the recipes do to a real base: the runs behind the second table of train/README.md.

    python benchmarks/methods.py run --model PATH/minilm-l4-mlm [--only NAME ...] [--work runs/methods]
    python benchmarks/methods.py table

`run` needs the corpora under $SIMEMB_DATA; it can be stopped and started again, finished runs are kept.
Each seed of each experiment writes one file of eval/results/: the settings, the score on STS-B dev that
chose the checkpoint, the seven STS tasks before and after, alignment and uniformity on the whole STS-B,
time, machine and versions. `table` makes the tables from these files.

Settings were options on STS-B dev with seed 1 (the experiments whose name begins with sweep-), never on a
test set.
"""

import argparse
import json
import shutil
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from simemb import Recipe

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "eval" / "results"
PAGE = ROOT / "train" / "README.md"
START, END = "<!-- results: made by benchmarks/methods.py -->", "<!-- end of results -->"


@dataclass(frozen=True)
class Experiment:
    """A recipe with some fields changed, on the first `rows` rows of a corpus (None: all), once for each seed.

    test: whether the seven STS tasks are scored too; a sweep is scored on STS-B dev alone. precision: as in
    `simemb.fit`.
    """

    recipe: str = "simcse"
    data: str = "wiki"
    rows: int | None = 32_000
    changes: dict[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] = (1,)
    test: bool = True
    precision: Literal["no", "bf16"] = "no"


def sweep(**changes: Any) -> Experiment:
    """One setting of `simcse`, judged on STS-B dev with seed 1."""
    return Experiment(rows=4_800, changes=changes | {"eval_every": 25}, test=False)


EXPERIMENTS = {
    "simcse_sup": Experiment("simcse_sup", "nli", None, {"epochs": 1, "batch_size": 128}),
    "sweep-paper": sweep(),
    "sweep-mean": sweep(pooling="mean"),
    "sweep-lr-1e-5": sweep(learning_rate=1e-5),
    "sweep-lr-1e-4": sweep(learning_rate=1e-4),
    "sweep-temperature-0.1": sweep(temperature=0.1),
    "sweep-dropout-0.2": sweep(dropout=0.2),
    "sweep-length-64": sweep(max_length=64),
    "simcse": Experiment(changes={"learning_rate": 1e-5}, seeds=(1, 2, 3), precision="bf16"),
}


def run(name: str, seed: int, model: str, work: Path) -> None:
    """Train with one seed and record the scores."""
    import torch

    from simemb import Encoder, evaluate, fit
    from simemb.training.run_directory import environment

    experiment = EXPERIMENTS[name]
    recipe = changed(experiment)
    output = work / f"{name}-{seed}"
    shutil.rmtree(output, ignore_errors=True)
    data = _rows(experiment, work)
    result = fit(
        recipe,
        model,
        data,
        output=output,
        pooling=recipe.pooling,
        dev="stsb_dev",
        seed=seed,
        precision=experiment.precision,
    )
    assert result.before is not None
    assert result.after is not None
    record: dict[str, Any] = {
        "name": name,
        "seed": seed,
        "precision": experiment.precision,
        "recipe": recipe.to_json(),
        "changes": experiment.changes,
        "base": Path(model).name,
        "data": experiment.data,
        "rows": experiment.rows,
        "dev_before": result.before.points,
        "dev": result.after.points,
        "dev_curve": _curve(output),
        "best_step": result.best_step,
        "steps": result.steps,
        "seconds": result.seconds,
        "sentences_per_second": result.sentences_per_second,
        "threads": torch.get_num_threads(),
        **environment(),
    }
    if experiment.test:
        base = Encoder.load(model, pooling=recipe.pooling)
        record["before"] = evaluate(base, "sts", geometry=True).to_json()
        record["after"] = evaluate(result.encoder, "sts", geometry=True).to_json()
    record["command"] = ["benchmarks/methods.py", "run", "--model", Path(model).name, "--only", name]
    for scores in (record.get("before"), record.get("after")):
        if scores:
            scores["model"] = Path(scores["model"]).name
    RESULTS.mkdir(parents=True, exist_ok=True)
    _result(name, seed).write_text(json.dumps(record, indent=2) + "\n")


def changed(experiment: Experiment) -> "Recipe":
    """The recipe of an experiment."""
    from simemb.method.recipe_files import find

    recipe, changes = find(experiment.recipe), dict(experiment.changes)
    if "temperature" in changes:
        recipe = replace(recipe, objective=replace(recipe.objective, temperature=changes.pop("temperature")))
    return replace(recipe, **changes)


def _result(name: str, seed: int) -> Path:
    return RESULTS / f"{name}-{seed}.json"


def _rows(experiment: Experiment, work: Path) -> str:
    """The corpus itself, or a file with its first rows."""
    if experiment.rows is None:
        return experiment.data
    from simemb.corpus.rows import open_rows

    path = work / f"{experiment.data}-{experiment.rows}.txt"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        sentences = (row[0] for row in islice(open_rows(experiment.data).texts(), experiment.rows))
        path.write_text("".join(sentence + "\n" for sentence in sentences), encoding="utf-8")
    return str(path)


def _curve(output: Path) -> list[tuple[int, float]]:
    records = [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]
    return [(record["step"], record["stsb_dev_spearman"]) for record in records if "stsb_dev_spearman" in record]


# ---- tables --------------------------------------------------------------------------------------


def write_tables() -> None:
    """Fill train/README.md from the result files."""
    records = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]
    groups: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        groups.setdefault(record["name"], []).append(record)
    tested = [group for group in groups.values() if "after" in group[0]]
    swept = [group[0] for group in groups.values() if "after" not in group[0]]
    tables = [table(runs) for table, runs in ((_test_table, tested), (_sweep_table, swept)) if runs]
    text = "\n\n".join([*tables, _provenance(records)])
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
    PAGE.write_text(f"{before}{START}\n{text}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def _test_table(groups: list[list[dict[str, Any]]]) -> str:
    tasks = list(groups[0][0]["before"]["tasks"])
    heads = [*tasks, "average", "alignment", "uniformity", "STS-B dev", "steps", "seconds", "sentences/s"]
    lines = ["| run | " + " | ".join(heads) + " |", "|---|" + "---:|" * len(heads)]
    poolings: set[str] = set()
    for runs in groups:
        first = runs[0]
        pooling = first["recipe"]["pooling"]
        if pooling not in poolings:
            poolings.add(pooling)
            cells = [*_scores([first["before"]], tasks), f"{first['dev_before']:.2f}", "", "", ""]
            lines.append(f"| base, {pooling} | " + " | ".join(cells) + " |")
        name = f"`{first['name']}`{_described(first['changes'])}, {first['data']}"
        name += ", bf16" if first.get("precision") == "bf16" else ""
        name += f", {len(runs)} seeds" if len(runs) > 1 else ""
        cells = _scores([run["after"] for run in runs], tasks)
        cells += [_spread([run["dev"] for run in runs], 2), str(first["steps"])]
        cells += [f"{mean(run['seconds'] for run in runs):.0f}"]
        cells += [f"{mean(run['sentences_per_second'] for run in runs):,.0f}"]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _scores(scores: list[dict[str, Any]], tasks: list[str]) -> list[str]:
    cells = [_spread([score["tasks"][task]["all"]["spearman"] for score in scores], 2) for task in tasks]
    cells.append(_spread([score["average"]["all"]["spearman"] for score in scores], 2))
    return cells + [_spread([score["geometry"][name] for score in scores], 4) for name in ("alignment", "uniformity")]


def _spread(values: list[float], places: int) -> str:
    if len(values) == 1:
        return f"{values[0]:.{places}f}"
    return f"{mean(values):.{places}f} ± {stdev(values):.{places}f}"


def _described(changes: dict[str, Any]) -> str:
    return "".join(f", {name.replace('_', ' ')} {value}" for name, value in changes.items() if name != "eval_every")


def _sweep_table(runs: list[dict[str, Any]]) -> str:
    lines = ["| `simcse`, seed 1 | STS-B dev before | after (best checkpoint) | best step | dev at each evaluation |"]
    lines.append("|---|---:|---:|---:|---|")
    for run in sorted(runs, key=lambda run: -run["dev"]):
        curve = ", ".join(f"{score:.2f}" for step, score in run["dev_curve"] if step)
        changes = _described(run["changes"]).removeprefix(", ") or "the paper's constants"
        cells = [
            changes,
            f"{run['dev_before']:.2f}",
            f"{run['dev']:.2f}",
            f"{run['best_step']} of {run['steps']}",
            curve,
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _provenance(records: list[dict[str, Any]]) -> str:
    first = records[0]
    versions = ", ".join(f"{name} {number}" for name, number in first["versions"].items())
    threads = "one thread a run, two runs at a time" if first["threads"] == 1 else f"{first['threads']} threads"
    return f"Base `{first['base']}`; {first['machine']}, {threads}; {versions}."


def main() -> None:
    """Run experiments, or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    runner = verbs.add_parser("run")
    runner.add_argument("--model", required=True)
    runner.add_argument("--only", nargs="+", choices=list(EXPERIMENTS), default=list(EXPERIMENTS))
    runner.add_argument("--seeds", nargs="+", type=int, help="by default the seeds of the experiment")
    runner.add_argument("--work", type=Path, default=Path("runs/methods"))
    verbs.add_parser("table")
    options = parser.parse_args()
    if options.verb == "run":
        for name in options.only:
            for seed in options.seeds or EXPERIMENTS[name].seeds:
                if not _result(name, seed).exists():
                    run(name, seed, options.model, options.work)
    write_tables()


if __name__ == "__main__":
    main()
