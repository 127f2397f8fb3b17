"""Alignment and uniformity: minimize the two quantities that contrastive learning is measured by.

Wang & Isola, 2020, https://arxiv.org/abs/2005.10242, section 4.1: the mean of ||x - y||^2 over positive pairs plus
the logarithm of the mean of exp(-2 ||x - x'||^2) over the pairs within each view, on unit vectors, with equal
weights (the defaults of SsnL/align_uniform). There is no head, so the loss is computed on the vectors that are
scored. On text the two views are dropout passes; optimizer and batch are those of `simcse`.

When to use it: to trade alignment against uniformity by hand (`--objective.uniformity`). What to watch: the loss
raises uniformity at any price, and can make an encoder that is already good worse.
"""

from dataclasses import replace

from simemb import AlignUniform

from .simcse import recipe as simcse

recipe = replace(simcse, head=None, objective=AlignUniform(alpha=2.0, t=2.0, uniformity=1.0))
