"""SimSiam: predict the other view through the same encoder, with the gradient stopped on that side.

Chen & He, 2021, https://arxiv.org/abs/2011.10566, section 3, eq. 1 to 4 and algorithm 1: half the negative cosine of
each direction; 2 - 2 cos at weight 0.5 is that plus 1. As in the paper: a head of three layers of 2,048 with batch norm
after each, a predictor of two with a bottleneck of 512 and batch norm on the hidden layer only. On text the two views
are dropout passes; optimizer and batch are those of `simcse`, with the paper's cosine schedule (the paper: SGD, batch
512; it also keeps the predictor's learning rate constant, which is not done here).

When to use it: to see what a momentum encoder is good for: this is `byol` without one. What to watch: collapse, as
there; only the stopped gradient prevents it.
"""

from dataclasses import replace

from simemb import MLP, Regression, StopGradient, View

from .simcse import recipe as simcse

recipe = replace(
    simcse,
    views=(View(), View()),
    head=MLP(layers=3, hidden=2048, width=2048, norm="batch", final_norm=True),
    predictor=MLP(layers=2, hidden=512, norm="batch"),
    objective=Regression(weight=0.5),
    target=StopGradient(),
    schedule="cosine",
)
