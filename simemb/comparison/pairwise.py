"""Two entrants of a comparison, task by task: what each reached, and whether they differ by more than chance."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import isnan, nan
from statistics import fmean

from simemb.comparison import provenance
from simemb.comparison.significance import (
    Finding,
    Floats,
    holm,
    interval,
    steiger,
    welch,
)
from simemb.comparison.verdict import Difference, verdict
from simemb.evaluation.metrics import spearman
from simemb.evaluation.scores import AVERAGE, Scores
from simemb.training.seeds import spread


@dataclass(frozen=True)
class Standing:
    """The score of an entrant in points: the mean of its runs, their sample deviation (nan for one), and each run."""

    mean: float
    sd: float
    runs: tuple[float, ...]


@dataclass(frozen=True)
class Entry:
    """An entrant and its scores.

    Attributes:
        label: Its short name.
        models: The name of each of its runs.
        fingerprints: SHA-256 of the weights and settings of each.
        standings: Its score on each task, and under `AVERAGE` their mean.
        notes: What a reader must know of its training, such as test texts among the training data.
        pooling: How tokens became one vector, empty if that is not known.
    """

    label: str
    models: tuple[str, ...]
    fingerprints: tuple[str, ...]
    standings: dict[str, Standing]
    notes: tuple[str, ...] = ()
    pooling: str = ""


@dataclass(frozen=True, eq=False)
class Side:
    """What a comparison of two needs of each entrant.

    Attributes:
        entry: The entrant and its scores.
        scores: The full scores of each of its runs, with their outcomes.
        drawn: Its score on every resample [resamples], by task and under `AVERAGE`.
    """

    entry: Entry
    scores: Sequence[Scores]
    drawn: Mapping[str, Floats]


@dataclass(frozen=True)
class PairComparison:
    """Two entrants: the second minus the first, on each task and under `AVERAGE`, and a verdict in words."""

    first: str
    second: str
    differences: dict[str, Difference]
    verdict: str


def entry(label: str, runs: Sequence[Scores], tasks: Sequence[str]) -> Entry:
    """An entrant by the scores of its runs, with their outcomes."""
    columns = {task: [run.outcomes[task].statistic() for run in runs] for task in tasks}
    columns[AVERAGE] = [fmean(row) for row in zip(*columns.values(), strict=True)]
    return Entry(
        label,
        models=tuple(run.model for run in runs),
        fingerprints=tuple(run.fingerprint for run in runs),
        standings={
            name: Standing(fmean(column), spread(column) if len(column) > 1 else nan, tuple(column))
            for name, column in columns.items()
        },
        # Runs of one training share their data, so a note that all of them have is given once.
        notes=tuple(
            dict.fromkeys(
                f"{label}: {note.removeprefix(f'{run.model}: ')}" for run in runs for note in provenance.notes(run)
            )
        ),
        pooling=runs[0].pooling,
    )


def compare_pair(first: Side, second: Side) -> PairComparison:
    """Compare two entrants on every task and on average."""
    differences: dict[str, Difference] = {}
    for name, ours in first.entry.standings.items():
        theirs = second.entry.standings[name]
        units = interval(theirs.mean - ours.mean, second.drawn[name] - first.drawn[name])
        seeds = welch(ours.runs, theirs.runs)
        # A difference must hold for other units and for other seeds: the larger p-value counts.
        p = units.p if isnan(seeds.p) else max(units.p, seeds.p)
        differences[name] = Difference(
            **asdict(units), steiger=_steiger(first, second, name).p, welch=seeds.p, corrected=p
        )
    tasks = [name for name in differences if name != AVERAGE]
    for name, p in zip(tasks, holm([differences[name].corrected for name in tasks]), strict=True):
        differences[name] = replace(differences[name], corrected=p)
    labels = first.entry.label, second.entry.label
    return PairComparison(*labels, differences, verdict(*labels, differences, AVERAGE, len(first.drawn[AVERAGE])))


def _steiger(first: Side, second: Side, task: str) -> Finding:
    """Steiger's test of two single encoders, where the score of a task is a correlation."""
    if task == AVERAGE or len(first.scores) > 1 or len(second.scores) > 1:
        return Finding(nan, nan)
    ours, theirs = first.scores[0].outcomes[task], second.scores[0].outcomes[task]
    if ours.gold is None:
        return Finding(nan, nan)
    between = spearman(ours.values, theirs.values)
    return steiger(ours.statistic() / 100, theirs.statistic() / 100, between, len(ours))
