"""Matryoshka: supervised SimCSE whose vectors may be cut short, the first dimensions being good by themselves.

Kusupati et al., 2022, https://arxiv.org/abs/2205.13147, section 3, eq. 1: the sum of one loss at several
lengths, each counting the same; as in the paper the lengths are halves of each other. The loss is that of
`simcse_sup`, and any other objective can be wrapped. The run's recipe.json records the lengths.

When to use it: indexes whose size is not known yet: `simemb encode --truncate-dim 64`. What to watch: the
last length should be the encoder's own width, 128 for the bundled one; BERT-base: `--objective.dims 64 128
256 512 768`.
"""

from dataclasses import replace

from simemb import InfoNCE, Matryoshka

from .simcse_sup import recipe as simcse_sup

recipe = replace(simcse_sup, objective=Matryoshka(InfoNCE(temperature=0.05), dims=(16, 32, 64, 128)))
