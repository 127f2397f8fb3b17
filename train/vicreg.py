"""VICReg: views are similar (invariance), no feature is constant (variance), no two correlate (covariance).

Bardes et al., 2022, https://arxiv.org/abs/2105.04906, section 4.1, eq. 1 to 6. As in the paper: weights 25, 25 and 1,
standard deviations pushed up to 1, epsilon 1e-4 (`VICReg` names the two factors by which the released code differs from
the equations), and a head of three equally wide layers with batch norm on the hidden ones. Its 8,192 dimensions are 4 x
the width of ResNet-50; 3,072 are 4 x that of BERT-base. On text the two views are dropout passes; optimizer and batch
are those of `simcse`, with the paper's cosine schedule (the paper: LARS, batch 2,048).

When to use it: as `barlow`. The three terms can be watched and weighted separately, and the branches may differ
(`Twin`). What to watch: variance and covariance are estimated on one batch, so 64 is small.
"""

from dataclasses import replace

from simemb import MLP, VICReg

from .simcse import recipe as simcse

recipe = replace(
    simcse,
    head=MLP(layers=3, hidden=3072, width=3072, norm="batch", bias=False),
    objective=VICReg(similarity=25.0, variance=25.0, covariance=1.0, epsilon=1e-4),
    schedule="cosine",
)
