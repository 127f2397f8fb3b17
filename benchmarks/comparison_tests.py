"""Paired tests of the comparison: what of a difference is beyond the noise of texts and of seeds.

Three runs of a method against the base, and against three runs of `simcse`, on the seven STS tasks, as
`simemb compare` does it: resampled pairs, Welch's test over seeds, the larger p-value counts.
"""

from pathlib import Path
from typing import Any

from comparison_experiments import REFERENCE, SEEDS, Experiment
from comparison_runs import Run, add, base, recorded, records


def test(experiment: Experiment, every: dict[str, Experiment], work: Path) -> None:
    """Test a method that has all its seeds and is not tested yet; the correction over all methods is the table's."""
    if experiment.part != "methods":
        return
    for against in ("base", REFERENCE):
        if experiment.name == against or recorded("tests", name=experiment.name, against=against) is not None:
            continue
        ours = _runs(experiment, work)
        theirs = [str(base(experiment.base, work))] if against == "base" else _runs(every[REFERENCE], work)
        if ours and theirs:
            add("tests", {"name": experiment.name, "against": against} | _difference(ours, theirs))


def _runs(experiment: Experiment, work: Path) -> list[str]:
    """The encoders of all seeds; none if a seed is missing."""
    lines = [line for line in records(experiment.part) if line["name"] == experiment.name]
    if {line["seed"] for line in lines} != set(SEEDS):
        return []
    runs = [Run(experiment, line["rate"], line["seed"], work) for line in lines]
    for run in runs:
        run.encoder()
    return [str(run.output) for run in runs]


def _difference(ours: list[str], theirs: list[str]) -> dict[str, Any]:
    """Of the average of the seven tasks: our gain, its interval, and the p-value. The verdict in words is kept too."""
    from simemb import compare
    from simemb.evaluation.scores import AVERAGE

    comparison = compare([theirs if len(theirs) > 1 else theirs[0], ours], "sts", progress=False)
    (pair,) = comparison.pairs
    difference = pair.differences[AVERAGE]
    better = [task for task, value in pair.differences.items() if task != AVERAGE and value.shown and value.value > 0]
    worse = [task for task, value in pair.differences.items() if task != AVERAGE and value.shown and value.value < 0]
    numbers = {"gain": difference.value, "low": difference.low, "high": difference.high, "p": difference.corrected}
    return numbers | {"better": better, "worse": worse}
