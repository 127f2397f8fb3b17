"""Fills the table of docs/speed.md from results/profiling.json.

python benchmarks/speed_tables.py
"""

import json
from pathlib import Path
from typing import Any

from tables import by_machine, grid, provenance

PAGE = Path(__file__).parents[1] / "docs" / "speed.md"
RESULT = Path(__file__).parent / "results" / "profiling.json"
START, END = "<!-- profiling -->", "<!-- end of profiling -->"
LEAST = 0.005
"""A group that nowhere takes this share has no column."""


def table(lines: list[dict[str, Any]]) -> str:
    """A row for each task and precision, as percentages of the whole time."""
    groups = [group for group in lines[0]["shares"] if any(line["shares"].get(group, 0) >= LEAST for line in lines)]
    heads = ["model", "task", "precision", "peak, GFLOP/s", "floor", *groups]
    rows: list[list[str]] = []
    for line in lines:
        shares = [f"{100 * line['shares'].get(group, 0):.0f} %" for group in groups]
        peak, floor = f"{line['peak'] / 1e9:,.0f}", f"**{100 * line['floor']:.0f} %**"
        rows.append([line["model"], line["task"], line["precision"], peak, floor, *shares])
    return f"{grid(heads, rows, words=3)}\n\n{provenance(lines)}"


def write_page() -> None:
    """Write the tables between the marks, one for each machine."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(START)
    groups = by_machine(json.loads(RESULT.read_text())["lines"]).values()
    tables = "\n\n".join(table(list(lines.values())) for lines in groups)
    PAGE.write_text(f"{before}{START}\n{tables}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    write_page()
