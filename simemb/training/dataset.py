"""The data of a run: tokenized texts, scores, and the vectors of teacher and guide.

`simemb.training.plan` loads them before the first step, and `simemb.training.loader` makes batches of them.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from simemb.corpus.classes import class_numbers
from simemb.corpus.listed import spans
from simemb.corpus.rows import Rows
from simemb.corpus.sample import first_rows
from simemb.devices import AUTO
from simemb.encoder.encoder import Encoder
from simemb.encoder.precision import Precision
from simemb.encoder.prompts import Role
from simemb.encoder.unknown_tokens import look
from simemb.errors import DataError, RecipeError
from simemb.method.auxiliaries import ReplacedTokenDetection
from simemb.method.objectives import name_of
from simemb.method.recipe import Recipe
from simemb.method.recipe_files import is_usual_length
from simemb.method.targets import Frozen
from simemb.method.token_augmentations import Vocabulary
from simemb.method.view_prompts import roles
from simemb.method.views import View
from simemb.training.grades import grades_of
from simemb.training.prompted_texts import PromptedTexts, prompted_texts, reading_of
from simemb.training.several_tables import SeveralTables, tables
from simemb.training.teacher_vectors import Vectors, mixed, vectors_of
from simemb.training.token_table import token_table

log = logging.getLogger("simemb")


NOWHERE = slice(0, 0)


@runtime_checkable
class Sentences(Protocol):
    """Tokenized text columns, as `simemb.training.token_table.TokenTable` holds them."""

    def __len__(self) -> int:
        """Rows."""
        ...

    def ids(self, column: int, rows: Sequence[int]) -> list[NDArray[np.int32]]:
        """Token ids of some rows of a column; of some texts, where a row has any number of them."""
        ...


@dataclass(frozen=True)
class TokenizedTexts:
    """Texts as token ids of one tokenizer.

    vocabulary: needed only where tokens are augmented. prompted: the texts of views with prompts or changes.
    """

    table: Sentences
    vocabulary: Vocabulary | None = None
    prompted: PromptedTexts | None = None

    def of(self, view: View, rows: Sequence[int]) -> list[NDArray[np.int32]]:
        """The texts of a view in some rows, changed, and after its prompt."""
        if self.prompted is None or not (view.prompt or view.changes):
            return self.table.ids(view.column, rows)
        return self.prompted.ids(reading_of(view), rows)

    def prompt_span(self, view: View) -> slice:
        """The places of the prompt's tokens in each text of a view."""
        return self.prompted.spans.get(view.prompt, NOWHERE) if self.prompted else NOWHERE


@dataclass(frozen=True)
class TrainingData:
    """The data of a run, in memory or memory-mapped.

    online: the texts for the encoder. second: the same texts for a twin with another tokenizer. scores: one
    for every row. classes: the number of each row's class label. teacher_vectors, guide_vectors: by column, the vectors
    of a frozen teacher and of the guides, one for every text. spans: by column of which a row has any number of texts,
    the first text of each row and their number (`simemb.corpus.listed.spans`); of other columns the texts are numbered
    as the rows. grades: by column of positives and of negatives, the scores of a reranker of all texts with their
    anchors. fingerprints: of every other encoder that takes part.
    """

    online: TokenizedTexts
    second: TokenizedTexts | None = None
    scores: NDArray[np.float32] | None = None
    classes: NDArray[np.int64] | None = None
    teacher_vectors: Mapping[int, NDArray[np.float32]] = field(default_factory=dict)
    guide_vectors: Mapping[int, Vectors] = field(default_factory=dict)
    spans: Mapping[int, NDArray[np.int64]] = field(default_factory=dict)
    grades: Mapping[int, NDArray[np.float32]] = field(default_factory=dict)
    fingerprints: Mapping[str, str] = field(default_factory=dict)

    def examples(self, views: Sequence[View]) -> int:
        """The number of examples: a view with an offset has no text for the last rows."""
        return len(self.online.table) - max(view.offset for view in views)

    @property
    def teacher_width(self) -> int | None:
        """Width of the teacher's vectors, if there is a teacher."""
        return next((vectors.shape[1] for vectors in self.teacher_vectors.values()), None)


