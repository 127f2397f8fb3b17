"""AnglE: CoSENT on angles in complex space, where cosines near 1 have no gradient, beside CoSENT and in-batch contrast.

Li & Li, 2024, https://arxiv.org/abs/2309.12871, section 3: the sum of three losses. `CoSENT` gives the cosines of pairs
the order of their scores, `AnglE` their angles, and `ScoredContrast` tells the two texts of each pair above score 0
from all others of the batch. Numbers: train_angle.py of SeanLee97/AnglE for STS-B: all three weights 1, scales 20, 1
(of the angle) and 20; [CLS], batch 32, 20 epochs at 1e-5, a warm-up of 100 steps (there are 3,600). Published: 82.37 on
the seven STS tasks, BERT-base on NLI.

When to use it: scored pairs, where the last points count. For NLI the authors make pairs of its triplets: entailment is
score 1, contradiction 0, neutral left out, with the in-batch term at 35 (`--objective.objectives.2.weight 35`, length
50, one epoch; their Llama's numbers). What to watch: the order of the terms, `term_0` to `term_2` in metrics.jsonl; on
a scale whose low scores are no positives, set `--objective.objectives.2.above`. The authors' advice of today is an
angle's scale of 20 (`--objective.objectives.1.scale 20`).
"""

from dataclasses import replace

from simemb import AnglE, CoSENT, ScoredContrast, Sum

from .cosent import recipe as cosent

recipe = replace(
    cosent,
    objective=Sum((CoSENT(scale=20.0), AnglE(scale=1.0), ScoredContrast(temperature=0.05))),
    pooling="cls",
    batch_size=32,
    epochs=20,
    learning_rate=1e-5,
    warmup=100 / 3600,
)
