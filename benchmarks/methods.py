"""What the recipes do on a real base: the runs behind the table in train/README.md.

    python benchmarks/methods.py run --model PATH/minilm-l4-mlm [--only NAME ...] [--work runs/methods]
    python benchmarks/methods.py table

`run` needs the corpora under $SIMEMB_DATA; it can be stopped and started again, finished runs are kept. Each
experiment writes one file of eval/results/: the settings, the score on STS-B dev that chose the checkpoint,
the seven STS tasks before and after, alignment and uniformity on the whole STS-B, time, machine and
versions. `table` makes the tables from these files.

Settings were chosen on STS-B dev with seed 1 (the experiments whose name begins with sweep-), never on a
test set.
"""

import argparse
import json
import shutil
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from statistics import mean, stdev
from typing import Any

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "eval" / "results"
PAGE = ROOT / "train" / "README.md"
START, END = "<!-- results: made by benchmarks/methods.py -->", "<!-- end of results -->"


@dataclass(frozen=True)
class Experiment:
    """A recipe with a few fields changed, on so many rows of a corpus, once for each seed.

    test: whether the seven STS tasks are scored too; a sweep looks at STS-B dev only.
    """

    recipe: str = "simcse"
    data: str = "wiki"
    rows: int | None = 32_000
    changes: dict[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] = (1,)
    test: bool = True


def sweep(**changes: Any) -> Experiment:
    """One setting of `simcse`, judged on STS-B dev with seed 1."""
    return Experiment(rows=16_000, changes=changes | {"eval_every": 50}, test=False)


EXPERIMENTS = {
    "simcse_sup": Experiment("simcse_sup", "nli", None, {"epochs": 1, "batch_size": 128}),
    "sweep-paper": sweep(),
    "sweep-mean": sweep(pooling="mean"),
    "sweep-lr-1e-5": sweep(learning_rate=1e-5),
    "sweep-lr-1e-4": sweep(learning_rate=1e-4),
    "sweep-temperature-0.1": sweep(temperature=0.1),
    "sweep-temperature-0.2": sweep(temperature=0.2),
    "sweep-dropout-0.05": sweep(dropout=0.05),
    "sweep-dropout-0.2": sweep(dropout=0.2),
    "sweep-length-64": sweep(max_length=64),
    "simcse": Experiment(seeds=(1, 2, 3)),
}


def run(name: str, model: str, work: Path) -> None:
    """Train with every seed and record what came out."""
    from simemb import Encoder, evaluate, fit
    from simemb.recipe import find
    from simemb.run import environment

    experiment = EXPERIMENTS[name]
    changes = dict(experiment.changes)
    recipe = find(experiment.recipe)
    if "temperature" in changes:
        recipe = replace(recipe, objective=replace(recipe.objective, temperature=changes.pop("temperature")))
    recipe = replace(recipe, **changes)
    record: dict[str, Any] = {
        "name": name,
        "recipe": recipe.to_json(),
        "changes": experiment.changes,
        "base": Path(model).name,
        "data": experiment.data,
        "rows": experiment.rows,
        "runs": [],
        **environment(),
    }
    base = Encoder.load(model, pooling=recipe.pooling)
    if experiment.test:
        record["before"] = evaluate(base, "sts", geometry=True).to_json()
    for seed in experiment.seeds:
        output = work / f"{name}-{seed}"
        shutil.rmtree(output, ignore_errors=True)
        data = _rows(experiment, work)
        result = fit(recipe, model, data, output=output, pooling=recipe.pooling, dev="stsb_dev", seed=seed)
        assert result.before is not None
        assert result.after is not None
        record["runs"].append(
            {
                "seed": seed,
                "dev_before": result.before.points,
                "dev": result.after.points,
                "best_step": result.best_step,
                "steps": result.steps,
                "seconds": result.seconds,
                "sentences_per_second": result.sentences_per_second,
                "after": evaluate(result.encoder, "sts", geometry=True).to_json() if experiment.test else None,
                "dev_curve": _curve(output),
            }
        )
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=2) + "\n")


def _rows(experiment: Experiment, work: Path) -> str:
    """The corpus itself, or a file with its first rows."""
    if experiment.rows is None:
        return experiment.data
    from simemb.rows import open_rows

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
    records = {path.stem: json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))}
    tested = [record for record in records.values() if record.get("before")]
    swept = [record for name, record in records.items() if name.startswith("sweep-")]
    text = "\n\n".join([_test_table(tested), _sweep_table(swept), _provenance(list(records.values()))])
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
    PAGE.write_text(f"{before}{START}\n{text}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def _test_table(records: list[dict[str, Any]]) -> str:
    tasks = list(records[0]["before"]["tasks"])
    heads = [*tasks, "average", "alignment", "uniformity", "STS-B dev", "steps", "seconds", "sentences/s"]
    lines = ["| run | " + " | ".join(heads) + " |", "|---|" + "---:|" * len(heads)]
    shown: set[str] = set()
    for record in records:
        pooling, runs = record["recipe"]["pooling"], record["runs"]
        if pooling not in shown:
            shown.add(pooling)
            dev = f"{runs[0]['dev_before']:.2f}"
            lines.append(
                f"| base, {pooling} | " + " | ".join([*_scores([record["before"]], tasks), dev, "", "", ""]) + " |"
            )
        name = f"`{record['name']}`{_described(record['changes'])}, {record['data']}"
        name += f", {len(runs)} seeds" if len(runs) > 1 else ""
        cells = _scores([run["after"] for run in runs], tasks)
        cells += [_spread([run["dev"] for run in runs], 2), str(runs[0]["steps"])]
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


def _sweep_table(records: list[dict[str, Any]]) -> str:
    lines = ["| `simcse`, seed 1 | STS-B dev before | after (best checkpoint) | best step | dev at each evaluation |"]
    lines.append("|---|---:|---:|---:|---|")
    for record in sorted(records, key=lambda record: -record["runs"][0]["dev"]):
        run = record["runs"][0]
        curve = ", ".join(f"{score:.2f}" for step, score in run["dev_curve"] if step)
        changes = _described(record["changes"]).removeprefix(", ") or "the paper's constants"
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
    return f"Base `{first['base']}`; {first['machine']}; {versions}."


def main() -> None:
    """Run experiments, or make the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    runner = verbs.add_parser("run")
    runner.add_argument("--model", required=True)
    runner.add_argument("--only", nargs="+", choices=list(EXPERIMENTS), default=list(EXPERIMENTS))
    runner.add_argument("--work", type=Path, default=Path("runs/methods"))
    verbs.add_parser("table")
    chosen = parser.parse_args()
    if chosen.verb == "run":
        for name in chosen.only:
            if not (RESULTS / f"{name}.json").exists():
                run(name, chosen.model, chosen.work)
    write_tables()


if __name__ == "__main__":
    main()
