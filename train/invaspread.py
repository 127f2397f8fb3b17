"""Invariant and spreading instances: near the other view of the same sentence, far from all other sentences.

Ye et al., 2019, https://arxiv.org/abs/1904.03436, section 3.2, eq. 2, 3, 5 and 6: -log P(i | its other view) - the sum
over the other sentences j of the batch of log(1 - P(i | j)); no bank. As in the paper: temperature 0.1, 128 dimensions.
On text the two views are dropout passes; optimizer and batch are those of `simcse` (the paper: SGD, batch 128).

When to use it: small batches, where the second term makes explicit what InfoNCE leaves to its denominator. What to
watch: both terms push sentences apart, so the temperature matters more than in `simclr`.
"""

from dataclasses import replace

from simemb import InvariantSpread, Projector

from .simcse import recipe as simcse

recipe = replace(
    simcse,
    head=Projector(width=128, activation="none"),
    objective=InvariantSpread(temperature=0.1),
)
