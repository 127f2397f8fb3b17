"""Cached contrast: the gradient of a batch of 1,024 pairs in the memory of 32.

Gao et al., 2021, https://arxiv.org/abs/2101.06983 (GradCache), section 3.2: texts are encoded in chunks without a
graph, the loss of the whole batch gives the gradient of each vector, and each chunk is encoded once more to pass it on.
So any batch fits, for one more forward pass of each text. It is CachedMultipleNegativesRankingLoss of
sentence-transformers, with its temperature (scale 20) and its mini_batch_size, here `chunk`. That is all there is to
it: every recipe takes `--chunk`, and this file is `simcse_sup` without its head, with mean pooling and a large batch.

When to use it: pairs or triplets by the hundred thousand, where more negatives help. What to watch: with a batch twice
as large there are half as many steps, so the learning rate may rise; repeats of a text grow with the batch, and are
left out of the negatives (docs/methods.md).
"""

from dataclasses import replace

from .simcse_sup import recipe as simcse_sup

recipe = replace(simcse_sup, head=None, pooling="mean", max_length=128, batch_size=1024, chunk=32, epochs=1)
