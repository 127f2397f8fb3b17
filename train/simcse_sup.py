"""Supervised SimCSE: entailment pairs as positives, contradictions as hard negatives.

Gao et al., 2021, https://arxiv.org/abs/2104.08821, section 4: eq. 5 over the N positives and the N contradictions of
the batch. The tanh layer is kept for inference (section 6.3). Numbers: BERT-base, princeton-nlp/SimCSE run_sup; its
batch of 512 is 4 x 128, here it is the total on any number of devices. One difference from the code: a text that occurs
twice in a batch is no negative of itself, and a quarter of the premises of NLI are repeats
(`--objective.no-mask-duplicates` is the code's way).

When to use it: triplets (anchor, positive, negative), rows with any number of negatives (`--negatives 7` takes at most
7), or pairs. Without a column of negatives there are no hard ones; `simemb mine` finds some for pairs.
`--objective.hard-negative-weight` is the logarithm of the alpha of eq. 8.
"""

from dataclasses import replace

from simemb import Projector, View

from .simcse import recipe as simcse

recipe = replace(
    simcse,
    views=(View(column=0, target=False), View(column=1, online=False), View(column=2, online=False, negative=True)),
    head=Projector(activation="tanh", keep=True),
    batch_size=512,
    learning_rate=5e-5,
    epochs=3,
)
