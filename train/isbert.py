"""IS-BERT: a sentence is told from the others of its batch by the n-grams of its tokens.

Zhang et al., 2020, https://arxiv.org/abs/2009.12061, section 3: convolutions of 1, 3 and 5 tokens give each token a
local vector, their mean is the sentence's, and the mutual information of the two is maximized by the estimator of
Jensen and Shannon, with the other sentences of the batch as negatives. Numbers: yanzhangnlp/IS-BERT, its script for
NLI sentences: 256 channels each, mean pooling, batches of 32, one epoch, AdamW as sentence-transformers sets it.
Departures: the paper keeps the convolutions in the encoder, which other libraries could not serve; here they are a
head that is dropped, and the encoder's own mean is left. They have the paper's ReLU, which the code lacks; beyond the
ends of a sentence they see zeros, and in the code the states of padding.

Published, BERT-base with its convolutions, on sentences of NLI: 66.58 on average over the seven STS tasks.

When to use it: to compare with; `simcse` learns more from the same sentences (76.25). What to watch: `--pooling mean`
for a model that names another, and batches in one piece (`--chunk` would leave out negatives, so it is refused).
"""

from simemb import MutualInformation, Recipe, View

recipe = Recipe(
    views=(View(),),
    auxiliaries=(MutualInformation(weight=1.0, windows=(1, 3, 5), channels=256),),
    pooling="mean",
    max_length=128,
    batch_size=32,
    learning_rate=2e-5,
    warmup=0.1,
    weight_decay=0.01,
    epsilon=1e-6,
    eval_every=1000,
)
