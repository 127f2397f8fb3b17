"""The two tables of docs/methods.md, written from the recipes and the library: `python docs/make_methods.py`.

The cells are read off the nouns of a recipe, so a new file in train/ is a new row.
"""

from dataclasses import fields, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from simemb.cookbook import RECIPES, card, names
from simemb.errors import RecipeError
from simemb.method.heads import MLP
from simemb.method.objectives import Sum
from simemb.method.recipe import Recipe
from simemb.method.recipe_files import find
from simemb.method.recipe_json import noun_classes

PAGE = Path(__file__).with_name("methods.md")
MARKS = "<!-- {0}: made by docs/make_methods.py -->\n", "<!-- end of {0} -->"
ALWAYS_SHOWN = ("temperature", "size", "rate")
COLUMNS = ("recipe", "paper", "year", "views", "head", "target", "memory", "objective")


REFUSED = (
    "replace(byol, memory=Queue())",
    "replace(simcse, memory=Bank())",
    "replace(instdisc, memory=None)",
    "replace(moco_v1, memory=None)",
    "replace(esimcse, memory=None)",
    "replace(simcse_sup, objective=Regression())",
    "replace(simcse, objective=Swapped())",
    "replace(swav, objective=InfoNCE())",
    "replace(simcse, objective=Matryoshka(InfoNCE(), dims=(32, 64)))",
    "Matryoshka(Swapped(), dims=(32, 64))",
    "replace(simclr_v2, head=MLP(layers=3, norm='batch', keep=1))",
    "replace(distil, views=(View(), View()))",
    "replace(distil, views=(View(target=False), View(online=False, augment=(Shuffle(),))))",
    "replace(two_tower, target=StopGradient())",
    "replace(denoise, guide=None)",
    "replace(rankcse, guide_weights=(1, 2))",
    "Sum((InfoNCE(), Swapped()))",
    "Sum((CoSENT(), SupCon()))",
    "Term(VICReg(), memory=Queue())",
    "replace(simcse, objective=Term(InfoNCE(), memory=Queue()), memory=Queue())",
    "replace(simcse_sup, reranker='mini')",
    "replace(margin_mse, views=(View(), View(1)))",
    "replace(simcse_sup, objective=InfoNCE(hard_negatives=False))",
    "replace(cosent, views=(View(target=False), View(1, online=False, augment=(Negate(),))))",
    "InfoNCE(similarity='dot', angular_margin=0.1)",
    "InfoNCE(in_batch=False, mix=0.2)",
    "replace(simcse, negatives=3)",
    "replace(consert, views=(View(), View(augment=(Adversarial(),))), chunk=16)",
    "replace(consert_joint, views=(View(augment=(Adversarial(),)), View(column=1)))",
    "replace(consert_joint, views=(View(), View(1), View(3), View(3, augment=(Adversarial(),))))",
    "replace(simcse, views=(View(), View(), View(online=False, target=False, augment=(Adversarial(),))))",
    "replace(simcse, target=StopGradient(), views=(View(target=False), View(online=False, augment=(Adversarial(),))))",
    "replace(byol, batch_size=1)",
    "replace(simcse, schedule='cosin')",
    "replace(isbert, chunk=8)",
    "replace(diffcse, chunk=8)",
    "replace(s_simcse, views=(*s_simcse.views, View(augment=(Adversarial(),))))",
    "replace(matryoshka, predictor=Projector())",
    "replace(byol, predictor=Projector(keep=True))",
    "replace(esimcse, head=Projector(keep=True))",
    "replace(simcse_sup, fixed_dropout=True)",
    "replace(mlm, views=(View(augment=(FeatureCutoff(rate=0.1),)),))",
    "replace(supcon, views=(View(), View(column=1)))",
    "replace(simcse, per_label=4)",
    "replace(simcse, lessons=(Lesson(), Lesson(objective=VICReg())))",
    "replace(simcse, mix='round_robin', weights=(1, 3))",
    "replace(simcse_mlm, mix='proportional', lessons=(Lesson(views=(View(), View())),))",
    "replace(simcse, mix='proportional', lessons=(Lesson(objective=Swapped()),))",
)
"""Combinations that the library refuses, one for each rule."""


