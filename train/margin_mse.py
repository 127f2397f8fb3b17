"""Margin-MSE: keep positive and negative as far apart as a reranker does.

Hofstätter et al., 2020, https://arxiv.org/abs/2010.02666: the squared error of the margin, the score of the positive
less that of the negative, against a cross-encoder's, with dot products as scores. Batch 32 and learning rate 7e-6 are
those of the authors' code (sebastian-hofstaetter/matchmaker, config/train/defaults.yaml). A row may have any number of
negatives, each of which makes a triplet; texts of other rows are no negatives.

When to use it: a cross-encoder is at hand that is better than the encoder can be, or its scores stand beside the texts:
a list `scores`, `pos_scores` and `neg_scores`, or `label` with the margin (docs/data.md). `simemb mine` finds the
negatives. What to watch: the dot products grow to the range of the scores, about ten for the logits of cross-encoders,
so the lengths of vectors carry meaning: compare them by dot products, or take `distil_reranker`, which learns cosines.
The default reranker is `mini`, the encoder that ships, with 20 times its cosines as scores: `--reranker MODEL` names a
cross-encoder.
"""

from simemb import MarginMSE, Recipe, View

recipe = Recipe(
    views=(View(column=0, target=False), View(column=1, online=False), View(column=2, online=False, negative=True)),
    objective=MarginMSE(),
    reranker="mini",
    max_length=256,
    batch_size=32,
    learning_rate=7e-6,
)
