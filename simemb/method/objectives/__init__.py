"""Objectives: from query and key vectors to a scalar, one class each, mathematics only."""

from simemb.method.objectives.agreement import AlignUniform, BarlowTwins, Regression, VICReg
from simemb.method.objectives.base import Grades, Objective, Pair, Texts, cosines
from simemb.method.objectives.candidates import CandidateKL, MarginMSE
from simemb.method.objectives.classes import BatchTriplet, SupCon
from simemb.method.objectives.clusters import Centered, Swapped
from simemb.method.objectives.composed import Composed, name_of, terms, walk
from simemb.method.objectives.distillation import SimilarityKL, SquaredError
from simemb.method.objectives.false_negatives import FalseNegatives
from simemb.method.objectives.info_nce import InfoNCE
from simemb.method.objectives.instance import NCE, InvariantSpread
from simemb.method.objectives.margins import BidirectionalMargin, Entailment
from simemb.method.objectives.matryoshka import Matryoshka, nested_sizes
from simemb.method.objectives.ranking import Consistency, ListMLE, ListNet
from simemb.method.objectives.scored_pairs import AnglE, CoSENT, CosineRegression, ScoredContrast
from simemb.method.objectives.sum import Sum, SumLoss, Term, TermLoss, served
from simemb.method.objectives.tension import ContrastiveTension

__all__ = [
    "NCE",
    "AlignUniform",
    "AnglE",
    "BarlowTwins",
    "BatchTriplet",
    "BidirectionalMargin",
    "CandidateKL",
    "Centered",
    "CoSENT",
    "Composed",
    "Consistency",
    "ContrastiveTension",
    "CosineRegression",
    "Entailment",
    "FalseNegatives",
    "Grades",
    "InfoNCE",
    "InvariantSpread",
    "ListMLE",
    "ListNet",
    "MarginMSE",
    "Matryoshka",
    "Objective",
    "Pair",
    "Regression",
    "ScoredContrast",
    "SimilarityKL",
    "SquaredError",
    "Sum",
    "SumLoss",
    "SupCon",
    "Swapped",
    "Term",
    "TermLoss",
    "Texts",
    "VICReg",
    "cosines",
    "name_of",
    "nested_sizes",
    "served",
    "terms",
    "walk",
]
