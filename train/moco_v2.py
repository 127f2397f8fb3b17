"""MoCo v2: MoCo with the head of SimCLR and a higher temperature.

Chen et al., 2020, https://arxiv.org/abs/2003.04297, section 3: a two-layer head (hidden layer as wide as the encoder,
ReLU, 128 dimensions), temperature 0.2, a cosine schedule. Its stronger image augmentation (blur) has no counterpart on
text. Momentum and queue are those of `moco_v1`, whose docstring says how they were adapted.

When to use it: instead of `moco_v1`. What to watch: as there, runs shorter than the queue.
"""

from dataclasses import replace

from simemb import MLP, InfoNCE

from .moco_v1 import recipe as moco_v1

recipe = replace(
    moco_v1,
    head=MLP(layers=2, width=128),
    objective=InfoNCE(temperature=0.2, in_batch=False),
    schedule="cosine",
)
