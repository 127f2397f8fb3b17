"""Contrast without false negatives: SimCSE that leaves out the sentences a second encoder finds too similar.

Zhou et al., 2022, https://arxiv.org/abs/2205.00656 (DCLR), section 3.2, eq. 5: the weight of a negative is 0
where its cosine by a complementary model, a finished SimCSE, is above 0.9. Numbers: BERT-base, the released
script: batch 128, 3 epochs, the rest as `simcse`. Its noise vectors as further negatives are left out. The
released code differs further: it multiplies the masked logit by 0 and uses a binary cross-entropy. For pairs,
guided selection (GISTEmbed, Solatorio, 2024, https://arxiv.org/abs/2402.16829) leaves out what the guide
finds nearer than the positive: `--objective.false-negatives.margin 0
--objective.false-negatives.threshold None`. Equal texts are left out by every InfoNCE recipe.

When to use it: many near-duplicates in the data, or large batches. What to watch: the guide must be good, and
its cosines spread out: `--guide runs/simcse`. (The default, the bundled encoder, is there to try it out.) Of
a bare language model hardly any pair is above 0.9 if it is mean-pooled, and every pair by its [CLS].
"""

from dataclasses import replace

from simemb import FalseNegatives, InfoNCE

from .simcse import recipe as simcse

recipe = replace(
    simcse,
    objective=InfoNCE(temperature=0.05, false_negatives=FalseNegatives(threshold=0.9, guided=True)),
    guide="bundled",
    batch_size=128,
    epochs=3,
)
