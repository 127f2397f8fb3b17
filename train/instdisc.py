"""Instance discrimination: every sentence is a class of its own, whose weight is what a memory bank holds of it.

Wu et al., 2018, https://arxiv.org/abs/1805.01978, section 3, eq. 2 (non-parametric softmax), 7 (NCE) and 10
(proximal regularization). As in the paper and zhirongw/lemniscate.pytorch: temperature 0.07, 4,096 negatives
drawn from the bank, 128 dimensions, rows of the bank that move by half at every visit. The weight of the
proximal term is ours, 10: the paper names none and the released code has no such term. On text the one view
is a dropout pass; optimizer and batch are those of `simcse`; ten epochs stand for the paper's 200, since text
encoders start pre-trained. The 128 dimensions are dropped after training.

When to use it: to see what a bank does; a queue needs no row per sentence. What to watch: the bank starts
random, so the first epoch only fills it, and with one epoch nothing is learnt. Its memory is 512 bytes a
sentence.
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
