"""Objectives: from query and key vectors to a scalar, one class each, mathematics only."""

from simemb.method.objectives.agreement import AlignUniform, BarlowTwins, Regression, VICReg
from simemb.method.objectives.base import Grades, Objective, Pair, Texts, cosines
from simemb.method.objectives.candidates import CandidateKL, MarginMSE
from simemb.method.objectives.classes import BatchTriplet, SupCon
from simemb.method.objectives.clusters import Centered, Swapped
from simemb.method.objectives.distillation import SimilarityKL, SquaredError
from simemb.method.objectives.false_negatives import FalseNegatives
from simemb.method.objectives.info_nce import InfoNCE
from simemb.method.objectives.instance import NCE, InvariantSpread
from simemb.method.objectives.matryoshka import Matryoshka
from simemb.method.objectives.scored_pairs import CoSENT, CosineRegression
from simemb.method.objectives.tension import ContrastiveTension

__all__ = [
    "NCE",
    "AlignUniform",
    "BarlowTwins",
    "BatchTriplet",
    "CandidateKL",
    "Centered",
    "CoSENT",
    "ContrastiveTension",
    "CosineRegression",
    "FalseNegatives",
    "Grades",
    "InfoNCE",
    "InvariantSpread",
    "MarginMSE",
    "Matryoshka",
    "Objective",
    "Pair",
    "Regression",
    "SimilarityKL",
    "SquaredError",
    "SupCon",
    "Swapped",
    "Texts",
    "VICReg",
    "cosines",
]
