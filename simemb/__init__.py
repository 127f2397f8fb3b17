"""simemb: train, score and search with sentence encoders by contrastive learning.

The public names; each is imported when it is first used, so that `import simemb` is immediate.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simemb.auxiliary import MaskedLM
    from simemb.encoder import Encoder
    from simemb.errors import SimembError
    from simemb.heads import Projector
    from simemb.index import Index
    from simemb.objectives import InfoNCE
    from simemb.recipe import Recipe
    from simemb.sources import Source
    from simemb.suites import Suite, evaluate
    from simemb.training import fit
    from simemb.views import View

__version__ = "0.1.0"

_HOMES = {
    "Encoder": "encoder",
    "Index": "index",
    "InfoNCE": "objectives",
    "MaskedLM": "auxiliary",
    "Projector": "heads",
    "Recipe": "recipe",
    "SimembError": "errors",
    "Source": "sources",
    "Suite": "suites",
    "View": "views",
    "evaluate": "suites",
    "fit": "training",
}

__all__ = [
    "Encoder",
    "Index",
    "InfoNCE",
    "MaskedLM",
    "Projector",
    "Recipe",
    "SimembError",
    "Source",
    "Suite",
    "View",
    "evaluate",
    "fit",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"simemb.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'simemb' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