def filled(page: str) -> str:
    """The page with both tables between their marks."""
    for name, table in (("table", methods()), ("refused", refused())):
        begin, end = (mark.format(name) for mark in MARKS)
        before, _, rest = page.partition(begin)
        page = f"{before}{begin}{table}\n{end}{rest.partition(end)[2]}"
    return page


def methods() -> str:
    """A row for every recipe of the cookbook."""
    return _markdown(COLUMNS, [_row(name) for name in names(RECIPES)])


def refused() -> str:
    """A row for every combination of `REFUSED`, with the library's error message."""
    words = {"replace": replace, **noun_classes(), **{name: find(name) for name in names(RECIPES)}}
    return _markdown(("refused", "because"), [(f"`{code}`", _reason(code, words)) for code in REFUSED])


def _reason(code: str, words: dict[str, Any]) -> str:
    try:
        eval(code, words)
    except RecipeError as error:
        return str(error)
    raise AssertionError(f"{code} is not refused")


def _markdown(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [header, ("---",) * len(header), *rows])


def _row(name: str) -> tuple[str, ...]:
    recipe, about = find(name), card(name)
    heads = (_head(recipe.head), "predictor " + _head(recipe.predictor) if recipe.predictor else "")
    losses = (*_terms(recipe.objective), *recipe.auxiliaries)
    return (
        f"[`{name}`](../train/{name}.py)",
        f"[{about.paper}]({about.url})",
        about.year,
        "; ".join(_views(recipe)),
        "; ".join(filter(None, heads)),
        _target(recipe.target),
        _brief(recipe.memory),
        " + ".join(f"`{_brief(loss)}`" for loss in losses if loss),
    )


def _terms(objective: Any) -> tuple[Any, ...]:
    """The terms of a sum of weight 1, or the objective alone."""
    return objective.objectives if isinstance(objective, Sum) and objective.weight == 1 else (objective,)


def _views(recipe: Recipe) -> list[str]:
    """The branch, the data and the augmentations of each view; equal views are counted."""
    cells: list[str] = []
    for view, equal in groupby(recipe.views):
        role = {(1, 1): "both", (1, 0): "query", (0, 1): "key", (0, 0): "beside"}[(view.online, view.target)]
        words = [f"{count} x" if (count := len(list(equal))) > 1 else "", "negative" if view.negative else role]
        words.append(f"(column {view.column})" if view.column else "")
        words.append(f"(group {view.group})" if view.group else "")
        words.append(f"({view.offset} row on)" if view.offset else "")
        words.append("+ " + ", ".join(_brief(item) for item in view.augment) if view.augment else "")
        cells.append(" ".join(filter(None, words)))
    return cells


def _head(head: Any) -> str:
    if head is None:
        return ""
    layers = getattr(head, "layers", 1)
    linear = head.activation == "none" or (isinstance(head, MLP) and layers == 1)
    words = [f"{layers} layer{'s' if layers > 1 else ''}"]
    words.append(f"to {head.width}" if head.width else "")
    words.append("linear" if linear else head.activation)
    words.append("batch norm" if getattr(head, "batch_norm", False) else "")
    words.append(f"{head.prototypes} prototypes" if getattr(head, "prototypes", None) else "")
    words.append("kept" if head.keep is True else f"{head.keep} kept" if head.keep else "")
    return ", ".join(filter(None, words))


def _target(target: Any) -> str:
    """The target and its fields that are not at their defaults."""
    if type(target).__name__ != "EMA":
        return _brief(target)
    return f"EMA {target.momentum:g}" + (f" to {target.final:g}" if target.final is not None else "")


def _brief(noun: Any) -> str:
    """A noun with the fields that are not at their defaults, and those of `ALWAYS_SHOWN`."""
    if noun is None:
        return ""
    settings = [
        f"{field.name}={_value(value)}"
        for field in fields(noun)
        if (value := getattr(noun, field.name)) != field.default or field.name in ALWAYS_SHOWN
    ]
    return f"{type(noun).__name__}({', '.join(settings)})" if settings else type(noun).__name__


def _value(value: Any) -> str:
    if hasattr(value, "__dataclass_fields__"):
        return _brief(value)
    return f"{value:.4g}" if isinstance(value, float) else repr(value)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
