"""BYOL: predict what a slow copy of the encoder makes of the other view, with no negatives at all.

Grill et al., 2020, https://arxiv.org/abs/2006.07733, section 3.1, eq. 2: 2 - 2 cos(prediction, key), both
directions added, hence the weight 2. As in the paper: head and predictor of two layers, hidden 4,096 with
batch norm, width 256; momentum 0.99 (the paper's for 300 epochs, 0.996 for 1,000) rising to 1 along half a
cosine. On text the two views are dropout passes, which the slow copy has too; optimizer and batch are those
of `simcse`, with the paper's cosine schedule (the paper: LARS, batch 4,096).

When to use it: batches too small for negatives, or data full of near-duplicates, which would be false
negatives. What to watch: collapse. Nothing forbids equal vectors but predictor, slow copy and batch norm;
`collapse` in metrics.jsonl (the mean cosine of different sentences in the encoder) going to 1 shows it, and
two dropout passes are so alike that there is little to predict.
"""

from dataclasses import replace

from simemb import EMA, MLP, Regression, View

from .simcse import recipe as simcse

recipe = replace(
    simcse,
    views=(View(), View()),
    head=MLP(layers=2, hidden=4096, width=256, norm="batch"),
    predictor=MLP(layers=2, hidden=4096, width=256, norm="batch"),
    objective=Regression(weight=2.0),
    target=EMA(momentum=0.99, final=1.0),
    schedule="cosine",
)
