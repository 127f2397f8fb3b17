"""Contrast without false negatives: SimCSE without the negatives that a second encoder finds too similar.

Zhou et al., 2022, https://arxiv.org/abs/2205.00656 (DCLR), section 3.2, eq. 5: a negative has weight 0 if its cosine by
a complementary model, a trained SimCSE, is above 0.9. Numbers: BERT-base, the released script: batch 128, 3 epochs, the
rest as `simcse`. The paper's noise vectors as additional negatives are left out. The released code differs: it
multiplies the masked logit by 0 and uses a binary cross-entropy. For pairs, guided selection (GISTEmbed, Solatorio,
2024, https://arxiv.org/abs/2402.16829) leaves out negatives that the guide finds nearer than the positive:
`--objective.false-negatives.margin 0 --objective.false-negatives.threshold None`. Every InfoNCE recipe leaves out
negatives whose text is equal.

When to use it: many near-duplicates in the data, or large batches. What to watch: the guide must be good, and its
cosines spread out: `--guide runs/simcse`; the default is `mini`, the encoder that ships. With a plain language model as
the guide, hardly any pair is above 0.9 under mean pooling, and every pair is by [CLS].
"""

from dataclasses import replace

from simemb import FalseNegatives, InfoNCE

from .simcse import recipe as simcse

recipe = replace(
    simcse,
    objective=InfoNCE(temperature=0.05, false_negatives=FalseNegatives(threshold=0.9, guided=True)),
    guide="mini",
    batch_size=128,
    epochs=3,
)
