"""SimCLR v2: a deeper head, whose first layer stays in the encoder after training.

Chen et al., 2020, https://arxiv.org/abs/2006.10029, section 2: a head of three layers and fine-tuning "from a middle
layer" of it, so the first layer is kept, with its ReLU; the rest is `simclr`. The released code has batch norm in the
head, which a saved encoder cannot hold. The other parts of the paper are available separately: larger networks by
`--model`, the queue of MoCo in `moco_v2`, distillation in `distil`.

When to use it: before fine-tuning on labels, which is what the kept layer is for. What to watch: after a ReLU all
vectors lie in one orthant, so cosines are never negative and uniformity is bounded.
"""

from dataclasses import replace

from simemb import MLP

from .simclr import recipe as simclr

recipe = replace(simclr, head=MLP(layers=3, width=128, keep=1))
