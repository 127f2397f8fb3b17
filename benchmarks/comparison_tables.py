"""The tables of train/README.md, from the records of `comparison.py`."""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "eval" / "results" / "comparison"
PAGE = ROOT / "train" / "README.md"

STEPS, BATCH, LEARNING_RATE = 100, 64, 3e-5
"""The budget of every run."""

START, END = "<!-- comparison: made by benchmarks/comparison.py -->", "<!-- end of comparison -->"

Record = dict[str, Any]

CLAIMS: dict[str, tuple[str, ...]] = {
    "Dropout makes the two views (SimCSE, table 2)": ("simcse", "dropout-fixed", "dropout-0.0", "dropout-0.2"),
    "Repetition removes the length bias (ESimCSE, table 1)": ("simcse", "repeat-0.16", "repeat-0.32", "esimcse"),
    "Which augmentation (ConSERT, figure 4)": (
        *("consert-none", "consert-Shuffle", "consert-TokenCutoff", "consert-FeatureCutoff"),
        *("consert-ElementDropout", "consert-Span", "consert"),
    ),
    "How long a queue (ESimCSE, section 4)": ("simcse", "queue-64", "esimcse", "queue-640"),
    "Hard negatives (SimCSE, table 4)": ("hard-none", "simcse_sup"),
    "Anisotropy (SimCSE, section 5)": ("base-cls", "simcse", "base-mean", "consert", "simcse_sup"),
}
"""Each claim with the runs that test it."""

WORDS = {"second": "no dropout; the second view:", "repeat": "Repeat at rate", "pairs": "without hard negatives"}
"""The words for a change of a recipe whose name does not say it."""


def write_tables() -> None:
    """Write the tables of train/README.md."""
    runs = _grouped([json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))])
    parts = [_methods(runs), *(_claim(title, names, runs) for title, names in CLAIMS.items()), _provenance(runs)]
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
    text = "\n\n".join(part for part in parts if part)
    PAGE.write_text(f"{before}{START}\n{text}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def _grouped(records: list[Record]) -> dict[str, list[Record]]:
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record["name"], []).append(record)
    return groups


def _methods(runs: dict[str, list[Record]]) -> str:
    """All methods with the seven tasks, grouped by their data, the best average first."""
    scored = {name: group for name, group in runs.items() if "tasks" in group[0]}
    tasks = list(next(iter(scored.values()))[0]["tasks"])
    heads = ["run", *tasks, "average", "STS-B dev", "alignment", "uniformity", "eff. rank", "seconds"]
    lines = [_row(heads), "|---|" + "---:|" * (len(heads) - 1)]
    kinds = {"the base as it is": None, "sentences": ("wiki", "wiki_running"), "with labels": ("nli", "stsb")}
    for title, data in kinds.items():
        groups = [
            group
            for group in scored.values()
            if (group[0]["recipe"] is None if data is None else group[0].get("data") in data)
        ]
        lines.append(_row([f"**{title}**", *[""] * (len(heads) - 1)]))
        for group in sorted(groups, key=lambda group: -mean(run["average"] for run in group)):
            cells = [_spread([run["tasks"][task] for run in group]) for task in tasks]
            cells += [_spread([run[key] for run in group]) for key in ("average", "dev")]
            cells += [_spread([run[key] for run in group], 3) for key in ("alignment", "uniformity")]
            cells.append(_spread([run["effective_rank"] for run in group], 1))
            seconds = [run["seconds"] for run in group if "seconds" in run]
            lines.append(_row([_named(group), *cells, f"{mean(seconds):.0f}" if seconds else ""]))
    return "\n".join(lines)


def _claim(title: str, names: Sequence[str], runs: dict[str, list[Record]]) -> str:
    groups = [runs[name] for name in names if name in runs]
    if len(groups) < 2:
        return ""
    heads = [title, "STS-B dev", "mean cosine of random pairs", "length gap"]
    lines = [_row(heads), "|---|" + "---:|" * (len(heads) - 1)]
    for group in groups:
        cells = [_spread([run["dev"] for run in group])]
        cells += [_spread([run[key] for run in group], 3) for key in ("cosine_of_random", "length_gap")]
        lines.append(_row([_named(group), *cells]))
    return "\n".join(lines)


def _named(group: list[Record]) -> str:
    first = group[0]
    changes = "".join(f", {_change(name, value)}" for name, value in first.get("changes", {}).items())
    recipe = f"`{first['recipe']}`" if first["recipe"] else f"base, {first['pooling']}"
    data = f", {first['data']}" if first.get("data") not in (None, "wiki") else ""
    data += ", mean" if first["recipe"] and first["pooling"] == "mean" else ""
    return recipe + changes.replace("_", " ") + data + (f", {len(group)} seeds" if len(group) > 1 else "")


def _change(name: str, value: Any) -> str:
    words = WORDS.get(name, name)
    return words if value is True else f"{words} {value}"


def _spread(values: Sequence[float], places: int = 2) -> str:
    middle = f"{mean(values):.{places}f}"
    return middle if len(values) == 1 else f"{middle} ± {stdev(values):.{places}f}"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _provenance(runs: dict[str, list[Record]]) -> str:
    first = next(iter(runs.values()))[0]
    versions = ", ".join(f"{name} {number}" for name, number in first["versions"].items())
    budget = f"{STEPS} steps of {BATCH}, learning rate {LEARNING_RATE:g} falling to 0, {first['precision']}"
    return f"Base `{first['base']}`; {budget}; {first['machine']}, {first['threads']} thread a run; {versions}."


if __name__ == "__main__":
    write_tables()
