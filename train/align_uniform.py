"""Alignment and uniformity: minimize directly the two quantities that contrastive learning is measured by.

Wang & Isola, 2020, https://arxiv.org/abs/2005.10242, section 4.1: the mean of ||x - y||^2 over positives plus
the logarithm of the mean of exp(-2 ||x - x'||^2) over pairs within each view, both on unit vectors, equal
weights (the defaults of SsnL/align_uniform). There is no head: what is optimized is what is measured. On text
the two views are dropout passes; optimizer and batch are those of `simcse`.

When to use it: to trade the one against the other by hand (`--objective.uniformity`). What to watch: it buys
uniformity at any price; on an encoder that is good already it can undo more than it gains.
"""

from dataclasses import replace

from simemb import AlignUniform

from .simcse import recipe as simcse

recipe = replace(simcse, head=None, objective=AlignUniform(alpha=2.0, t=2.0, uniformity=1.0))
