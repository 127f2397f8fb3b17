"""Batch-hard triplets: be nearer to the farthest text of the same class than to the nearest text of another.

Hermans et al., 2017, https://arxiv.org/abs/1703.07737, section 2, eq. 5: of each text in the batch the hardest positive
and the hardest negative; log(1 + exp(x)) in place of a margin ("soft-margin"); Euclidean distances, not squared; 18
classes with 4 examples each in a batch. The paper is about images of persons; optimizer and epochs are those of
`simcse_sup`. sentence-transformers has the margin 5 instead (`--objective.margin 5`), and FaceNet's semi-hard triplets
(`--objective.mining semi_hard`).

When to use it: texts with a class label, as `supcon`, with many classes of few texts. What to watch: a wrong label is
the hardest of all triplets; semi-hard ones bear more of them.
"""

from dataclasses import replace

from simemb import BatchTriplet, View

from .simcse_sup import recipe as simcse_sup

recipe = replace(
    simcse_sup,
    views=(View(),),
    objective=BatchTriplet(mining="hard", margin=None),
    head=None,
    batch_size=72,
    per_label=4,
)
