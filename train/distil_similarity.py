"""Distillation of similarities: be near and far from the sentences of the batch as the teacher is.

Koohpayegani et al., 2020, https://arxiv.org/abs/2010.14713 (CompRess), section 3, form "2q": KL divergence
between the teacher's and the student's softmax over similarities to other sentences, each in its own space,
at temperature 0.04 for both. There the others are a queue of 128,000 older ones; here they are the batch,
with gradient to them, so the batch is 256. SEED (Fang et al., 2021) is the same idea with the teacher's
vectors on both sides. No linear layer is needed, as the two spaces never meet. The other numbers are those of
`distil`.

When to use it: the student's width is not the teacher's, or only the order of neighbors matters. What to
watch: the batch is what similarity is known to; sentences that have nothing in common teach little.
"""

from dataclasses import replace

from simemb import SimilarityKL

from .distil import recipe as distil

recipe = replace(distil, predictor=None, objective=SimilarityKL(temperature=0.04), batch_size=256)
