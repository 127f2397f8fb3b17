"""SimCLR v2: a deeper head, whose first layer stays in the encoder after training.

Chen et al., 2020, https://arxiv.org/abs/2006.10029, section 2: a head of three layers, fine-tuning "from a
middle layer" of it, so that the first one is kept, with its ReLU; the rest is `simclr`. The released code has
batch norm in the head, which a saved encoder has no place for. The paper's larger networks, its memory of
MoCo and its self-training on labels are other matters: `--model`, `moco_v2`, `distil`.

When to use it: fine-tuning on labels follows, which is what the kept layer is for. What to watch: after a
ReLU all vectors lie in one corner of the space, so cosines are never negative and uniformity is bounded.
"""

from dataclasses import replace

from simemb import MLP

from .simclr import recipe as simclr

recipe = replace(simclr, head=MLP(layers=3, width=128, keep=1))
