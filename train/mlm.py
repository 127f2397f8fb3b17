"""Masked language modelling: predict masked tokens, to prepare a base of your own for contrastive training.

Devlin et al., 2019, https://arxiv.org/abs/1810.04805, section 3.1, task 1, and appendix A.1: 15 % of the ordinary
tokens are selected; 80 % of them become [MASK], 10 % a random token, and 10 % stay. There is no next-sentence task, as
in RoBERTa (Liu et al., 2019, https://arxiv.org/abs/1907.11692, section 4.2). The output matrix is tied to the word
embeddings, as it was when the base was made; a rare word then learns as a prediction too.

When to use it: your domain's language differs from the base's training text, or there is no base: `simemb new` makes an
untrained one with a vocabulary of your texts. What to watch: the loss. The score on sentence pairs says little about a
language model, so the last checkpoint is kept.
"""

from simemb import MaskedLM, Recipe, View

recipe = Recipe(
    views=(View(),),
    auxiliaries=(MaskedLM(weight=1.0, probability=0.15, tied=True),),
    pooling="mean",
    max_length=128,
    batch_size=64,
    learning_rate=1e-4,
    warmup=0.05,
    weight_decay=0.01,
    eval_every=500,
    keep="last",
)
