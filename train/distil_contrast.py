"""Contrastive distillation (DistilCSE): find the teacher's vector of the sentence among 65,536 others.

Gao et al., 2021, https://arxiv.org/abs/2112.05638, section 3 ("CKD"). Numbers: caskcsg/sentemb, folder DistilCSE: a
linear layer to the teacher's width; a learnt logit scale that starts at exp(1), so temperature 1/e; the teacher's
vectors of the batch and of the queue as keys; batch 512 and queue 65,536 (in each of eight processes there, in total
here); 20 epochs at 2e-4 along a cosine; AdamW 0.9 and 0.98; 64 tokens. Its warm-up is a tenth of the first epoch. The
linear layer is dropped after training; early stopping is left to `--patience`. The official student projects its
pooler's output, BERT's tanh layer over the first token, and keeps that layer; here the first token itself is projected.

When to use it: instead of `distil` if the student is much smaller: it need not reproduce the teacher's vector, only be
nearest to it. What to watch: as in `distil`, name a teacher by `--target.model`; and use many sentences (the paper:
five million).
"""

from dataclasses import replace
from math import exp

from simemb import InfoNCE, Queue

from .distil import recipe as distil

recipe = replace(
    distil,
    objective=InfoNCE(temperature=exp(-1), learnt=True),
    memory=Queue(size=65536),
    pooling="cls",
    max_length=64,
    batch_size=512,
    epochs=20,
    learning_rate=2e-4,
    schedule="cosine",
    warmup=0.1 / 20,
    betas=(0.9, 0.98),
    epsilon=1e-8,
)
