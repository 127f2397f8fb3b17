"""run.yaml, which every run has: the options of `simemb train` that repeat it, bit for bit."""

from pathlib import Path
from typing import Any

from simemb.corpus import sources
from simemb.encoder.names import is_bundled
from simemb.evaluation import evaluate
from simemb.training.plan import Plan

HEAD = """# Repeats this run: simemb train --config {path} --output DIR
# Each name is an option of `simemb train`; those on the command line win.
"""


def text(plan: Plan) -> str:
    """The content of run.yaml. Files are named from the root, so that they are found from every folder.

    Data that were in memory have their description for a name, which no file has: the run is not repeated by other
    data in their place.
    """
    import yaml

    recipe, settings = _found(dict(plan.record["recipe"])), plan.settings
    columns = (*settings.columns[:2], settings.labels) if settings.labels else settings.columns
    content: dict[str, Any] = {
        "recipe": recipe,
        "model": _place(settings.model),
        "data": list(map(_place, settings.data)),
        **({"columns": list(columns)} if columns else {}),
        **({"delimiter": settings.delimiter} if settings.delimiter else {}),
        **({} if settings.header else {"header": False}),
        "pooling": settings.pooling,
        "dev": list(map(_place, settings.dev)),
        "metric": settings.metric,
        "seed": settings.seed,
        "precision": settings.precision,
        "device": plan.encoder.device.type,
        **({"trackers": list(plan.trackers)} if plan.trackers else {}),
    }
    written = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)
    return HEAD.format(path=plan.directory.path / "run.yaml") + written


def _found(recipe: dict[str, Any]) -> dict[str, Any]:
    """The recipe with its models by their whole paths."""
    target = recipe.get("target")
    for judge in ("guide", "reranker"):
        if isinstance(name := recipe.get(judge), str):
            recipe = {**recipe, judge: _place(name)}
        elif isinstance(name, list):
            recipe = {**recipe, judge: list(map(_place, name))}
    recipe = {**recipe, "auxiliaries": [_generated(part) for part in recipe.get("auxiliaries", ())]}
    if isinstance(target, dict) and isinstance(target.get("model"), str):
        recipe = {**recipe, "target": {**target, "model": _place(target["model"])}}
    return recipe


def _generated(auxiliary: dict[str, Any]) -> dict[str, Any]:
    """An auxiliary with its generator by the whole path, if it has one."""
    name = auxiliary.get("generator")
    return {**auxiliary, "generator": _place(name)} if isinstance(name, str) else auxiliary


def _place(name: str) -> str:
    """A path from the root; a name that is none (of a corpus, a suite, a model that ships) stays as it is."""
    named = is_bundled(name) or name in sources.corpora() or name in evaluate.names()
    return name if named or not name or not Path(name).exists() else str(Path(name).absolute())
