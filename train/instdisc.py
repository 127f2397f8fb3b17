"""Instance discrimination: every sentence is a class, whose weight is the sentence's vector in a memory bank.

Wu et al., 2018, https://arxiv.org/abs/1805.01978, section 3, eq. 2 (non-parametric softmax), 7 (NCE) and 10 (proximal
regularization). As in the paper and zhirongw/lemniscate.pytorch: temperature 0.07, 4,096 negatives drawn from the bank,
128 dimensions, rows of the bank that move half of the way at every visit. The weight 10 of the proximal term is ours:
the paper names none, and the released code has no such term. On text the only view is a dropout pass; optimizer and
batch are those of `simcse`; ten epochs stand for the paper's 200, since text encoders start pre-trained. The head of
128 dimensions is dropped after training.

When to use it: to see what a bank does; a queue needs no row per sentence. What to watch: the bank starts random, so
the first epoch only fills it, and a run of one epoch learns nothing. The bank takes 512 bytes a sentence.
"""

from dataclasses import replace

from simemb import NCE, Bank, Projector, View

from .simcse import recipe as simcse

recipe = replace(
    simcse,
    views=(View(target=False),),
    head=Projector(width=128, activation="none"),
    objective=NCE(temperature=0.07, draws=4096, proximal=10.0),
    memory=Bank(momentum=0.5),
    epochs=10,
)
