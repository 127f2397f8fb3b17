"""Scores that papers published, with their sources: what a result of one's own can be laid beside.

They are data of the cookbook (`simemb.eval.published`), read when somebody asks for them.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from simemb import cookbook
from simemb.errors import DataError, unknown
from simemb.evaluation.scores import AVERAGE

FOLDER = f"{cookbook.SUITES}.published"
TABLES = {"sts": "sts", "sts_senteval": "sts", "transfer": "transfer"}
"""Suites that papers report -> the table of their numbers."""
WORDS = ("model", "family", "source", "note")
_BASE = re.compile(r"\S+-(?:base|large|L\d+)")


@dataclass(frozen=True)
class Published:
    """One row of a paper's table.

    Attributes:
        model: The method and what it started from.
        family: baseline, unsupervised or supervised.
        numbers: Points by task, and under `average` their mean as it was published; some papers give only that.
        source: Citation and address.
        note: What a reader must know to compare it: trained on test texts, from a third party, and so on.
    """

    model: str
    family: str
    numbers: dict[str, float]
    source: str
    note: str

    @property
    def average(self) -> float:
        """The average as it was published."""
        return self.numbers[AVERAGE]

    @property
    def base(self) -> str:
        """What it started from, as `--base` takes it ("bert-base"); empty where the model's name does not say it."""
        found = _BASE.search(self.model)
        return found[0].lower() if found else ""

    @property
    def method(self) -> str:
        """The first word of the method, as `--method` takes it ("simcse"); "untrained" for a base as it is."""
        name = self.model.partition(" ")[0].lower()
        return "untrained" if name == self.base else name

    @property
    def title(self) -> str:
        """The model with the first of its notes, which weighs most."""
        return f"{self.model} ({self.note.partition('; ')[0]})" if self.note else self.model

    @property
    def citation(self) -> str:
        """The source without its address: "Gao et al., 2021"."""
        return self.source.partition(", http")[0]


@dataclass(frozen=True)
class SeedStudy:
    """What one method came to with many seeds, beside the one number that was published for it.

    Attributes:
        seeds: How many runs.
        average: Their mean; sd: their sample deviation; lowest, highest: the extremes.
        published: The number of the paper.
    """

    model: str
    family: str
    seeds: int
    average: float
    sd: float
    lowest: float
    highest: float
    published: float
    source: str


def results(suite: str, *, base: Sequence[str] = (), method: Sequence[str] = ()) -> list[Published]:
    """The published results on a suite, or of a suite some of whose tasks were picked, the best average first.

    base, method: only results with one of these (see `Published`), upper case or lower; by default all.

    Raises `DataError` if there are none, with the nearest base or method.
    """
    suite = suite.partition("/")[0]
    if suite not in TABLES:
        raise DataError(f"nothing published is at hand for suite {suite} (allowed: {', '.join(TABLES)})")
    reported = [
        Published(
            **{name: row[name] for name in WORDS},
            numbers={name: float(value) for name, value in row.items() if name not in WORDS and value},
        )
        for row in _rows(TABLES[suite])
    ]
    return sorted(_filtered(reported, base, method), key=lambda row: -row.average)


def _filtered(rows: list[Published], base: Sequence[str], method: Sequence[str]) -> list[Published]:
    kept = rows
    for what, names in (("base", base), ("method", method)):
        known = sorted({getattr(row, what) for row in rows} - {""})
        asked = [name.lower() for name in names]
        for name in asked:
            if name not in known:
                raise DataError(unknown(f"{what} of published results", name, known))
        kept = [row for row in kept if not asked or getattr(row, what) in asked]
    if not kept:
        methods = sorted({row.method for row in rows if row.base in map(str.lower, base)})
        raise DataError(
            f"nothing published is of {' or '.join(method)} from {' or '.join(base)} (allowed: {', '.join(methods)})"
        )
    return kept


def seed_studies(suite: str) -> list[SeedStudy]:
    """How much runs of one method vary on a suite, where that was published."""
    if TABLES.get(suite) != "sts":
        return []
    numbers = ("average", "sd", "lowest", "highest", "published")
    return [
        SeedStudy(
            model=row["model"],
            family=row["family"],
            seeds=int(row["seeds"]),
            **{name: float(row[name]) for name in numbers},
            source=row["source"],
        )
        for row in _rows("seeds")
    ]


def cautions(suite: str) -> list[str]:
    """What to bear in mind when a result is compared with published ones, one line each."""
    suite = suite.partition("/")[0]
    lines = [
        f"mind the seed: {study.family} {study.model} is {study.published:.2f} in the paper; {study.seeds} seeds of "
        f"an independent implementation gave {study.average:.2f} ± {study.sd:.2f} ({study.lowest:.2f} to "
        f"{study.highest:.2f}; {study.source.partition(', ')[0]})"
        for study in seed_studies(suite)[:1]
    ]
    lines.append("most published numbers are those of one run, chosen by a development set")
    if suite == "sts":
        lines.append("papers score the texts in SentEval's form (--suite sts_senteval); these are the original texts")
    return lines


def _rows(table: str) -> list[dict[str, str]]:
    text = (files(FOLDER) / f"{table}.tsv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
