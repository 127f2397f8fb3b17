"""The examples of a run: the rows of its data as the recipe learns from them, with a notice of what is left unused."""

import logging
from collections.abc import Sequence
from typing import Any

from simemb.corpus.classes import with_classes
from simemb.corpus.column_values import examples as shown
from simemb.corpus.column_values import samples
from simemb.corpus.columns import listed
from simemb.corpus.listed import TRIPLET, apart, is_uneven
from simemb.corpus.rows import Rows, open_rows
from simemb.errors import DataError
from simemb.method.recipe import Recipe
from simemb.training.grades import score_columns
from simemb.training.labels import examples, learns_labels

log = logging.getLogger("simemb")


def open_examples(
    recipe: Recipe, data: Any, columns: Sequence[str] | None, *, delimiter: str | None, header: bool
) -> tuple[Rows, str]:
    """The rows that the recipe learns from, and the column of labels that sorted them, or of their classes, or "".

    Raises:
        DataError: the data cannot be read, lack a column, or have labels that the recipe has no use for.
    """
    opened = open_rows(data, columns=columns, delimiter=delimiter, header=header)
    if recipe.classed:
        opened = with_classes(opened, columns)
    # What no view reads need not be there, or be text; a classifier sees by it whether the rows are triplets.
    if opened.several or not any(part.labeled for part in recipe.auxiliaries):
        opened = opened.narrowed(1 + max(view.column for view in recipe.views))
    opened = _apart(recipe, opened)
    _say_several(opened)
    rows = examples(recipe, opened, columns)
    used = rows is not opened or learns_labels(recipe, opened)
    if (scores := score_columns(recipe, rows)) is not None:
        rows.ignored, used = tuple(name for name in rows.ignored if name not in scores.names), True
    _check_columns(recipe, rows, [] if used or opened.score is None else [opened.score])
    if rows.warning:
        log.warning("%s: %s", rows.name, rows.warning)
    opened.report_blanks()  # the tokens may come from the cache, without a look at the texts
    learnt = recipe.classed or (rows is not opened and rows.score is None)
    return rows, str(opened.score) if learnt else ""


def _apart(recipe: Recipe, rows: Rows) -> Rows:
    """The rows with their negatives apart, where a row may have several or none and the recipe can do without."""
    *_, last = rows.columns
    needed = any(view.column + 1 == TRIPLET and not view.optional for view in recipe.views)
    return rows if len(rows.columns) < TRIPLET or needed or not is_uneven(rows, last) else apart(rows, last)


def _say_several(rows: Rows) -> None:
    members = [member for group in rows.several.values() for member in group]
    if members:
        log.warning("%s: each text of %s makes a row, with the other texts of its record", rows.name, listed(members))


def _check_columns(recipe: Recipe, rows: Rows, unused: Sequence[str]) -> None:
    names = (*rows.columns, *rows.listed)
    if len(rows.columns) < recipe.columns:
        raise DataError(
            f"{rows.name}: the recipe needs {recipe.columns} text columns and it has {len(rows.columns)} "
            f"({', '.join(rows.columns)}) among {shown(samples(rows, rows.every_column))}; name others with --columns"
        )
    read = {view.column for view in recipe.views}
    unread = [name for place, name in enumerate(names) if place not in read]
    if left := [*unread, *rows.ignored, *unused]:
        log.warning("%s: not used: column %s", rows.name, listed(left))
    if any(view.negative and view.column >= len(names) for view in recipe.views):
        log.info("%s: has no column of negatives, so there are no hard negatives", rows.name)
