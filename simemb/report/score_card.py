"""The section "Scores" of a run's model card: what each suite gave, and which of its texts were trained on.

`simemb eval RUN` keeps the record of every suite in RUN/scores; the section is made from these files alone.
"""

import logging
import re
from collections.abc import Iterable, Iterator
from math import inf
from pathlib import Path
from typing import Any

from simemb import files
from simemb.comparison.compatibility import Record, read_record
from simemb.comparison.contamination import Overlap
from simemb.encoder import card_metadata
from simemb.encoder.model_card import plain
from simemb.errors import DataError
from simemb.report import headings
from simemb.report.numbers import DECIMALS

log = logging.getLogger("simemb")

BEGIN, END = "<!-- scores, written by simemb eval -->", "<!-- end of scores -->"
_SECTION = re.compile(rf"\n*{re.escape(BEGIN)}.*?{re.escape(END)}\n*", re.DOTALL)


def update(run: str | Path) -> Path | None:
    """Write the section of a run's model card anew, between two comments; the rest of the card stays as it is.

    Scores of other weights than those scored last (the run went on since) are left out.

    Returns: best/README.md, or None where there is no card or nothing to put into it. Raises `DataError` where the
    card cannot be written.
    """
    card = Path(run) / "best" / "README.md"
    records = _records(Path(run) / "scores")
    suites = [_suite(record) for record in records]
    if not suites or not card.is_file():
        return None
    try:
        with files.writing(card, wait=True):  # so that what a killed command left goes, though nothing may be new
            before = card.read_text(encoding="utf-8")
            rest = _SECTION.sub("\n\n", before).rstrip("\n")
            results = [result for record in records for result in _results(record)]
            rest = card_metadata.with_results(rest, results) if results else rest
            after = "\n\n".join([rest.rstrip("\n"), BEGIN, "## Scores", *suites, END]) + "\n"
            if after != before:
                files.write_text(card, after)
    except (OSError, ValueError) as error:
        raise DataError(f"{card}: the scores cannot be put into the model card: {error}") from error
    return card


def _records(folder: Path) -> list[Record]:
    """The records of the encoder that was scored last, by suite."""
    records: list[Record] = []
    for path in sorted(folder.glob("*.json")):
        try:
            records.append(read_record(path))
        except DataError as error:
            log.warning("%s; it is not in the model card", error)
    last = max(records, key=lambda record: record.get("date", ""), default={})
    current = [record for record in records if record["fingerprint"] == last["fingerprint"]]
    return sorted(current, key=lambda record: (record["suite"], -(record.get("truncate_dim") or inf)))


def _suite(record: Record) -> str:
    """A suite as Markdown: the headline of each task, their average, and what must be known of the training."""
    headline = record.get("headline", "spearman")
    cells = {name: _number(task, headline) for name, task in record["tasks"].items()}
    missing = record.get("missing", ())
    cells[headings.average(list(cells), missing, record.get("left_out", ()))] = _number(record["average"], headline)
    overlap = record.get("overlap")
    words = Overlap.from_json(overlap).words() if overlap else []
    unit = "" if headline in DECIMALS else ", in points"
    size = f", the first {record['truncate_dim']} dimensions" if record.get("truncate_dim") else ""
    title = f"### {plain(record['suite'])}{size}\n\n"
    title += f"{plain(headline.replace('_', ' '))}{unit}; {plain(record.get('date', '')[:10])}"
    title += f"; without {plain(', '.join(missing))}" if missing else ""
    table = "\n".join([_row(map(plain, cells)), _row(["---:"] * len(cells)), _row(cells.values())])
    return "\n\n".join([title, table, *([_bullets(words)] if words else [])])


def _results(record: Record) -> Iterator[Any]:
    """The headline of each task and of their average, for the card's metadata; of all dimensions alone."""
    headline = record.get("headline", "spearman")
    if headline not in card_metadata.TASKS or record.get("truncate_dim"):
        return
    for name, content in {**record["tasks"], record["suite"]: record["average"]}.items():
        value = _found(content, headline)
        if value is not None:
            yield card_metadata.result(name, headline, value)


def _number(content: Any, name: str) -> str:
    """A number of a task's or an average's record with two decimals."""
    value = _found(content, name)
    return "-" if value is None else f"{value:z.2f}"


def _found(content: Any, name: str) -> float | None:
    """A number of a record, wherever it stands in it; the outermost wins. None if it is not defined."""
    level = [content]
    while level:
        for part in level:
            if name in part:  # null is a number that is not defined
                return part[name] if isinstance(part[name], int | float) else None
        level = [inner for part in level for inner in part.values() if isinstance(inner, dict)]
    return None


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _bullets(lines: list[str]) -> str:
    return "\n".join(f"- {line[0].upper()}{line[1:]}." for line in map(plain, lines))
