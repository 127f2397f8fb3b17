"""Contrastive multiview coding: two encoders of their own, each the other's view of the sentence.

Tian et al., 2020, https://arxiv.org/abs/1906.05849, section 3.2: the contrast in both directions, added,
hence the weight 2; temperature 0.07; a linear head of 128 dimensions on each. The paper's views are two
channels of an image, its negatives 16,384 vectors of a bank; on text the views are two networks (a copy by
default, another model with `--target.model`, with its own tokenizer), the negatives the batch. Optimizer and
batch are those of `simcse`.

When to use it: two models that know different things, say a general one and one of your domain. What to
watch: the paper joins both vectors; what is saved here is the first encoder. Two networks take twice the
memory.
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
