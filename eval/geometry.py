"""The geometry of an encoder's vectors on the whole STS-B, with and without whitening.

Alignment and uniformity are those of SimCSE (Gao et al., 2021, https://arxiv.org/abs/2104.08821, section 3); the other
measures and their papers are in `simemb.evaluation.geometry` and `simemb.evaluation.surface_bias`.
"""

from simemb.evaluation.suite import STSB, Suite
from simemb.evaluation.tasks.geometry import VectorGeometry

suite = Suite(
    name="geometry",
    description="alignment, uniformity, anisotropy, hubs, biases ... of the whole STS-B, with and without whitening",
    tasks=(VectorGeometry("stsb", STSB),),
    geometry=None,
    headline="uniformity",
)
