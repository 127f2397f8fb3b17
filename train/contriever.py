"""Contriever: a crop of a document finds another crop of it among the crops of past batches, by the dot product.

Izacard et al., 2022, https://arxiv.org/abs/2112.09118, sections 3.1 to 3.3. Numbers: facebookresearch/contriever: crops
of 10 to 50 % of 256 tokens (the paper: 5 to 50 %), of which a tenth is deleted, mean pooling, dot products at
temperature 0.05 without normalization, momentum 0.9995, a queue that starts random, dropout in the momentum encoder
too; AdamW at 5e-5 after 20,000 of 500,000 steps of warm-up. The queue of 131,072 keys is 64 batches of 2,048; here it
is 64 batches of 64. The code deletes each token with probability 0.1, here it is exactly a tenth.

When to use it: retrieval over documents of your own without queries. In the paper it beats BM25 on 11 of the 15 sets of
BEIR in recall at 100. What to watch: it was made for long runs. In fewer than a few thousand steps a momentum of 0.9995
hardly leaves its start, and at first most of the queue is random: `--target.momentum 0.99 --memory.start empty`, or
`crop`. For vectors that are compared by the cosine, `--objective.similarity cosine`.
"""

from dataclasses import replace

from simemb import EMA, Crop, Delete, InfoNCE, Queue, View

from .simcse import recipe as simcse

crop = (Crop(shortest=0.1, longest=0.5), Delete(rate=0.1))

recipe = replace(
    simcse,
    views=(View(target=False, augment=crop), View(online=False, augment=crop)),
    head=None,
    objective=InfoNCE(temperature=0.05, similarity="dot", in_batch=False),
    target=EMA(momentum=0.9995),
    memory=Queue(size=4096, start="random"),
    pooling="mean",
    max_length=256,
    learning_rate=5e-5,
    warmup=0.04,
    weight_decay=0.01,
    betas=(0.9, 0.98),
    epsilon=1e-6,
)
