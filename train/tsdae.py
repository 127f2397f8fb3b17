"""TSDAE: the sentence vector of a text without most of its words must do for a decoder to write the whole text.

Wang et al., 2021, https://arxiv.org/abs/2104.06979, section 3: 60 % of the tokens are deleted, the rest is encoded,
and a decoder whose cross-attention sees the sentence vector alone writes the text as it was. The decoder has the
encoder's own layers and word embeddings (tied, the best in the paper) and a fresh cross-attention in each; it is
thrown away after training. Numbers: UKPLab/sentence-transformers, examples/unsupervised_learning/TSDAE: [CLS], batches
of 8, a constant learning rate of 3e-5, no weight decay. Departures: that code deletes each word with a probability of
0.6, here 60 % of the tokens are deleted; the length of 128 tokens is ours. With one key the dropout on the attention
weights of the cross-attention would drop the vector itself, so there is none.

Published, BERT-base without labels: MAP 59.4 on AskUbuntu, MAP@100 14.5 on CQADupStack.

`--auxiliaries.0.layers 1 --auxiliaries.0.no-tied` is a small decoder with weights of its own: less work, and the
layers of the encoder learn to encode alone.

When to use it: many plain texts of a domain whose words the base does not know well, before training on pairs; the
paper finds it better for that than masked language modelling. What to watch: sentence similarity is not what it is
best at, and a base without a language-modelling head starts with a fresh one, which takes long to learn.
"""

from simemb import Delete, Denoising, Recipe, View

recipe = Recipe(
    views=(View(augment=(Delete(rate=0.6),)),),
    auxiliaries=(Denoising(weight=1.0, layers=None, tied=True),),
    pooling="cls",
    max_length=128,
    batch_size=8,
    learning_rate=3e-5,
    schedule="constant",
    eval_every=1000,
)
