"""Barlow Twins: each feature correlates with itself in the other view, and with no other feature.

Zbontar et al., 2021, https://arxiv.org/abs/2103.03230, section 2, eq. 1 and 2. As in the paper: 5e-3 on the
off-diagonal terms (0.0051 in the released code), and a head of three equally wide layers with batch norm on the
hidden ones. The paper's 8,192 dimensions are 4 x the width of ResNet-50; 3,072 are 4 x that of BERT-base. (The
paper finds that many dimensions matter, figure 4, and that large batches do not, figure 2.) On text the two views
are dropout passes; optimizer and batch are those of `simcse`, with the paper's cosine schedule (the paper: LARS,
batch 2,048).

When to use it: negatives are a problem, and the batch is not small. From `base` it gains the most of the four recipes
without labels that were measured (docs/bundled.md). What to watch: the correlations are estimated on one batch; they
are noisy at 64, and at 256 the paper is close to its best result. The loss is a sum over dimensions, so gradients are
clipped at every step.
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
