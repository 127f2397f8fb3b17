"""Barlow Twins: a feature of one view correlates with itself in the other view and with no other feature.

Zbontar et al., 2021, https://arxiv.org/abs/2103.03230, section 2, eq. 1 and 2. As in the paper: 5e-3 on the
off-diagonal terms (0.0051 in the released code), a head of three equal layers with batch norm on the hidden
ones. Its 8,192 dimensions are 4 x the width of ResNet-50: 3,072 are 4 x that of BERT-base. (The paper finds
many dimensions to matter, figure 4, and large batches not, figure 2.) On text the two views are dropout
passes; optimizer and batch are those of `simcse`, with the paper's cosine schedule (the paper: LARS, batch
2,048).

When to use it: negatives are the problem, and batches are of some size. What to watch: the correlations are
those of one batch; at 64 they are noisy, at 256 the paper is nearly at its best. Gradients are clipped at
every step, since the loss is a sum over dimensions.
"""

from dataclasses import replace

from simemb import MLP, BarlowTwins

from .simcse import recipe as simcse

recipe = replace(
    simcse,
    head=MLP(layers=3, hidden=3072, width=3072, norm="batch", bias=False),
    objective=BarlowTwins(off_diagonal=5e-3),
    schedule="cosine",
)
