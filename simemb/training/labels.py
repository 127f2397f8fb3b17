"""What a recipe makes of a column of scores or labels: it learns from them, sorts the pairs by them, or refuses."""

from collections.abc import Sequence

from simemb.corpus import labels
from simemb.corpus.rows import Rows
from simemb.method.auxiliaries import SoftmaxNLI
from simemb.method.objectives import name_of
from simemb.method.recipe import Recipe


def examples(recipe: Recipe, rows: Rows, columns: Sequence[str] | None) -> Rows:
    """The rows as the recipe learns from them; `columns` are those that the user named.

    A recipe of positives gets entailments and duplicates as positives, and contradictions as hard negatives if it has a
    view of negatives. One that classifies gets numbers. Columns that are named without the score leave it unused.

    Raises:
        DataError: the column holds what the recipe has no use for.
    """
    if recipe.classed or (recipe.objective is not None and recipe.objective.graded):
        return rows
    if rows.score is None or not reads_label(recipe, rows, columns):
        if _takes_positives(recipe) and not learns_labels(recipe, rows):
            labels.check_unused(rows, name_of(recipe.objective))
        return rows
    if recipe.objective is not None and recipe.objective.scored:
        return _scored(recipe, rows)
    classifier = next((part for part in recipe.auxiliaries if isinstance(part, SoftmaxNLI)), None)
    if classifier is not None:
        return labels.numbered(rows, classifier.classes)
    negatives = any(view.negative for view in recipe.views)
    return labels.positives(rows, name_of(recipe.objective), negatives=negatives)


def reads_label(recipe: Recipe, rows: Rows, columns: Sequence[str] | None) -> bool:
    """Whether a score or label beside the texts has a meaning for the recipe, good or bad."""
    if learns_labels(recipe, rows):
        return True
    return labels.is_asked_for(rows, columns) and _takes_positives(recipe) and not _classifies(recipe)


def _takes_positives(recipe: Recipe) -> bool:
    """Whether the recipe learns from pairs or triplets."""
    return recipe.columns > 1 and recipe.objective is not None


def learns_labels(recipe: Recipe, rows: Rows) -> bool:
    """Whether the recipe learns from scores or labels; in triplets a classifier needs none."""
    scored = recipe.objective is not None and recipe.objective.scored
    return scored or recipe.classed or (_classifies(recipe) and len(rows.columns) + len(rows.listed) < 3)


def _classifies(recipe: Recipe) -> bool:
    return any(part.labeled for part in recipe.auxiliaries)


def _scored(recipe: Recipe, rows: Rows) -> Rows:
    """The rows, if a larger number can mean more alike."""
    if recipe.objective is not None:
        advice = "; simcse_sup and consert_joint learn from labels"
        labels.check_scores(rows, f"{name_of(recipe.objective, 'scored')} learns", advice, surely=True)
    return rows
