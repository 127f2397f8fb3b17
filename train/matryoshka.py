"""Matryoshka: supervised SimCSE whose vectors can be cut short, since their first dimensions are good on their own.

Kusupati et al., 2022, https://arxiv.org/abs/2205.13147, section 3, eq. 1: the sum of one loss at several lengths with
equal weights. As in the paper each length is half of the next; by default they are the encoder's width and three
halvings of it. The loss is that of `simcse_sup`; any other loss on whole vectors can be wrapped (not `NCE`, `Swapped`
and `Centered`). The saved encoder records the lengths (in its card and in `Encoder.sizes`).

When to use it: indexes whose size is not known yet: `simemb encode --truncate-dim 64`. What to watch: the last length
should be the encoder's own width; set others by `--objective.dims 64 256 768`.
"""

from dataclasses import replace

from simemb import InfoNCE, Matryoshka

from .simcse_sup import recipe as simcse_sup

recipe = replace(simcse_sup, objective=Matryoshka(InfoNCE(temperature=0.05)))
