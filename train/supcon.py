"""Supervised contrastive learning: find the other texts of the same class among all texts of the batch.

Khosla et al., 2020, https://arxiv.org/abs/2004.11362, eq. 2 (L_out, section 3.2.2): two views of every text, and every
text of the class is a positive of the others; temperature 0.1; a head of two layers with a hidden one of 2,048 and 128
dimensions, dropped after training (section 3.1). The paper is about images: its two views are crops and colours, its
batch of 6,144 holds several images of a class without further ado. Here the views are dropout passes, the optimizer
and the batch are those of `simcse_sup`, and a batch takes texts of a class four at a time.

When to use it: texts with a class label (topics, intents, sentiments), in files `text,label`. What to watch: it forgets
what the labels do not ask about, so evaluate on more than the classes; a class with a single text teaches only what it
is not.
"""

from dataclasses import replace

from simemb import MLP, SupCon, View

from .simcse_sup import recipe as simcse_sup

recipe = replace(
    simcse_sup,
    views=(View(), View()),
    objective=SupCon(temperature=0.1),
    head=MLP(layers=2, hidden=2048, width=128),
    per_label=4,
)