def load_training_data(
    recipe: Recipe, rows: Rows, encoder: Encoder, twin: Encoder | None, *, progress: bool | None
) -> TrainingData:
    """Tokenize the texts and compute the vectors of teacher and guide, unless they are cached.

    Raises `DataError` if the data lack something that the recipe needs, `RecipeError` for a `max_length` that leaves no
    room for words.
    """
    columns = {view.column for view in recipe.views if view.column < len(rows.columns) + len(rows.listed)}
    keys = {
        view.column
        for view in recipe.views
        if (view.negative or (view.target and not view.online)) and view.column in columns
    }
    row_spans = _spans(recipe, rows)
    teacher = (
        _load_other(recipe.target.model, encoder, recipe.target.precision)
        if isinstance(recipe.target, Frozen)
        else None
    )
    guides = [_load_other(name, encoder) for name in recipe.guides]
    drawn = (part for part in recipe.auxiliaries if isinstance(part, ReplacedTokenDetection) and part.generator)
    generator = next((part.load(encoder) for part in drawn), None)
    named = {"teacher": teacher, "twin": twin, "generator": generator}
    prints = {name: other.fingerprint() for name, other in named.items() if other is not None}
    prints |= {"guide": " ".join(guide.fingerprint() for guide in guides)} if guides else {}
    row_grades, reranker = grades_of(recipe, rows, row_spans, device=str(encoder.device), progress=progress)
    first_last = reversed(list(zip(recipe.views, roles(recipe.views), strict=True)))
    of_columns: dict[int, Role] = {view.column: role for view, role in first_last}  # of its first view
    return TrainingData(
        online=_tokenize(recipe, rows, encoder, progress=progress),
        second=None if twin is None else _tokenize(recipe, rows, twin, progress=progress),
        scores=_scores(recipe, rows),
        classes=class_numbers(rows) if recipe.classed else None,
        teacher_vectors={} if teacher is None else vectors_of(rows, teacher, keys, of_columns, progress=progress),
        guide_vectors=mixed(
            [vectors_of(rows, guide, columns, of_columns, progress=progress) for guide in guides], recipe.guide_weights
        ),
        spans=row_spans,
        grades=row_grades,
        fingerprints=prints | reranker,
    )


def _spans(recipe: Recipe, rows: Rows) -> dict[int, NDArray[np.int64]]:
    """Where the texts of each row are in the columns apart, by place."""
    found = {place: spans(rows, name) for place, name in enumerate(rows.listed, len(rows.columns))}
    for name, of_rows in zip(rows.listed, found.values(), strict=True):
        if recipe.smallest_share > 1 and not of_rows[:, 1].all():
            raise DataError(f"{rows.name}: batch norm needs a text of {name} in every row, and some have none")
    return found


def _load_other(model: str, encoder: Encoder, precision: Precision | None = None) -> Any:
    """Another encoder, on the same device; int8 stays on the CPU."""
    return Encoder.load(model, precision=precision, device=AUTO if precision == "int8" else str(encoder.device))


def _tokenize(recipe: Recipe, rows: Rows, encoder: Encoder, *, progress: bool | None) -> TokenizedTexts:
    special = int(encoder.tokenizer.num_special_tokens_to_add())
    if recipe.max_length <= special:
        raise RecipeError(
            f"--max-length {recipe.max_length} leaves no room for words beside the tokenizer's {special} special "
            f"tokens (allowed: {special + 1} to {encoder.max_length})"
        )
    if recipe.max_length > encoder.max_length:
        _cut(recipe.max_length, encoder)
    sources = tables(rows)
    look(encoder, [text for part in sources for row in first_rows(part, len(part.columns)) for text in row])
    length = min(recipe.max_length, encoder.max_length)
    first, *others = [
        token_table(part, encoder.tokenizer, max_length=length, progress=bool(progress)) for part in sources
    ]
    table = SeveralTables(first, dict(enumerate(others, len(rows.columns)))) if others else first
    prompted = prompted_texts(recipe, rows, encoder, length, progress=bool(progress))
    return TokenizedTexts(table, Vocabulary.of(encoder.tokenizer, encoder.longest), prompted)


def check_length(length: int, encoder: Encoder) -> None:
    """Raise `RecipeError` for more tokens than the model accepts, where somebody chose their number."""
    if length > encoder.max_length:
        allowed = f"{int(encoder.tokenizer.num_special_tokens_to_add()) + 1} to {encoder.max_length}"
        raise RecipeError(f"--max-length {length} is more than {encoder.name} accepts (allowed: {allowed})")


def _cut(length: int, encoder: Encoder) -> None:
    """Say that the model accepts fewer tokens than the recipe; refuse a number that somebody chose."""
    if not is_usual_length(length):
        check_length(length, encoder)
    log.warning(
        "the recipe's max_length of %d tokens is more than %s accepts: texts are cut at %d tokens",
        length,
        encoder.name,
        encoder.max_length,
    )


def _scores(recipe: Recipe, rows: Rows) -> NDArray[np.float32] | None:
    """The scores of all rows, where the recipe learns from them."""
    needed = recipe.objective is not None and recipe.objective.scored
    if rows.score is None:
        if needed:
            kind = name_of(recipe.objective, "scored")
            raise DataError(f"{rows.name}: {kind} needs a score for every pair (it has: {', '.join(rows.columns)})")
        return None
    if needed or any(auxiliary.labeled for auxiliary in recipe.auxiliaries):
        return np.fromiter((score for *_, score in rows.scored()), np.float32)
    return None
