"""The content of a report: models, the models that they started from, and their scores side by side."""

import logging
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from simemb.comparison import compatibility
from simemb.comparison.compare import compare_scores
from simemb.comparison.names import labels
from simemb.comparison.significance import fewest_resamples
from simemb.devices import AUTO
from simemb.errors import AbsentError, DataError, SimembError
from simemb.evaluation import evaluate
from simemb.evaluation.scores import Scores
from simemb.evaluation.suite import Suite
from simemb.report.disagreement import ScoredPairs
from simemb.report.figures.style import base_look, look
from simemb.report.intervals import Interval, intervals
from simemb.report.model import ReportedModel

log = logging.getLogger("simemb")

DEFAULT, FALLBACK = "sts", "sample"
RESAMPLES = 2000
"""Of the paired tests."""


class Report:
    """Models and suites. models: as the user names them, each once."""

    def __init__(
        self, models: Sequence[str], suite: Sequence[str | Suite] = (), *, base: bool = True, device: str = AUTO
    ):
        """suite: by default `sts`, or the bundled `sample` if its data are absent. base: include the bases of runs.
        device: as in `Encoder.load`.

        Raises:
            DataError: a model that is named twice, or a suite that does not exist.
        """
        for model in models:
            if list(models).count(model) > 1:
                raise DataError(f"{model}: is named twice")
        self.models = [
            ReportedModel(model, label, look(place), device=device) for place, (model, label) in _labeled(models)
        ]
        self._with_base = base
        self._suite_names = suite
        self._checked: set[str] = set()
        self._intervals: dict[str, list[dict[str, Interval]]] = {}
        self._verdicts: dict[str, list[str]] = {}

    @cached_property
    def suites(self) -> list[Suite]:
        """The suites of the report."""
        suites = [evaluate.find(name) for name in self._suite_names] or [_default()]
        for suite in suites:
            suite.check_libraries()
        return suites

    @property
    def all_models(self) -> list[ReportedModel]:
        """The models, and after them those that they started from."""
        return [*self.models, *self.bases]

    # ---- what the models started from ------------------------------------------------------------

    @cached_property
    def bases(self) -> list[ReportedModel]:
        """The models that runs started from, each once, if they are available and not among the models themselves."""
        by_fingerprint: dict[str, ReportedModel] = {}
        for reported in self.models if self._with_base else ():
            run = (reported.recipe or {}).get("run")
            known = {each.fingerprint for each in self.models}
            if run and run["fingerprint"] not in known | by_fingerprint.keys():
                base = _base(reported, run, len(by_fingerprint))
                if base is not None:
                    by_fingerprint[base.fingerprint] = base
        _name(list(by_fingerprint.values()))
        return list(by_fingerprint.values())

    def base_of(self, reported: ReportedModel) -> ReportedModel | None:
        """The model that a run started from, if it is among `all_models`."""
        if reported.recipe is None or not self._with_base:
            return None
        fingerprint = reported.recipe["run"]["fingerprint"]
        return next(
            (each for each in self.all_models if each is not reported and each.fingerprint == fingerprint), None
        )

    # ---- scores ----------------------------------------------------------------------------------

    def scores(self, suite: Suite) -> list[Scores]:
        """The scores of all models on a suite, which are comparable.

        Raises:
            DataError: they are not, with each other or with records (see `simemb.comparison.compatibility`).
        """
        scores_list = [reported.scores(suite) for reported in self.all_models]
        if suite.name not in self._checked:
            records = dict(
                zip([reported.label for reported in self.all_models], map(Scores.to_json, scores_list), strict=True)
            )
            kept = [reported.on_record[suite.name] for reported in self.models if suite.name in reported.on_record]
            compatibility.check(records | {str(path): record for path, record in kept})
            self._checked.add(suite.name)
        return scores_list

    def intervals(self, suite: Suite) -> list[dict[str, Interval]]:
        """The intervals of all models' scores on a suite (see `simemb.report.intervals`)."""
        if suite.name not in self._intervals:
            scores_list = self.scores(suite)
            log.info("%s: drawing its units anew, for intervals and tests", suite.name)
            self._intervals[suite.name] = intervals(scores_list)
        return self._intervals[suite.name]

    def verdicts(self, suite: Suite) -> list[str]:
        """The verdicts of paired tests of each run and its base, and of each pair of models, one sentence each.

        Empty if there is only one model, or if no task has units to resample.
        """
        if suite.name not in self._verdicts:
            self._verdicts[suite.name] = self._compare(suite)
        return self._verdicts[suite.name]

    def _compare(self, suite: Suite) -> list[str]:
        scores_by_label = {
            reported.label: [scores] for reported, scores in zip(self.all_models, self.scores(suite), strict=True)
        }
        units = [
            task for task in suite.tasks if all(task.name in scores.outcomes for (scores,) in scores_by_label.values())
        ]
        if len(scores_by_label) < 2 or not units:
            return []
        bases = {(reported.label, base.label) for reported in self.models if (base := self.base_of(reported))}
        models = {reported.label for reported in self.models}
        pairs = compare_scores(scores_by_label, resamples=max(RESAMPLES, fewest_resamples(len(units)))).pairs
        of_runs = [pair for pair in pairs if (pair.first, pair.second) in bases or (pair.second, pair.first) in bases]
        others = [pair for pair in pairs if {pair.first, pair.second} <= models and pair not in of_runs]
        return [pair.verdict for pair in (*of_runs, *others)]

    @cached_property
    def pairs(self) -> tuple[Suite, list[ScoredPairs]] | None:
        """The first suite with scored pairs, and each model's cosines of them; None if no suite has any."""
        for suite in self.suites:
            pairs_list = [ScoredPairs.of(suite, scores) for scores in self.scores(suite)]
            present = [each for each in pairs_list if each is not None]
            if present:
                return suite, present
        return None

    def others_on_record(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Records of further suites: by suite, then by the label of the model.

        Raises:
            DataError: those of a suite are not comparable.
        """
        shown = {suite.name for suite in self.suites}
        records: dict[str, dict[str, dict[str, Any]]] = {}
        paths: dict[str, Any] = {}
        for reported in self.models:
            for name, (path, record) in reported.on_record.items():
                if name not in shown:
                    records.setdefault(name, {})[reported.label] = record
                    paths[str(path)] = record
        compatibility.check(paths)
        return records


def _labeled(models: Sequence[str]) -> list[tuple[int, tuple[str, str]]]:
    return list(enumerate(zip(models, labels(models), strict=True)))


def _default() -> Suite:
    """The suite of a report if none is named."""
    suite = evaluate.find(DEFAULT)
    try:
        for task in suite.tasks:
            task.load()
    except AbsentError as error:
        log.warning("the scores are those of the bundled sample, as the data of %s are absent: %s", DEFAULT, error)
        return evaluate.find(FALLBACK)
    return suite


def _base(reported: ReportedModel, run: dict[str, Any], place: int) -> ReportedModel | None:
    """The model that a run started from, if it can be loaded and has not changed since."""
    name = str(run["model"])
    base = ReportedModel(name, name, base_look(place), pooling=run.get("pooling"), device=reported.device, base=True)
    try:
        current = base.fingerprint
    except SimembError as error:
        log.warning("%s: what it started from is left out: %s", reported.label, error)
        return None
    if current != run["fingerprint"]:
        log.warning("%s: what it started from is left out: %s has changed since", reported.label, name)
        return None
    return base


def _name(bases: Sequence[ReportedModel]) -> None:
    """Short names; if one model is there with several poolings, the pooling is part of its name."""
    for base, label in zip(bases, labels([base.model for base in bases]), strict=True):
        poolings = {each.pooling for each in bases if each.model == base.model}
        base.label = f"{label} {base.pooling} (base)" if len(poolings) > 1 else f"{label} (base)"
