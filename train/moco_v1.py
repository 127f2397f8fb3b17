"""MoCo: a momentum encoder makes the keys, and the keys of past batches are the only negatives.

He et al., 2020, https://arxiv.org/abs/1911.05722, section 3, eq. 1 and 2, algorithm 1. As in the paper: momentum 0.999,
temperature 0.07, a linear head of 128 dimensions, negatives from the queue alone, which starts full of random vectors.
The paper's 65,536 keys are 256 batches of 256; the queue here holds 256 batches of 64. On text the two views are
dropout passes, in the momentum encoder too; there is no batch norm to shuffle; optimizer and batch are those of
`simcse`.

When to use it: many negatives where a large batch does not fit. What to watch: in runs of fewer than 256 steps a part
of the queue is still random vectors, which are too easy (`--memory.size 2048 --memory.start empty`), and at momentum
0.999 the momentum encoder hardly leaves its start (`--target.momentum 0.99`).
"""

from dataclasses import replace

from simemb import EMA, InfoNCE, Projector, Queue

from .simcse import recipe as simcse

recipe = replace(
    simcse,
    head=Projector(width=128, activation="none"),
    objective=InfoNCE(temperature=0.07, in_batch=False),
    target=EMA(momentum=0.999),
    memory=Queue(size=16384, start="random"),
)
