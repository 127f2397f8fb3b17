"""SimCLR: two views of every sentence; all other views of the batch, from both sides, are negatives.

Chen et al., 2020, https://arxiv.org/abs/2002.05709, section 2.1, eq. 1 and algorithm 1: NT-Xent, the mean over 2N
queries with 2N - 2 negatives each; temperature 0.1 (section 5.1, ImageNet; on CIFAR-10 0.5); a head of two layers,
W2 relu(W1 h), 128 dimensions, dropped after training (section 4.2). The released code has batch norm in the head, the
paper does not. On text the two views are dropout passes; optimizer and batch are those of `simcse`, with the paper's
cosine schedule (the paper: LARS, batch 4,096).

When to use it: as `simcse`, from which it differs in the head, the temperature and twice as many negatives. What to
watch: as there, the score soon starts to fall.
"""

from dataclasses import replace

from simemb import MLP, InfoNCE, View

from .simcse import recipe as simcse

recipe = replace(
    simcse,
    views=(View(), View()),
    head=MLP(layers=2, width=128),
    objective=InfoNCE(temperature=0.1, within_view=True),
    schedule="cosine",
)
