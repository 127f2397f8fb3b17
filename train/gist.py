"""GIST: contrast of pairs without the negatives that a guide finds nearer to the query than its own positive.

Solatorio, 2024, https://arxiv.org/abs/2402.16829 (GISTEmbed), section 3: the guide compares each query with the
positives and the queries of the batch; those above its cosine with the own positive are left out. Numbers: those of
GIST-Embedding-v0, from bge-base: temperature 0.01, 5e-6, a warm-up over a tenth of the steps, batch 32; its 80 epochs
are of its own data, here there is one. Two differences: positives are not compared with each other, and a query's own
hard negatives always count. It is GISTEmbedLoss of sentence-transformers with `contrast_positives=False`, on pairs.

When to use it: pairs (questions and answers, titles and texts) among which some mean the same. What to watch: the guide
must be better than the model at what it judges (`--guide MODEL`; `mini` ships), and temperature 0.01 is sharp. More
negatives: `--batch-size 1024 --chunk 32`, as CachedGISTEmbedLoss does it. `denoise` is for single sentences.
"""

from dataclasses import replace

from simemb import FalseNegatives, InfoNCE, View

from .simcse import recipe as simcse

recipe = replace(
    simcse,
    views=(View(column=0, target=False), View(column=1, online=False), View(column=2, online=False, negative=True)),
    head=None,
    objective=InfoNCE(temperature=0.01, within_view=True, false_negatives=FalseNegatives(margin=0.0, guided=True)),
    guide="mini",
    max_length=128,
    batch_size=32,
    learning_rate=5e-6,
    warmup=0.1,
)
