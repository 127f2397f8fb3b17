"""DCLR: contrast without negatives that a second encoder finds too similar, and with noise where sentences are dense.

Zhou et al., 2022, https://arxiv.org/abs/2205.00656, section 3. A negative has weight 0 if its cosine by a complementary
model, a trained SimCSE, is above 0.9 (eq. 5). Random vectors are further negatives, moved four times by 0.001 up the
gradient of the loss (section 3.3). Numbers: BERT-base, the released script: batch 128, as many vectors, 3 epochs, the
rest as `simcse`. Average of the seven STS tasks in the paper: 77.22 (SimCSE: 76.25). The released code differs: it
multiplies the masked logit by 0 and uses a binary cross-entropy. A vector of 768 normal numbers is about 28 long, so
its four moves hardly turn it (`--memory.rate`). For pairs, guided selection (GISTEmbed, Solatorio, 2024,
https://arxiv.org/abs/2402.16829) leaves out negatives that the guide finds nearer than the positive:
`--objective.false-negatives.margin 0 --objective.false-negatives.threshold None`. Every InfoNCE recipe leaves out
negatives whose text is equal.

When to use it: many near-duplicates in the data, or large batches. What to watch: the guide must be good, and its
cosines spread out: `--guide runs/simcse`; the default is `mini`, the encoder that ships. With a plain language model as
the guide, hardly any pair is above 0.9 under mean pooling, and every pair is by [CLS]. Change the noise with the batch
(`--memory.size` = 1 x `--batch-size`; RoBERTa-base 2.5 x, and threshold 0.85).
"""

from dataclasses import replace

from simemb import FalseNegatives, InfoNCE, Noise

from .simcse import recipe as simcse

recipe = replace(
    simcse,
    objective=InfoNCE(temperature=0.05, false_negatives=FalseNegatives(threshold=0.9, guided=True)),
    memory=Noise(size=128, std=1.0, steps=4, rate=1e-3, temperature=0.05),
    guide="mini",
    batch_size=128,
    epochs=3,
)
