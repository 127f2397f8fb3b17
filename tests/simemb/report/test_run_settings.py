"""Recipe and environment of runs, with what differs in front."""

from typing import Any

from simemb.report.run_settings import Row, run_settings


class Run:
    def __init__(self, recipe: dict[str, Any] | None):
        self.recipe = recipe
        self.history = None


def recipe(seed: int, **more: Any) -> dict[str, Any]:
    return {"recipe": {"views": [{"column": 0}], "betas": [0.9, 0.999], **more}, "run": {"seed": seed}}


def test_settings_are_named_by_their_place_and_what_differs_stands_apart():
    found = run_settings([Run(recipe(1)), Run(recipe(2, guide=None)), Run(None)])  # type: ignore[arg-type]
    assert [run.recipe["run"]["seed"] for run in found.runs if run.recipe] == [1, 2]
    assert found.differing == [Row("run.seed", ("1", "2")), Row("recipe.guide", ("", "null"))]
    assert Row("recipe.views.0.column", ("0", "0")) in found.same
    assert Row("recipe.betas", ("[0.9, 0.999]", "[0.9, 0.999]")) in found.same


def test_a_single_run_differs_from_nothing():
    found = run_settings([Run(recipe(1))])  # type: ignore[arg-type]
    assert found.differing == []
    assert Row("run.seed", ("1",)) in found.same


def test_models_that_are_no_runs_have_no_settings():
    assert run_settings([Run(None)]) == ([], [], [])  # type: ignore[arg-type]
