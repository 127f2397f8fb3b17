"""CoSENT: of any two scored pairs, the one with the higher score should have the higher cosine.

Su, 2022, https://kexue.fm/archives/8847: log(1 + the sum of exp(20 x (cosine of the lower - cosine of the
higher))) over all couples of pairs whose scores differ. As there: scale 20. The optimizer is that of SBERT on
STS-B (`cosine`), but with a batch of 64, since the loss compares pairs with each other.

When to use it: pairs with a score of any scale, or with two labels (`--data stsb`, `sample_pairs`): only the
order counts. What to watch: score and test must be of one kind; where most scores are equal the batch teaches
little.
"""

from dataclasses import replace

from simemb import CoSENT

from .cosine import recipe as cosine

recipe = replace(cosine, objective=CoSENT(scale=20.0), batch_size=64)
