"""ArcCSE: the positive must win by an angle, and a sentence is nearer to itself with little masked than with much.

Zhang et al., 2022, https://arxiv.org/abs/2203.06875, section 3: `simcse` with an angular margin of 10 degrees on the
positive (ArcCon), plus 0.1 x a triplet loss of the sentence, itself with a fifth of its tokens masked and itself with
two fifths masked, of which the first entails the second and the second the third. Average of the seven STS tasks in
the paper: 78.11 (SimCSE: 76.25). The authors released no code: the factor 0.1 and the triplet's margin 0 are those of a
reimplementation, the rates could not be checked, and the rest is `simcse`'s. Each masked text has one span, and the
short span lies within the long one. Left out: the paper forms triplets of long sentences only, and encodes them without
dropout.

When to use it: as `simcse`, where details of long sentences matter. What to watch: a step encodes four views, so it
costs twice one of `simcse`; the base must have a mask token.
"""

from dataclasses import replace
from math import radians

from simemb import Entailment, InfoNCE, MaskSpan, Sum, View

from .simcse import recipe as simcse

recipe = replace(
    simcse,
    views=(
        View(target=False),
        View(online=False),
        View(online=False, negative=True, augment=(MaskSpan(rate=0.2, shared=True),)),
        View(online=False, negative=True, augment=(MaskSpan(rate=0.4, shared=True),)),
    ),
    objective=Sum(
        (
            InfoNCE(temperature=0.05, angular_margin=radians(10), hard_negatives=False),
            Entailment(margin=0.0, weight=0.1),
        )
    ),
)
