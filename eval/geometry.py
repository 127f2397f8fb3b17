"""How the vectors of an encoder lie in their space, with and without whitening, on the whole STS-B.

Alignment and uniformity as in SimCSE (Gao et al., 2021, https://arxiv.org/abs/2104.08821, section 3); the other
measures and their papers stand in `simemb.evaluation.geometry` and `simemb.evaluation.surface_bias`.
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
