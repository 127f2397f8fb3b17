"""The tables of train/README.md and its picture, from the records of `comparison.py`."""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import comparison_picture
from comparison_experiments import (
    BASE_METHODS,
    BASES,
    BATCH,
    CANDIDATES,
    CLAIMS,
    DOMAIN_METHODS,
    DOMAINS,
    RATES,
    REFERENCE,
    SEEDS,
    STEPS,
)
from comparison_runs import Record, records

PAGE = Path(__file__).resolve().parent.parent / "train" / "README.md"
START, END = "<!-- comparison: made by benchmarks/comparison.py -->", "<!-- end of comparison -->"
TASKS = ("sts12", "sts13", "sts14", "sts15", "sts16", "stsb", "sickr")
KINDS = {"sentences": ("wiki", "wiki_running"), "with labels": ("nli", "stsb")}


def write() -> None:
    """Write the tables between their marks, and the picture."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
    parts = [_choice(), *(_methods(data, title) for title, data in KINDS.items())]
    parts += [*(_claim(title, names) for title, names in CLAIMS.items()), _domains(), _bases(), _budget()]
    text = "\n\n".join(part for part in parts if part)
    PAGE.write_text(f"{before}{START}\n{text}\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    comparison_picture.write(complete("methods"), _before())


def complete(part: str) -> dict[str, list[Record]]:
    """The runs of each experiment that has all its seeds."""
    groups: dict[str, list[Record]] = {}
    for line in records(part):
        groups.setdefault(line["name"], []).append(line)
    return {name: runs for name, runs in groups.items() if {run["seed"] for run in runs} == set(SEEDS)}


def _before() -> Record | None:
    return next((line for line in records("before") if line["name"] == "tiny"), None)


# ---- the tables ------------------------------------------------------------------------------------


def _choice() -> str:
    """Plain SimCSE from every candidate: what decided the base."""
    found = {(line["name"], line["rate"]): line["dev"] for line in records("sweep")}
    before = {line["name"]: line["dev"] for line in records("before")}
    rows = []
    for base in CANDIDATES:
        devs = [found.get((f"simcse-from-{base}", rate)) for rate in RATES]
        if any(dev is not None for dev in devs):
            rows.append([f"`{base}`", _number(before.get(base)), *map(_number, devs)])
    return _table(["base, STS-B dev", "before", *(f"SimCSE at {rate:g}" for rate in RATES)], rows)


def _methods(data: Sequence[str], title: str) -> str:
    """The methods that learn from such data, the best average first."""
    groups = {name: runs for name, runs in complete("methods").items() if runs[0]["data"] in data}
    costs = {line["name"]: line for line in records("costs")}
    heads = [title, "rate", *TASKS, "average", "beyond base", f"beyond {REFERENCE}", "transfer", "alignment"]
    heads += ["uniformity", "eff. rank", "s / 100 steps", "MB"]
    rows = []
    if before := _before():
        rows.append(["the base", "", *_points([before]), "", "", *_rest([before]), "", ""])
    for name, runs in sorted(groups.items(), key=lambda item: -mean(run["average"] for run in item[1])):
        cost = costs.get(name)
        spent = [f"{100 * cost['seconds']:.0f}", f"{cost['megabytes']:,}"] if cost else ["", ""]
        verdicts = [_verdict(name, against) for against in ("base", REFERENCE)]
        rows.append([f"`{name}`", f"{runs[0]['rate']:g}", *_points(runs), *verdicts, *_rest(runs), *spent])
    return _table(heads, rows) if groups else ""


def _points(runs: list[Record]) -> list[str]:
    return [
        *(_spread([run["tasks"][task] for run in runs]) for task in TASKS),
        _spread([run["average"] for run in runs]),
    ]


def _rest(runs: list[Record]) -> list[str]:
    places = {"transfer": 2, "alignment": 3, "uniformity": 3, "effective_rank": 1}
    return [_spread([run[name] for run in runs if name in run], digits) for name, digits in places.items()]


def _verdict(name: str, against: str) -> str:
    """The gain with its interval; bold where Holm's correction over all tested methods leaves it beyond noise."""
    lines = [line for line in records("tests") if line["against"] == against]
    own = next((line for line in lines if line["name"] == name), None)
    if own is None:
        return ""
    text = f"{own['gain']:+.2f} ({own['low']:+.2f} to {own['high']:+.2f})"
    return f"**{text}**" if _holm([line["p"] for line in lines])[lines.index(own)] < 0.05 else text


def _holm(values: list[float]) -> list[float]:
    from simemb.comparison.significance import holm

    return list(holm(values))


def _claim(title: str, names: Sequence[str]) -> str:
    """The experiments that test a claim."""
    groups = complete("methods") | complete("claims")
    rows = []
    for name in names:
        if name in groups:
            runs = groups[name]
            cells = [_spread([run[key] for run in runs]) for key in ("dev", "average")]
            cells += [_spread([run[key] for run in runs], 3) for key in ("cosine_of_random", "length_gap")]
            rows.append([f"`{name}`", *cells])
    heads = [title, "STS-B dev", "average of 7", "mean cosine of random pairs", "length gap"]
    return _table(heads, rows) if len(rows) > 1 else ""


def _domains() -> str:
    """nDCG@10 before and after training on a domain's own texts."""
    groups, before = complete("domains"), _before()
    rows = []
    for recipe in DOMAIN_METHODS:
        runs = [groups.get(f"{domain}-{recipe}") for domain in DOMAINS]
        if any(runs):
            cells = [
                _spread([run["retrieval"][domain] for run in of]) if of else ""
                for domain, of in zip(DOMAINS, runs, strict=True)
            ]
            rows.append([f"`{recipe}`", *cells])
    if rows and before and "retrieval" in before:
        rows.insert(0, ["the base", *(f"{before['retrieval'][domain]:.2f}" for domain in DOMAINS)])
    heads = ["on a domain's own texts, without labels", *(f"nDCG@10 on {domain}" for domain in DOMAINS)]
    return _table(heads, rows) if rows else ""


def _bases() -> str:
    """The gain of the same methods from several bases."""
    groups, before = complete("bases") | complete("methods"), {line["name"]: line for line in records("before")}
    rows = []
    for recipe in BASE_METHODS:
        cells = []
        for base in ("tiny", *BASES):
            runs = groups.get(recipe if base == "tiny" else f"{base}-{recipe}")
            start = before.get(base)
            known = runs and start
            cells.append(_spread([run["average"] - start["average"] for run in runs], sign="+") if known else "")  # type: ignore[index,union-attr]
        if any(cells):
            rows.append([f"`{recipe}`", *cells])
    return _table(["gain on the average of 7", *(f"from `{base}`" for base in ("tiny", *BASES))], rows) if rows else ""


def _budget() -> str:
    rates = ", ".join(f"{rate:g}" for rate in RATES)
    return (
        f"{STEPS:,} steps of {BATCH}; seeds {', '.join(map(str, SEEDS))}; learning rate out of {rates}, on STS-B dev."
    )


# ---- cells -----------------------------------------------------------------------------------------


def _spread(values: Sequence[float], places: int = 2, sign: str = "") -> str:
    middle = f"{mean(values):{sign}.{places}f}"
    return middle if len(values) == 1 else f"{middle} ± {stdev(values):.{places}f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    if not rows:
        return ""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
