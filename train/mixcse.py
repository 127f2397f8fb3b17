"""MixCSE: each sentence has one more negative, made of its own positive and another sentence.

Zhang et al., 2022, https://doi.org/10.1609/aaai.v36i10.21428 (AAAI): random negatives are soon so far away that they
move nothing; a mixture 0.2 x positive + 0.8 x another sentence, both of unit length, without gradient, stays near. The
rest is as in `simcse`. Numbers: BERT-base, BDBC-KG-NLP/MixCSE_AAAI2022, whose script is SimCSE's. The released code
goes beyond the formula: there every query meets the mixtures of all others, mixed queries are negatives of the keys
too, and its script has the share 0.6 (`--objective.mix 0.6`). Two differences from both: the other sentence is the next
of the batch, which is in random order, and there is no mixture with a sentence of the same text.

When to use it: as `simcse`, where its loss has gone to nothing long before the end. What to watch: a share near 1 asks
to tell the positive from itself.
"""

from dataclasses import replace

from simemb import InfoNCE

from .simcse import recipe as simcse

recipe = replace(simcse, objective=InfoNCE(temperature=0.05, mix=0.2))
