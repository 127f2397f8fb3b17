"""Objectives: from query and key vectors to a scalar, one class each, mathematics only."""

from simemb.objectives.base import Objective, Pair, Texts, cosines
from simemb.objectives.contrast import InfoNCE

__all__ = ["InfoNCE", "Objective", "Pair", "Texts", "cosines"]
