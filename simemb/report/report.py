"""All that a report tells of some models: the models, what they started from, and their scores, side by side."""

import logging
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from simemb.comparison import compatibility
from simemb.comparison.compare import compare_scores
from simemb.comparison.names import labels
from simemb.comparison.significance import fewest_resamples
from simemb.errors import AbsentError, DataError, SimembError
from simemb.evaluation import evaluate
from simemb.evaluation.scores import Scores
from simemb.evaluation.suite import Suite
from simemb.report.disagreement import ScoredPairs
from simemb.report.figures.style import base_look, look
from simemb.report.intervals import Interval, intervals
from simemb.report.model import Subject

log = logging.getLogger("simemb")

DEFAULT, FALLBACK = "sts", "sample"
RESAMPLES = 2000
"""Of the paired tests."""


class Dossier:
    """Models and suites. models: as the user names them, each once."""

    def __init__(self, models: Sequence[str], suite: Sequence[str | Suite] = (), *, base: bool = True):
        """suite: by default `sts`, or where its data are absent the bundled `sample`. base: what runs started from too.

        Raises:
            DataError: a model that is named twice, or a suite that does not exist.
        """
        for model in models:
            if list(models).count(model) > 1:
                raise DataError(f"{model}: is named twice")
        self.subjects = [Subject(model, label, look(place)) for place, (model, label) in _labeled(models)]
        self._with_base = base
        self._chosen = suite
        self._checked: set[str] = set()
        self._intervals: dict[str, list[dict[str, Interval]]] = {}
        self._verdicts: dict[str, list[str]] = {}

    @cached_property
    def suites(self) -> list[Suite]:
        """The suites of the report."""
        return [evaluate.find(name) for name in self._chosen] or [_default()]

    @property
    def everyone(self) -> list[Subject]:
        """The models, and after them what they started from."""
        return [*self.subjects, *self.bases]

    # ---- what the models started from ------------------------------------------------------------

    @cached_property
    def bases(self) -> list[Subject]:
        """What runs started from, each once, if it can still be had and is not one of the models itself."""
        found: dict[str, Subject] = {}
        for subject in self.subjects if self._with_base else ():
            run = (subject.recipe or {}).get("run")
            known = {each.fingerprint for each in self.subjects}
            if run and run["fingerprint"] not in known | found.keys():
                base = _base(subject, run, len(found))
                if base is not None:
                    found[base.fingerprint] = base
        _name(list(found.values()))
        return list(found.values())

    def base_of(self, subject: Subject) -> Subject | None:
        """What a run started from, if it is among `everyone`."""
        if subject.recipe is None or not self._with_base:
            return None
        wanted = subject.recipe["run"]["fingerprint"]
        return next((each for each in self.everyone if each is not subject and each.fingerprint == wanted), None)

    # ---- scores ----------------------------------------------------------------------------------

    def scores(self, suite: Suite) -> list[Scores]:
        """The scores of everyone on a suite, which may stand side by side.

        Raises:
            DataError: they may not, or not beside what is on record (see `simemb.comparison.compatibility`).
        """
        found = [subject.scores(suite) for subject in self.everyone]
        if suite.name not in self._checked:
            records = dict(zip([subject.label for subject in self.everyone], map(Scores.to_json, found), strict=True))
            kept = [subject.on_record[suite.name] for subject in self.subjects if suite.name in subject.on_record]
            compatibility.check(records | {str(path): record for path, record in kept})
            self._checked.add(suite.name)
        return found

    def intervals(self, suite: Suite) -> list[dict[str, Interval]]:
        """The intervals of everyone's scores on a suite (see `simemb.report.intervals`)."""
        if suite.name not in self._intervals:
            found = self.scores(suite)
            log.info("%s: drawing its units anew, for intervals and tests", suite.name)
            self._intervals[suite.name] = intervals(found)
        return self._intervals[suite.name]

    def verdicts(self, suite: Suite) -> list[str]:
        """What paired tests say of each run and its base, and of each two models, in a sentence each.

        Empty where there is but one model, or where no task has units that could be drawn anew.
        """
        if suite.name not in self._verdicts:
            self._verdicts[suite.name] = self._compare(suite)
        return self._verdicts[suite.name]

    def _compare(self, suite: Suite) -> list[str]:
        found = {subject.label: [scores] for subject, scores in zip(self.everyone, self.scores(suite), strict=True)}
        units = [task for task in suite.tasks if all(task.name in scores.outcomes for (scores,) in found.values())]
        if len(found) < 2 or not units:
            return []
        bases = {(subject.label, base.label) for subject in self.subjects if (base := self.base_of(subject))}
        models = {subject.label for subject in self.subjects}
        pairs = compare_scores(found, resamples=max(RESAMPLES, fewest_resamples(len(units)))).pairs
        of_runs = [pair for pair in pairs if (pair.first, pair.second) in bases or (pair.second, pair.first) in bases]
        others = [pair for pair in pairs if {pair.first, pair.second} <= models and pair not in of_runs]
        return [pair.verdict for pair in (*of_runs, *others)]

    @cached_property
    def pairs(self) -> tuple[Suite, list[ScoredPairs]] | None:
        """The first suite with scored pairs, and what everyone makes of them; None where no suite has any."""
        for suite in self.suites:
            found = [ScoredPairs.of(suite, scores) for scores in self.scores(suite)]
            present = [each for each in found if each is not None]
            if present:
                return suite, present
        return None

    def others_on_record(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Records of further suites: by suite, then by the label of the model.

        Raises:
            DataError: those of a suite are not comparable.
        """
        shown = {suite.name for suite in self.suites}
        found: dict[str, dict[str, dict[str, Any]]] = {}
        paths: dict[str, Any] = {}
        for subject in self.subjects:
            for name, (path, record) in subject.on_record.items():
                if name not in shown:
                    found.setdefault(name, {})[subject.label] = record
                    paths[str(path)] = record
        compatibility.check(paths)
        return found


def _labeled(models: Sequence[str]) -> list[tuple[int, tuple[str, str]]]:
    return list(enumerate(zip(models, labels(models), strict=True)))


def _default() -> Suite:
    """The suite of a report where none is named."""
    suite = evaluate.find(DEFAULT)
    try:
        for task in suite.tasks:
            task.load()
    except AbsentError as error:
        log.warning("the scores are those of the bundled sample, as the data of %s are absent: %s", DEFAULT, error)
        return evaluate.find(FALLBACK)
    return suite


def _base(subject: Subject, run: dict[str, Any], place: int) -> Subject | None:
    """The model that a run started from, if it can be loaded and has not changed since."""
    name = str(run["model"])
    base = Subject(name, name, base_look(place), pooling=run.get("pooling"), base=True)
    try:
        current = base.fingerprint
    except SimembError as error:
        log.warning("%s: what it started from is left out: %s", subject.label, error)
        return None
    if current != run["fingerprint"]:
        log.warning("%s: what it started from is left out: %s has changed since", subject.label, name)
        return None
    return base


def _name(bases: Sequence[Subject]) -> None:
    """Short names that say what they are; one model with several poolings has that in its name."""
    for base, label in zip(bases, labels([base.model for base in bases]), strict=True):
        poolings = {each.pooling for each in bases if each.model == base.model}
        base.label = f"{label} {base.pooling} (base)" if len(poolings) > 1 else f"{label} (base)"
