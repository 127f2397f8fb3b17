"""Whether two records of scores may stand in one table: same suite, same tasks, same data, same way of scoring.

A record is the result of `Scores.to_json`, as `simemb eval` writes it. Pooling, precision and the machine may differ:
they belong to the model, and the record states them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from simemb.comparison.contamination import Overlap
from simemb.errors import DataError
from simemb.json_files import read_object

Record = Mapping[str, Any]


@dataclass(frozen=True)
class RecordShape:
    """What a record must be, as far as anything reads it (see `simemb.records`)."""

    suite: str
    fingerprint: str
    tasks: Mapping[str, Mapping[str, Any]]
    average: Mapping[str, Any]
    date: str = ""
    headline: str = "spearman"
    missing: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    truncate_dim: int | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, Any] = field(default_factory=dict)
    geometry: Mapping[str, Any] | None = None
    overlap: Overlap | None = None


def read_record(path: Path) -> Record:
    """A record from a file. Raises `DataError` for what is none."""

    def refusal(reason: str) -> DataError:
        return DataError(f"{path} is not a record of scores, which `simemb eval` writes ({reason}): remove it")

    return read_object(path, refusal, RecordShape)


def check(records: Mapping[str, Record]) -> None:
    """Refuse to mix records; each key is the name by which the user knows a record (a file, a model).

    Raises:
        DataError: two records of one suite are not comparable, with the reason and how to score them again.
    """
    by_suite: dict[str, list[tuple[str, Record]]] = {}
    for name, record in records.items():
        by_suite.setdefault(str(record.get("suite")), []).append((name, record))
    for suite, named in by_suite.items():
        for (one, first), (other, second) in combinations(named, 2):
            reason = difference(first, second)
            if reason:
                raise DataError(
                    f"{one} and {other} cannot be compared on {suite}: {reason}; score both anew: "
                    f"simemb eval MODEL --suite {suite}"
                )


def difference(first: Record, second: Record) -> str | None:
    """Why two records are not comparable, in a few words; None if they are."""
    for what in ("suite", "headline"):
        if first.get(what) != second.get(what):
            return f"the {what} is {first.get(what)} in the first and {second.get(what)} in the second"
    return _tasks(first, second) or _data(first, second) or _release(first, second) or _geometry(first, second)


def _tasks(first: Record, second: Record) -> str | None:
    ours, theirs = set(first.get("tasks", ())), set(second.get("tasks", ()))
    for lacking, place in ((ours - theirs, "second"), (theirs - ours, "first")):
        if lacking:
            return f"the {place} lacks {', '.join(sorted(lacking))}"
    return None


def _data(first: Record, second: Record) -> str | None:
    """Files with other names or contents; a file that only one record read, for its geometry, does not matter."""
    ours, theirs = first.get("data", {}), second.get("data", {})
    for origin in ours:
        if origin in theirs and ours[origin] != theirs[origin]:
            return f"{origin} is not the same file (sha256 {ours[origin][:12]} and {theirs[origin][:12]})"
    if not ours.keys() <= theirs.keys() and not theirs.keys() <= ours.keys():
        one, other = (sorted(only)[0] for only in (ours.keys() - theirs.keys(), theirs.keys() - ours.keys()))
        return f"the first was scored on {one}, the second on {other}"
    return None


def _release(first: Record, second: Record) -> str | None:
    ours, theirs = (str(record.get("versions", {}).get("simemb", "?")) for record in (first, second))
    if series(ours) != series(theirs):
        return f"simemb {ours} scored the first and {theirs} the second"
    ours, theirs = (str(record.get("versions", {}).get("mteb", "-")) for record in (first, second))
    return f"mteb {ours} scored the first and {theirs} the second" if ours != theirs else None


def series(release: str) -> str:
    """The part of a release's number that changes when scores may: the first number, while that is 0 two of them.

    >>> series("1.4.2"), series("0.3.1")
    ('1', '0.3')
    """
    numbers = release.split(".")
    return ".".join(numbers[: 2 if numbers[0] == "0" else 1])


def _geometry(first: Record, second: Record) -> str | None:
    """Alignment and uniformity, where both have them, with the same settings on the same task."""
    ours, theirs = first.get("geometry") or {}, second.get("geometry") or {}
    if not (ours and theirs):
        return None
    for name in ("task", "threshold", "alpha", "t"):
        if ours.get(name) != theirs.get(name):
            values = f"{ours.get(name)} in the first and {theirs.get(name)} in the second"
            return f"{name} of alignment and uniformity is {values}"
    return None
