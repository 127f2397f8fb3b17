"""simemb: train, score and search with sentence encoders by contrastive learning.

The public names; each is imported when it is first used, so that `import simemb` is immediate.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simemb.augment import Crop, Delete, Mask, Repeat, Shuffle, Span, TokenAugmentation
    from simemb.auxiliary import Auxiliary, MaskedLM, SoftmaxNLI
    from simemb.contest import compare
    from simemb.cutoff import (
        Adversarial,
        ElementDropout,
        EmbeddingAugmentation,
        FeatureCutoff,
        ShuffleEmbeddings,
        TokenCutoff,
    )
    from simemb.encoder import Encoder
    from simemb.errors import SimembError
    from simemb.heads import MLP, Projector
    from simemb.index import Index
    from simemb.memory import Bank, Queue
    from simemb.objectives import (
        NCE,
        AlignUniform,
        BarlowTwins,
        Centered,
        CoSENT,
        CosineRegression,
        FalseNegatives,
        InfoNCE,
        InvariantSpread,
        Matryoshka,
        Objective,
        Pair,
        Regression,
        SimilarityKL,
        SquaredError,
        Swapped,
        VICReg,
    )
    from simemb.recipe import Recipe
    from simemb.sources import Source
    from simemb.suites import Suite, evaluate
    from simemb.targets import EMA, Frozen, StopGradient, Twin
    from simemb.training import fit
    from simemb.views import View
    from simemb.whitening import whiten

__version__ = "0.1.0"

_HOMES = {
    "Adversarial": "cutoff",
    "AlignUniform": "objectives",
    "Auxiliary": "auxiliary",
    "Bank": "memory",
    "BarlowTwins": "objectives",
    "Centered": "objectives",
    "CoSENT": "objectives",
    "CosineRegression": "objectives",
    "Crop": "augment",
    "Delete": "augment",
    "EMA": "targets",
    "ElementDropout": "cutoff",
    "EmbeddingAugmentation": "cutoff",
    "Encoder": "encoder",
    "FalseNegatives": "objectives",
    "FeatureCutoff": "cutoff",
    "Frozen": "targets",
    "Index": "index",
    "InfoNCE": "objectives",
    "InvariantSpread": "objectives",
    "MLP": "heads",
    "Mask": "augment",
    "MaskedLM": "auxiliary",
    "Matryoshka": "objectives",
    "NCE": "objectives",
    "Objective": "objectives",
    "Pair": "objectives",
    "Projector": "heads",
    "Queue": "memory",
    "Recipe": "recipe",
    "Regression": "objectives",
    "Repeat": "augment",
    "Shuffle": "augment",
    "ShuffleEmbeddings": "cutoff",
    "SimembError": "errors",
    "SimilarityKL": "objectives",
    "SoftmaxNLI": "auxiliary",
    "Source": "sources",
    "Span": "augment",
    "SquaredError": "objectives",
    "StopGradient": "targets",
    "Suite": "suites",
    "Swapped": "objectives",
    "TokenAugmentation": "augment",
    "TokenCutoff": "cutoff",
    "Twin": "targets",
    "VICReg": "objectives",
    "View": "views",
    "compare": "contest",
    "evaluate": "suites",
    "fit": "training",
    "whiten": "whitening",
}

__all__ = [
    "EMA",
    "MLP",
    "NCE",
    "Adversarial",
    "AlignUniform",
    "Auxiliary",
    "Bank",
    "BarlowTwins",
    "Centered",
    "CoSENT",
    "CosineRegression",
    "Crop",
    "Delete",
    "ElementDropout",
    "EmbeddingAugmentation",
    "Encoder",
    "FalseNegatives",
    "FeatureCutoff",
    "Frozen",
    "Index",
    "InfoNCE",
    "InvariantSpread",
    "Mask",
    "MaskedLM",
    "Matryoshka",
    "Objective",
    "Pair",
    "Projector",
    "Queue",
    "Recipe",
    "Regression",
    "Repeat",
    "Shuffle",
    "ShuffleEmbeddings",
    "SimembError",
    "SimilarityKL",
    "SoftmaxNLI",
    "Source",
    "Span",
    "SquaredError",
    "StopGradient",
    "Suite",
    "Swapped",
    "TokenAugmentation",
    "TokenCutoff",
    "Twin",
    "VICReg",
    "View",
    "compare",
    "evaluate",
    "fit",
    "whiten",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"simemb.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'simemb' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
