"""BYOL: predict the vector that a momentum encoder gives the other view, without any negatives.

Grill et al., 2020, https://arxiv.org/abs/2006.07733, section 3.1, eq. 2: 2 - 2 cos(prediction, key), summed over both
directions, hence the weight 2. As in the paper: head and predictor of two layers, hidden width 4,096 with batch norm,
output width 256; momentum 0.99 (the paper's for 300 epochs; 0.996 for 1,000) rising to 1 along half a cosine. On text
the two views are dropout passes, in the momentum encoder too; optimizer and batch are those of `simcse`, with the
paper's cosine schedule (the paper: LARS, batch 4,096).

When to use it: batches too small for negatives, or data with many near-duplicates, which would be false negatives.
What to watch: collapse. Only the predictor, the momentum encoder and batch norm keep the vectors from becoming equal;
`collapse` in metrics.jsonl (the mean cosine of different sentences in the encoder) goes to 1 if they do. Two dropout
passes are also so similar that there is little to predict.
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
