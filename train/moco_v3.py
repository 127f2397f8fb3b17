"""MoCo v3: a momentum encoder makes the keys of both views, the query side has a predictor, and there is no queue.

Chen et al., 2021, https://arxiv.org/abs/2104.02057, section 3 and algorithm 1, with the settings for transformers
(section 4, released code): a head of 3 layers and a predictor of 2, hidden width 4,096, output width 256, batch norm
after every layer; temperature 0.2; momentum 0.99 rising to 1 along half a cosine; the sum of both directions times
2 x temperature, hence the weight. On text the two views are dropout passes; optimizer and batch are those of `simcse`,
with the paper's cosine schedule (the paper: AdamW, batch 4,096), and no layer is frozen (the paper freezes the patch
projection).

When to use it: the batch can be large, and all negatives should come from the current weights. What to watch: the batch
norm of the heads makes 64 a small batch; at 512 and more the method comes close to its paper.
"""

from dataclasses import replace

from simemb import EMA, MLP, InfoNCE, View

from .simcse import recipe as simcse

recipe = replace(
    simcse,
    views=(View(), View()),
    head=MLP(layers=3, hidden=4096, width=256, norm="batch", final_norm=True, bias=False),
    predictor=MLP(layers=2, hidden=4096, width=256, norm="batch", final_norm=True, bias=False),
    objective=InfoNCE(temperature=0.2, weight=2 * 2 * 0.2),
    target=EMA(momentum=0.99, final=1.0),
    schedule="cosine",
)
