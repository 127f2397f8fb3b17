"""Fills the tables of docs/scaling.md from the result files.

python benchmarks/scaling_tables.py
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tables import by_machine

PAGE = Path(__file__).parents[1] / "docs" / "scaling.md"
RESULTS = Path(__file__).parent / "results"
Cells = dict[str, Callable[[dict[str, Any]], str]]

TABLES: dict[str, Cells] = {
    "scaling_encode": {
        "sentences": lambda line: f"{line['sentences']:,}",
        "seconds": lambda line: f"{line['seconds']:.1f}",
        "sentences a second": lambda line: f"{line['rate']:,.0f}",
        "memory, MiB": lambda line: f"{line['memory']:.0f}",
    },
    "scaling_corpus": {
        "lines": lambda line: f"{line['lines']:,}",
        "first start: tokenizing, s": lambda line: f"{line['first']['seconds']:.0f}",
        "lines a second": lambda line: f"{line['first']['rate']:,.0f}",
        "its memory, MiB": lambda line: f"{line['first']['memory']:.0f}",
        "bytes of text, of tokens a line": lambda line: ", ".join(
            f"{line['first'][kind] / line['lines']:.0f}" for kind in ("text", "tokens")
        ),
        "later start: to the end of the first step, s": lambda line: f"{line['second']['seconds']:.1f}",
        "its memory, MiB ": lambda line: f"{line['second']['memory']:.0f}",
        "order of an epoch, s": lambda line: f"{line['epoch']['seconds_to_order']:.2f}",
        "reading a batch of 64, ms": lambda line: f"{1000 * line['epoch']['seconds_a_batch']:.1f}",
        "memory grown from batch 100 to the last, MiB": lambda line: (
            f"{line['epoch']['growth_after_100_batches']:.1f} ({line['epoch']['batches']:,} batches)"
        ),
    },
    "scaling_train": {
        "batch": lambda line: f"{line['batch']:,}",
        "chunk": lambda line: str(line["chunk"] or "none"),
        "seconds a step": lambda line: f"{line['seconds_a_step']:.1f}",
        "peak, MiB": lambda line: f"{line['peak']:,.0f}",
    },
    "scaling_index": {
        "vectors": lambda line: f"{line['vectors']:,}",
        "dimensions": lambda line: f"{line['dim']}",
        "parts": lambda line: f"{line['parts']}",
        "build, s": lambda line: f"{line['build_seconds']:.1f}",
        "its memory, MiB": lambda line: f"{line['build_memory']:.0f}",
        "bytes a vector": lambda line: f"{line['bytes_a_vector']:.0f}",
        "load, ms": lambda line: f"{1000 * line['load_seconds']:.1f}",
        "a query, ms": lambda line: f"{1000 * line['search_seconds']:.2f}",
        "recall@10": lambda line: f"{line['recall']:.3f}",
    },
}


def table(lines: dict[str, dict[str, Any]], cells: Cells) -> str:
    """A row for each line, and the machines."""
    heads = ["", *cells]
    rows = [heads, ["---"] * len(heads)]
    rows += [[key.split()[0], *(cell(line) for cell in cells.values())] for key, line in lines.items()]
    machines = sorted({f"{line['machine']}, {line['date']}" for line in lines.values()})
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + f"\n\nMeasured on {'; '.join(machines)}.\n"


def write_pages() -> None:
    """Write every table between its marks."""
    page = PAGE.read_text(encoding="utf-8")
    for name, cells in TABLES.items():
        path = RESULTS / f"{name}.json"
        if path.exists():
            start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
            before, _, rest = page.partition(start)
            groups = by_machine(json.loads(path.read_text())["lines"]).values()
            tables = "\n".join(table(lines, cells) for lines in groups)
            page = f"{before}{start}{tables}{end}{rest.partition(end)[2]}"
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    write_pages()
