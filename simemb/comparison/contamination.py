"""Which of the texts that an encoder is scored on occur in the data that it was trained on.

The training data are read once; memory grows with the evaluated texts only.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from unicodedata import category, normalize

from simemb.comparison.names import listed
from simemb.records import shaped

TRANSDUCTIVE = 0.5
"""The share of a task's distinct texts from which an encoder counts as trained on the test texts."""
EXAMPLES = 3
"""Texts of a task that are shown."""


# ---- equal texts ---------------------------------------------------------------------------------


def normalized(text: str) -> str:
    """A text without case, width, punctuation and white space, which change as texts are copied.

    Kept are letters, marks and numbers (Unicode categories L, M, N), in Unicode's compatibility form (NFKC: full-width
    letters become plain ones, ligatures are split) with case folded (Straße equals STRASSE). All else is dropped,
    blanks too, so tokenized text equals running text, and of Chinese only the characters remain. Accents count, and so
    does the difference between simplified and traditional characters. Applying it twice changes nothing.

    >>> normalized("The man 's DOG , barks ."), normalized("他说：“你好！”")
    ('themansdogbarks', '他说你好')
    """
    # The two shortcuts give the same result several times as fast; one of them applies to most training texts.
    if text.isascii():
        return text.encode().lower().translate(None, _ASCII_LEFT_OUT).decode()
    kept = text.translate(_KEPT)
    folded = normalize("NFKC", kept).casefold()
    return kept if folded == kept else normalize("NFKC", normalize("NFKC", folded).translate(_KEPT))


class _Kept(dict[int, int | None]):
    """The table of `str.translate`: a character stays or is dropped."""

    def __missing__(self, code: int) -> int | None:
        self[code] = code if category(chr(code))[0] in "LMN" else None
        return self[code]


_KEPT = _Kept()
_ASCII_LEFT_OUT = bytes(code for code in range(128) if not chr(code).isalnum())


# ---- the result ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class TaskOverlap:
    """How many texts of a task occur in the training data.

    Attributes:
        texts: Distinct texts of the task.
        exact: Those that occur there letter by letter.
        normalized: Those of the others that occur there with other case, punctuation or spacing (see `normalized`).
        examples: A few of them, each with the form that it has in the training data.
    """

    texts: int
    exact: int
    normalized: int
    examples: tuple[tuple[str, str], ...] = ()

    @property
    def occurring(self) -> int:
        """Exactly or normalized."""
        return self.exact + self.normalized

    def words(self, task: str) -> str:
        """In words.

        >>> TaskOverlap(2552, 9, 3).words("stsb")
        '12 of 2,552 texts of stsb (9 exactly)'
        """
        return f"{self.occurring:,} of {self.texts:,} texts of {task} ({self.exact:,} exactly)"


@dataclass(frozen=True)
class Overlap:
    """Which of the texts that an encoder is scored on it saw in training.

    Attributes:
        data: The names of the training data, those of the last run first.
        tasks: The counts of each task; none where no training data could be read.
        warning: The warning of the training data themselves, or empty.
        unknown: Why some training data could not be read, or empty.
        not_looked_at: The tasks that do not expose their texts.
    """

    data: tuple[str, ...]
    tasks: dict[str, TaskOverlap]
    warning: str = ""
    unknown: str = ""
    not_looked_at: tuple[str, ...] = ()

    @property
    def transductive(self) -> tuple[str, ...]:
        """The tasks of whose distinct texts at least half were trained on.

        If the training data warn that they hold test texts, a single text is enough.
        """
        share = 0.0 if self.warning else TRANSDUCTIVE
        return tuple(
            name for name, task in self.tasks.items() if task.occurring and task.occurring >= share * task.texts
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON for `Scores.overlap`.

        `transductive` is also true if only a warning is known. It is null if no text was found but some texts of the
        suite or some training data were not searched.
        """
        warned = bool(self.warning) and not self.tasks
        partly = bool(self.unknown or self.not_looked_at)
        transductive = bool(self.transductive) or warned or (None if partly else False)
        return json.loads(json.dumps({**asdict(self), "transductive": transductive}))

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> "Overlap":
        """The inverse of `to_json`. Raises `ValueError` for what is none."""
        return shaped(content, Overlap)

    def warnings(self) -> list[str]:
        """What a reader of the scores must know, one sentence each without a period; empty if all is well."""
        lines: list[str] = []
        trained, data = self.transductive, f"the training data ({listed(self.data)})"
        if trained:
            lines.append(f"transductive: trained on the test texts of {listed(trained)}, which are in {data}")
        elif self.warning and not self.tasks:
            lines.append(f"transductive: {data}: {self.warning}")
        few = [task.words(name) for name, task in self.tasks.items() if task.occurring and name not in trained]
        if few:
            lines.append(f"{listed(few)} occur in {data}")
        if self.unknown:
            lines.append(f"whether texts of the suite occur in the training data is not known: {self.unknown}")
        if self.not_looked_at:
            lines.append(f"the texts of {listed(self.not_looked_at)} were not looked at: they may occur in {data}")
        return lines

    def words(self) -> list[str]:
        """`warnings`, or a sentence that there are none."""
        clean = f"no text of the suite occurs in the training data ({listed(self.data)})"
        return self.warnings() or ([clean] if self.tasks else [])


# ---- the search ----------------------------------------------------------------------------------


def overlap(training: Iterable[str], evaluated: Mapping[str, Iterable[str]]) -> dict[str, TaskOverlap]:
    """Which texts of each task occur among the training texts, which are read once.

    A text of punctuation and blanks alone must occur exactly.
    """
    tasks = {name: list(dict.fromkeys(texts)) for name, texts in evaluated.items()}
    forms = {text: normalized(text) for texts in tasks.values() for text in texts}
    searched = set(forms.values())
    exact = set[str]()
    spelled: dict[str, str] = {}
    for text in training:
        form = normalized(text)
        if form in searched:  # rare; equal texts have equal forms
            spelled.setdefault(form, text)
            if text in forms:
                exact.add(text)
    spelled.pop("", None)
    return {name: _counts(texts, forms, exact, spelled) for name, texts in tasks.items()}


def _counts(texts: Sequence[str], forms: Mapping[str, str], exact: set[str], spelled: Mapping[str, str]) -> TaskOverlap:
    same = [text for text in texts if text in exact]
    alike = [text for text in texts if text not in exact and forms[text] in spelled]
    shown = [(text, spelled[forms[text]]) for text in alike] + [(text, text) for text in same]
    return TaskOverlap(len(texts), len(same), len(alike), tuple(shown[:EXAMPLES]))
