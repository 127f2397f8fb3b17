"""Cosine regression: the cosine of a pair should equal its score, as SBERT is trained on STS-B.

Reimers & Gurevych, 2019, https://arxiv.org/abs/1908.10084, section 3 (regression objective) and 4.2: mean squared error
between cosine and score, with scores of 0 to 5 mapped to 0 to 1; mean pooling, batch 16, Adam at 2e-5, warm-up over a
tenth of the steps, 4 epochs (the released example for STS-B).

When to use it: scored pairs (`--data stsb`, `sample_pairs`) whose scale you trust. What to watch: set the scale by
`--objective.low` and `--objective.high`. The loss spreads cosines evenly over it, which `cosent` does not require.
"""

from dataclasses import replace

from simemb import CosineRegression, View

from .simcse import recipe as simcse

recipe = replace(
    simcse,
    views=(View(column=0, target=False), View(column=1, online=False)),
    head=None,
    objective=CosineRegression(low=0.0, high=5.0),
    pooling="mean",
    max_length=128,
    batch_size=16,
    epochs=4,
    learning_rate=2e-5,
    warmup=0.1,
)
