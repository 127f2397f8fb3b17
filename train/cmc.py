"""Contrastive multiview coding: two separate encoders, each providing the other's view of the sentence.

Tian et al., 2020, https://arxiv.org/abs/1906.05849, section 3.2: the contrastive losses of both directions, summed,
hence the weight 2; temperature 0.07; a linear head of 128 dimensions on each encoder. The paper's views are two
channels of an image, and its negatives 16,384 vectors of a memory bank. On text the views are two networks (a copy by
default, or another model by `--target.model`, with its own tokenizer), and the negatives are the batch. Optimizer and
batch are those of `simcse`.

When to use it: two models that know different things, say a general one and one of your domain. What to watch: the
paper concatenates both vectors; here only the first encoder is saved. Two networks take twice the memory.
"""

from dataclasses import replace

from simemb import InfoNCE, Projector, Twin

from .simcse import recipe as simcse

recipe = replace(
    simcse,
    head=Projector(width=128, activation="none"),
    objective=InfoNCE(temperature=0.07, symmetric=True, weight=2.0),
    target=Twin(),
)
