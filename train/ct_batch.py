"""Contrastive tension with in-batch negatives: each encoder finds the sentence among the other encoder's vectors.

Carlsson et al., 2021, https://openreview.net/forum?id=Ov_sMNau-PF, section 4, in the form of sentence-transformers
(ContrastiveTensionLossInBatchNegatives): the cross-entropy of cosines in both directions, with a learnt scale that
starts at 20. Numbers: its example train_ct-improved: a batch of 128, length 75, learning rate 5e-5, a warm-up of a
tenth, weight decay 0.01. There the scale has no bound; here it is at most 100, as CLIP's. Here a text that occurs twice
in a batch is no negative of itself. The encoder of the queries is the run's `best/`, the other its `twin/`.

When to use it: in place of `ct`, since all sentences of a batch are negatives of each other. What to watch: it needs
the memory of two encoders; `simcse` does nearly the same with one.
"""

from dataclasses import replace

from simemb import InfoNCE, Twin

from .simcse import recipe as simcse

recipe = replace(
    simcse,
    head=None,
    objective=InfoNCE(temperature=0.05, symmetric=True, learnt=True),
    target=Twin(),
    pooling="mean",
    max_length=75,
    batch_size=128,
    learning_rate=5e-5,
    warmup=0.1,
    weight_decay=0.01,
)
