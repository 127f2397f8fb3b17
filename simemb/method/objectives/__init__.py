"""Objectives: from query and key vectors to a scalar, one class each, mathematics only."""

from simemb.objectives.agreement import AlignUniform, BarlowTwins, Regression, VICReg
from simemb.objectives.base import Objective, Pair, Texts, cosines
from simemb.objectives.clusters import Centered, Swapped
from simemb.objectives.contrast import InfoNCE
from simemb.objectives.distilling import SimilarityKL, SquaredError
from simemb.objectives.instance import NCE, InvariantSpread
from simemb.objectives.matryoshka import Matryoshka
from simemb.objectives.negatives import FalseNegatives
from simemb.objectives.scored import CoSENT, CosineRegression

__all__ = [
    "NCE",
    "AlignUniform",
    "BarlowTwins",
    "Centered",
    "CoSENT",
    "CosineRegression",
    "FalseNegatives",
    "InfoNCE",
    "InvariantSpread",
    "Matryoshka",
    "Objective",
    "Pair",
    "Regression",
    "SimilarityKL",
    "SquaredError",
    "Swapped",
    "Texts",
    "VICReg",
    "cosines",
]
