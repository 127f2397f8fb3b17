"""Unsupervised SimCSE with masked language modelling beside it.

Gao et al., 2021, https://arxiv.org/abs/2104.08821, section 3 and appendix E: loss = contrastive + 0.1 x
MLM, 15 % of the ordinary tokens of both views masked, in a second pass.

When to use it: if the encoder serves transfer tasks too (SimCSE table E.1: 86.64 against 85.81); on STS it
costs a little. A base with its language-modelling head brings it along; another starts from a fresh one.
"""

from dataclasses import replace

from simemb import MaskedLM

from .simcse import recipe as simcse

recipe = replace(simcse, auxiliaries=(MaskedLM(weight=0.1, probability=0.15),))
