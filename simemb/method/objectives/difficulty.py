"""What makes the task of a query harder: an angle added to that of its key, and a negative mixed out of its key."""

from math import cos, pi, sin

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import normalize

from simemb.method.objectives.base import Pair

ALIKE = 1 - 1e-6
"""The cosine from which two vectors count as one: their angle, below 0.0015, has no direction to be widened in."""


def widen(cosine: Float[Tensor, "batch"], margin: float) -> Float[Tensor, "batch"]:
    """cos(theta + margin) of the angles theta whose cosines are given; above pi - margin, cos theta - 1 + cos margin.

    That continuation meets the cosine at -1 and keeps falling, where cos(theta + margin) would rise again. ArcFace
    (Deng et al., 2019, section 2.2) adds the margin; ArcCSE (Zhang et al., 2022) does so to a sentence's positive.

    margin: in radians, from 0 to pi / 2.
    """
    sine = (1 - cosine.clamp(-ALIKE, ALIKE).square()).sqrt()
    widened = cosine * cos(margin) - sine * sin(margin)
    return torch.where(cosine > cos(pi - margin), widened, cosine - 1 + cos(margin))


def mixed_negatives(
    pair: Pair, share: float, mask: Bool[Tensor, "batch columns"], *, cosine: bool
) -> tuple[Float[Tensor, "batch 1"], Bool[Tensor, "batch 1"]]:
    """The similarity of each query to share * own key + (1 - share) * next key, and whether it does not count.

    MixCSE (Zhang et al., 2022) takes the other key at random; batches are in random order, so the next one of the
    whole batch will do, after the last the first. The mixture has no gradient. It does not count where the other key
    does not, by `mask`, whose first columns are the keys, nor if there is no other.

    cosine: mix unit vectors, and compare by the cosine; else by the dot product.
    """
    own = torch.arange(pair.own.start, pair.own.stop, device=pair.key.device)
    other = (own + 1) % len(pair.key)
    key = pair.key.detach()
    query, key = (normalize(block, dim=1) for block in (pair.query, key)) if cosine else (pair.query, key)
    mixed = share * key[own] + (1 - share) * key[other]
    mixed = normalize(mixed, dim=1) if cosine else mixed
    left_out = mask.gather(1, other[:, None]) | (other == own)[:, None]
    return (query * mixed).sum(dim=1, keepdim=True), left_out
