"""Writes a benchmark's result with the machine and the versions, and the table of all results.

python benchmarks/record.py        makes the table in benchmarks/README.md anew
"""

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results"
START, END = "<!-- results: made by benchmarks/record.py -->", "<!-- end of results -->"


def write(name: str, result: dict[str, Any]) -> None:
    """Record and print a result: `ratio` is the peer's time over ours, `peer` what it was measured against."""
    import torch

    result |= {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads",
        "versions": {package: version(package) for package in ("simemb", "torch", "transformers")},
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))
    write_table()


def write_table() -> None:
    """Fill the table of benchmarks/README.md from the result files."""
    lines = ["| benchmark | what | peer | ratio | machine, date |", "|---|---|---|---|---|"]
    for path in sorted(RESULTS.glob("*.json")):
        result = json.loads(path.read_text())
        rounds = f" ({min(result['ratios']):.2f} to {max(result['ratios']):.2f})" if "ratios" in result else ""
        lines.append(
            f"| {path.stem} | {result['what']} | {result['peer']} | {result['ratio']:.2f}x{rounds} "
            f"| {result['machine']}, {result['date']} |"
        )
    page = FOLDER / "README.md"
    before, _, rest = page.read_text().partition(START)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{START}\n" + "\n".join(lines) + f"\n{END}{after}")


if __name__ == "__main__":
    write_table()
