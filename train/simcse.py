"""Unsupervised SimCSE: a sentence is its own positive, encoded twice with different dropout masks.

Gao et al., 2021, https://arxiv.org/abs/2104.08821, section 3: eq. 4 with temperature 0.05, the other sentences of the
batch as negatives, one direction. During training the [CLS] vector goes through a fresh tanh layer, which is dropped
afterwards (section 6.3). Numbers: BERT-base, princeton-nlp/SimCSE run_unsup.

Each ablation of its tables is one option: `--fixed-dropout`, `--dropout 0.2`, `--objective.temperature 0.1`,
`--objective.similarity dot`, `--pooling mean`, `--head.keep`.

When to use it: plain sentences and nothing else. What to watch: the vectors spread at once (uniformity falls), but the
score soon starts to fall; keep the dev evaluation on and the learning rate low. A small base holds little to unfold:
from `base`, which ships, the average of the STS tasks rises by one and a half points, and by fifteen with the triplets
of `simcse_sup` (docs/bundled.md).
"""

from simemb import InfoNCE, Projector, Recipe, View

recipe = Recipe(
    views=(View(target=False), View(online=False)),
    head=Projector(activation="tanh", keep=False),
    objective=InfoNCE(temperature=0.05),
    pooling="cls",
    max_length=32,
    batch_size=64,
    learning_rate=3e-5,
    epochs=1,
    eval_every=125,
)
