"""Writes the results of a benchmark, with the machine and the versions, and the tables of all results.

python benchmarks/record.py        writes the tables in benchmarks/README.md anew

A result file holds lines, each with a key that names the machine: a run replaces the lines that it measured and keeps
the others, also those of other machines.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results"
OTHERS: Any = None
"""A `machine.Others` of the run, if the benchmark watches them."""
START, END = "<!-- results: made by benchmarks/record.py -->", "<!-- end of results -->"


def add(name: str, key: str, line: dict[str, Any]) -> None:
    """Record a line of question `name` in place of an older one with the same key, and write the tables."""
    if not _alone():
        return
    path = RESULTS / f"{name}.json"
    lines: dict[str, Any] = json.loads(path.read_text()).get("lines", {}) if path.exists() else {}
    facts = _circumstances()
    lines[f"{key}; {facts['machine']}"] = {**line, **facts}
    _save(path, {"lines": lines})
    print(json.dumps({name: {key: line}}))


def write(name: str, result: dict[str, Any]) -> None:
    """Record a question with a single line: `ratio` is the time of `peer` over that of simemb."""
    if not _alone():
        return
    result = {**result, **_circumstances()}
    _save(RESULTS / f"{name}.json", result)
    print(json.dumps(result, indent=2))


def _circumstances() -> dict[str, Any]:
    from machine import machine, versions

    facts = {"date": datetime.now(UTC).date().isoformat(), "machine": machine(), "versions": versions()}
    return facts if OTHERS is None else {**facts, "others": OTHERS.used()}


def _alone() -> bool:
    """Whether nothing else computed during the run; otherwise it is not recorded, and the reason is printed."""
    from machine import BUSY

    used = None if OTHERS is None else OTHERS.used()
    if used is not None and used > BUSY:
        print(f"not recorded: other programs used {used:.2f} processors meanwhile", flush=True)
        return False
    return True


def _save(path: Path, content: dict[str, Any]) -> None:
    RESULTS.mkdir(exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=1) + "\n")
    partial.replace(path)
    write_tables()


def write_tables() -> None:
    """Write the part of benchmarks/README.md between the two marks from the result files."""
    from tables import page

    # the tables of scaling.py are in docs/scaling.md, that of profiling.py in docs/speed.md
    paths = [path for path in sorted(RESULTS.glob("*.json")) if not path.stem.startswith(("scaling_", "profiling"))]
    results = {path.stem: json.loads(path.read_text()) for path in paths}
    readme = FOLDER / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(START)
    after = rest.partition(END)[2]
    readme.write_text(f"{before}{START}\n{page(results)}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    write_tables()
