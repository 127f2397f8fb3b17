"""CoSENT: of any two scored pairs, the one with the higher score should have the higher cosine.

Su, 2022, https://kexue.fm/archives/8847: log(1 + the sum of exp(20 x (cosine of the lower - cosine of the higher)))
over every two pairs whose scores differ. The scale 20 is that of the source. The optimizer is that of SBERT on STS-B
(`cosine`), but the batch is 64, since the loss compares pairs with each other.

When to use it: pairs with scores on any scale, or with two labels (`--data stsb`, `sample_pairs`): only the order
matters. What to watch: the scores should measure what the test measures; a batch with mostly equal scores teaches
little.
"""

from dataclasses import replace

from simemb import CoSENT

from .cosine import recipe as cosine

recipe = replace(cosine, objective=CoSENT(scale=20.0), batch_size=64)
