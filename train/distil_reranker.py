"""Distillation of a reranker: order and weigh the candidates of a query as a cross-encoder does.

Ren et al., 2021, https://arxiv.org/abs/2110.07367 (RocketQAv2), listwise distillation: KL divergence between the
reranker's softmax over a query's candidates and the encoder's. Here the reranker is not trained along, so its scores
are computed once; the candidates are the positive and the negatives of the row, and cosines at temperature 0.05 take
the place of dot products. The other numbers are those of `margin_mse`, with the learning rate of `simcse_sup`.

When to use it: as `margin_mse`, above all with many negatives a row (`simemb mine --negatives 15 --shape columns`), and
where vectors are compared by cosines. What to watch: only differences within a row are taught, so start from an encoder
that knows texts apart already. The default reranker is `mini`, the encoder that ships; of an encoder, 20 times the
cosine is the score. `--objective.teacher-temperature` below 1 sharpens a reranker whose scores are close together; with
flat ones all vectors become alike (docs/study.md).
"""

from dataclasses import replace

from simemb import CandidateKL

from .margin_mse import recipe as margin_mse

recipe = replace(margin_mse, objective=CandidateKL(temperature=0.05), learning_rate=5e-5)
