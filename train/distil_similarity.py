"""Distillation of similarities: be as near to the other sentences of the batch as the teacher is.

Koohpayegani et al., 2020, https://arxiv.org/abs/2010.14713 (CompRess), section 3, form "2q": KL divergence between the
teacher's and the student's softmax over similarities to other sentences, each in its own space, at temperature 0.04 for
both. The paper compares with a queue of 128,000 older sentences; here it is the batch, through which the gradient flows
too, so the batch is 256. SEED (Fang et al., 2021) is the same idea with the teacher's vectors on both sides. The two
spaces never meet, so no linear layer is needed. The other numbers are those of `distil`.

When to use it: student and teacher differ in width, or only the order of neighbors matters. What to watch:
similarity is only taught for sentences of one batch, and sentences that have nothing in common teach little.
"""

from dataclasses import replace

from simemb import SimilarityKL

from .distil import recipe as distil

recipe = replace(distil, predictor=None, objective=SimilarityKL(temperature=0.04), batch_size=256)
