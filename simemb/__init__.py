"""simemb: train, score and search with sentence encoders by contrastive learning.

The public names; each is imported when it is first used, so that `import simemb` is immediate.
"""

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simemb.comparison.compare import compare
    from simemb.corpus.sources import Source
    from simemb.encoder.encoder import Encoder
    from simemb.encoder.static_distillation import distil_static
    from simemb.encoder.whitening import whiten
    from simemb.errors import SimembError
    from simemb.evaluation.evaluate import evaluate
    from simemb.evaluation.suite import Suite
    from simemb.method.auxiliaries import Auxiliary, MaskedLM, SoftmaxNLI
    from simemb.method.embedding_augmentations import (
        Adversarial,
        ElementDropout,
        EmbeddingAugmentation,
        FeatureCutoff,
        ShuffleEmbeddings,
        TokenCutoff,
    )
    from simemb.method.heads import MLP, Projector
    from simemb.method.lessons import Lesson
    from simemb.method.memory import Bank, Queue
    from simemb.method.objectives import (
        NCE,
        AlignUniform,
        BarlowTwins,
        BatchTriplet,
        CandidateKL,
        Centered,
        ContrastiveTension,
        CoSENT,
        CosineRegression,
        FalseNegatives,
        InfoNCE,
        InvariantSpread,
        MarginMSE,
        Matryoshka,
        Objective,
        Pair,
        Regression,
        SimilarityKL,
        SquaredError,
        SupCon,
        Swapped,
        VICReg,
    )
    from simemb.method.recipe import Recipe
    from simemb.method.span_augmentations import MaskSpan, SpanPair
    from simemb.method.targets import EMA, Frozen, StopGradient, Twin
    from simemb.method.token_augmentations import (
        Crop,
        Delete,
        Mask,
        Repeat,
        Shuffle,
        Span,
        TokenAugmentation,
    )
    from simemb.method.trained_parts import LoRA
    from simemb.method.views import View
    from simemb.search.index import Index
    from simemb.training.callbacks import Callback
    from simemb.training.fit import fit

__version__ = "0.1.0"

_HOMES = {
    "Adversarial": "method.embedding_augmentations",
    "AlignUniform": "method.objectives",
    "Auxiliary": "method.auxiliaries",
    "Bank": "method.memory",
    "BarlowTwins": "method.objectives",
    "CandidateKL": "method.objectives",
    "BatchTriplet": "method.objectives",
    "Callback": "training.callbacks",
    "Centered": "method.objectives",
    "CoSENT": "method.objectives",
    "ContrastiveTension": "method.objectives",
    "CosineRegression": "method.objectives",
    "Crop": "method.token_augmentations",
    "Delete": "method.token_augmentations",
    "EMA": "method.targets",
    "ElementDropout": "method.embedding_augmentations",
    "EmbeddingAugmentation": "method.embedding_augmentations",
    "Encoder": "encoder.encoder",
    "FalseNegatives": "method.objectives",
    "FeatureCutoff": "method.embedding_augmentations",
    "Frozen": "method.targets",
    "Index": "search.index",
    "InfoNCE": "method.objectives",
    "InvariantSpread": "method.objectives",
    "Lesson": "method.lessons",
    "LoRA": "method.trained_parts",
    "MLP": "method.heads",
    "MarginMSE": "method.objectives",
    "Mask": "method.token_augmentations",
    "MaskSpan": "method.span_augmentations",
    "MaskedLM": "method.auxiliaries",
    "Matryoshka": "method.objectives",
    "NCE": "method.objectives",
    "Objective": "method.objectives",
    "Pair": "method.objectives",
    "Projector": "method.heads",
    "Queue": "method.memory",
    "Recipe": "method.recipe",
    "Regression": "method.objectives",
    "Repeat": "method.token_augmentations",
    "Shuffle": "method.token_augmentations",
    "ShuffleEmbeddings": "method.embedding_augmentations",
    "SimembError": "errors",
    "SimilarityKL": "method.objectives",
    "SoftmaxNLI": "method.auxiliaries",
    "Source": "corpus.sources",
    "Span": "method.token_augmentations",
    "SpanPair": "method.span_augmentations",
    "SquaredError": "method.objectives",
    "StopGradient": "method.targets",
    "Suite": "evaluation.suite",
    "SupCon": "method.objectives",
    "Swapped": "method.objectives",
    "TokenAugmentation": "method.token_augmentations",
    "TokenCutoff": "method.embedding_augmentations",
    "Twin": "method.targets",
    "VICReg": "method.objectives",
    "View": "method.views",
    "compare": "comparison.compare",
    "distil_static": "encoder.static_distillation",
    "evaluate": "evaluation.evaluate",
    "fit": "training.fit",
    "whiten": "encoder.whitening",
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
    "BatchTriplet",
    "Callback",
    "CandidateKL",
    "Centered",
    "CoSENT",
    "ContrastiveTension",
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
    "Lesson",
    "LoRA",
    "MarginMSE",
    "Mask",
    "MaskSpan",
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
    "SpanPair",
    "SquaredError",
    "StopGradient",
    "Suite",
    "SupCon",
    "Swapped",
    "TokenAugmentation",
    "TokenCutoff",
    "Twin",
    "VICReg",
    "View",
    "compare",
    "distil_static",
    "evaluate",
    "fit",
    "whiten",
]


def _made_visible(record: logging.LogRecord) -> bool:
    """A notice as it may be shown: what it quotes is other people's, and a program may print it to a terminal."""
    from simemb.streams import one_line

    record.msg, record.args = one_line(record.getMessage()), None
    return True


logging.getLogger("simemb").addFilter(_made_visible)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"simemb.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'simemb' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
