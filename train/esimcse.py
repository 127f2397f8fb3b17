"""ESimCSE: repeated tokens in the positive, so that length says nothing, and past sentences as further negatives.

Wu et al., 2022, https://arxiv.org/abs/2109.04380, section 3. Numbers: BERT-base, caskcsg/sentemb run.sh: repetition of
sub-words at rate 0.32 (the fields `unit` and `count` choose words, and the paper's count), a momentum encoder with
momentum 0.995 and without dropout, a queue of 2.5 x batch. As in the released code, the momentum encoder encodes the
unrepeated sentence, uses the online head and only fills the queue; a batch never meets its own keys there. Two
differences from the code: the momentum encoder starts equal to the encoder, as in the paper (in the code it starts
random, since it is copied before the weights are loaded), and repetition is drawn anew in every epoch (in the code
once; `Repeat(frozen=True)`).

When to use it: as `simcse`; it gains most where sentence length should not matter. What to watch: change batch and
queue together (`--memory.size` = 2.5 x `--batch-size`). RoBERTa-base: rate 0.30 and learning rate 1e-5.
"""

from dataclasses import replace

from simemb import EMA, Queue, Repeat, View

from .simcse import recipe as simcse

recipe = replace(
    simcse,
    views=(View(target=False), View(online=False, augment=(Repeat(rate=0.32, unit="subword", count="code"),))),
    target=EMA(momentum=0.995, dropout=False, keys=False, head=False),
    memory=Queue(size=160, view=0),
)
