"""Scores that papers published, with their sources: what a result of one's own can be laid beside.

They are data of the cookbook (`simemb.eval.published`), read when somebody asks for them.
"""

import csv
from dataclasses import dataclass
from importlib.resources import files

from simemb import cookbook
from simemb.errors import DataError
from simemb.evaluation.scores import AVERAGE

FOLDER = f"{cookbook.SUITES}.published"
TABLES = {"sts": "sts", "sts_senteval": "sts", "transfer": "transfer"}
"""Suites that papers report -> the table of their numbers."""
WORDS = ("model", "family", "source", "note")


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


def results(suite: str) -> list[Published]:
    """The published results on a suite, the best average first. Raises `DataError` if there are none."""
    if suite not in TABLES:
        raise DataError(f"nothing published is at hand for suite {suite} (allowed: {', '.join(TABLES)})")
    reported = [
        Published(
            **{name: row[name] for name in WORDS},
            numbers={name: float(value) for name, value in row.items() if name not in WORDS and value},
        )
        for row in _rows(TABLES[suite])
    ]
    return sorted(reported, key=lambda row: -row.average)


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
