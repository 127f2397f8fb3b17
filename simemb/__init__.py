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
    from simemb.encoder.shards import encode_shards
    from simemb.encoder.static_distillation import distil_static
    from simemb.encoder.whitening import whiten
    from simemb.errors import SimembError
    from simemb.evaluation.evaluate import evaluate
    from simemb.evaluation.suite import Suite
    from simemb.method.auxiliaries import (
        Auxiliary,
        Denoising,
        MaskedLM,
        MutualInformation,
        ReplacedTokenDetection,
        SoftmaxNLI,
    )
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
    from simemb.method.memory import Bank, Noise, Queue
    from simemb.method.objectives import (
        NCE,
        AlignUniform,
        AnglE,
        BarlowTwins,
        BatchTriplet,
        BidirectionalMargin,
        CandidateKL,
        Centered,
        Consistency,
        ContrastiveTension,
        CoSENT,
        CosineRegression,
        Entailment,
        FalseNegatives,
        InfoNCE,
        InvariantSpread,
        ListMLE,
        ListNet,
        MarginMSE,
        Matryoshka,
        Objective,
        Pair,
        Regression,
        ScoredContrast,
        SimilarityKL,
        SquaredError,
        Sum,
        SupCon,
        Swapped,
        Term,
        VICReg,
    )
    from simemb.method.order_augmentations import Reverse, Shuffle
    from simemb.method.recipe import Recipe
    from simemb.method.sampled_dropout import SampledDropout
    from simemb.method.span_augmentations import MaskCharacters, MaskSpan, SpanPair
    from simemb.method.targets import EMA, Frozen, StopGradient, Twin
    from simemb.method.text_augmentations import Negate, TextAugmentation
    from simemb.method.token_augmentations import (
        Crop,
        Delete,
        Mask,
        Repeat,
        Span,
        TokenAugmentation,
    )
    from simemb.method.trained_parts import LoRA
    from simemb.method.views import View
    from simemb.search.clusters import cluster
    from simemb.search.duplicates import dedupe
    from simemb.search.encoded import index_vectors
    from simemb.search.index import Index
    from simemb.search.similar_pairs import pairs
    from simemb.training.callbacks import Callback
    from simemb.training.fit import fit

__version__ = "0.1.0"

_HOMES = {
    "Adversarial": "method.embedding_augmentations",
    "AlignUniform": "method.objectives",
    "Auxiliary": "method.auxiliaries",
    "Bank": "method.memory",
    "AnglE": "method.objectives",
    "BarlowTwins": "method.objectives",
    "CandidateKL": "method.objectives",
    "BatchTriplet": "method.objectives",
    "BidirectionalMargin": "method.objectives",
    "Callback": "training.callbacks",
    "Centered": "method.objectives",
    "CoSENT": "method.objectives",
    "Consistency": "method.objectives",
    "ContrastiveTension": "method.objectives",
    "CosineRegression": "method.objectives",
    "Crop": "method.token_augmentations",
    "Delete": "method.token_augmentations",
    "Denoising": "method.auxiliaries",
    "EMA": "method.targets",
    "ElementDropout": "method.embedding_augmentations",
    "EmbeddingAugmentation": "method.embedding_augmentations",
    "Encoder": "encoder.encoder",
    "Entailment": "method.objectives",
    "FalseNegatives": "method.objectives",
    "FeatureCutoff": "method.embedding_augmentations",
    "Frozen": "method.targets",
    "Index": "search.index",
    "InfoNCE": "method.objectives",
    "InvariantSpread": "method.objectives",
    "Lesson": "method.lessons",
    "LoRA": "method.trained_parts",
    "MLP": "method.heads",
    "ListMLE": "method.objectives",
    "ListNet": "method.objectives",
    "MarginMSE": "method.objectives",
    "Mask": "method.token_augmentations",
    "MaskCharacters": "method.span_augmentations",
    "MaskSpan": "method.span_augmentations",
    "MaskedLM": "method.auxiliaries",
    "Matryoshka": "method.objectives",
    "MutualInformation": "method.auxiliaries",
    "NCE": "method.objectives",
    "Negate": "method.text_augmentations",
    "Noise": "method.memory",
    "Objective": "method.objectives",
    "Pair": "method.objectives",
    "Projector": "method.heads",
    "Queue": "method.memory",
    "Recipe": "method.recipe",
    "Regression": "method.objectives",
    "Repeat": "method.token_augmentations",
    "ReplacedTokenDetection": "method.auxiliaries",
    "SampledDropout": "method.sampled_dropout",
    "Reverse": "method.order_augmentations",
    "Shuffle": "method.order_augmentations",
    "ShuffleEmbeddings": "method.embedding_augmentations",
    "SimembError": "errors",
    "ScoredContrast": "method.objectives",
    "SimilarityKL": "method.objectives",
    "SoftmaxNLI": "method.auxiliaries",
    "Source": "corpus.sources",
    "Span": "method.token_augmentations",
    "SpanPair": "method.span_augmentations",
    "SquaredError": "method.objectives",
    "StopGradient": "method.targets",
    "Suite": "evaluation.suite",
    "Sum": "method.objectives",
    "SupCon": "method.objectives",
    "Swapped": "method.objectives",
    "Term": "method.objectives",
    "TextAugmentation": "method.text_augmentations",
    "TokenAugmentation": "method.token_augmentations",
    "TokenCutoff": "method.embedding_augmentations",
    "Twin": "method.targets",
    "VICReg": "method.objectives",
    "View": "method.views",
    "cluster": "search.clusters",
    "compare": "comparison.compare",
    "dedupe": "search.duplicates",
    "distil_static": "encoder.static_distillation",
    "encode_shards": "encoder.shards",
    "evaluate": "evaluation.evaluate",
    "fit": "training.fit",
    "index_vectors": "search.encoded",
    "pairs": "search.similar_pairs",
    "whiten": "encoder.whitening",
}

__all__ = [
    "EMA",
    "MLP",
    "NCE",
    "Adversarial",
    "AlignUniform",
    "AnglE",
    "Auxiliary",
    "Bank",
    "BarlowTwins",
    "BatchTriplet",
    "BidirectionalMargin",
    "Callback",
    "CandidateKL",
    "Centered",
    "CoSENT",
    "Consistency",
    "ContrastiveTension",
    "CosineRegression",
    "Crop",
    "Delete",
    "Denoising",
    "ElementDropout",
    "EmbeddingAugmentation",
    "Encoder",
    "Entailment",
    "FalseNegatives",
    "FeatureCutoff",
    "Frozen",
    "Index",
    "InfoNCE",
    "InvariantSpread",
    "Lesson",
    "ListMLE",
    "ListNet",
    "LoRA",
    "MarginMSE",
    "Mask",
    "MaskCharacters",
    "MaskSpan",
    "MaskedLM",
    "Matryoshka",
    "MutualInformation",
    "Negate",
    "Noise",
    "Objective",
    "Pair",
    "Projector",
    "Queue",
    "Recipe",
    "Regression",
    "Repeat",
    "ReplacedTokenDetection",
    "Reverse",
    "SampledDropout",
    "ScoredContrast",
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
    "Sum",
    "SupCon",
    "Swapped",
    "Term",
    "TextAugmentation",
    "TokenAugmentation",
    "TokenCutoff",
    "Twin",
    "VICReg",
    "View",
    "cluster",
    "compare",
    "dedupe",
    "distil_static",
    "encode_shards",
    "evaluate",
    "fit",
    "index_vectors",
    "pairs",
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
