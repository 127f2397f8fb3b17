"""Unsupervised SimCSE with masked language modelling as a second loss.

Gao et al., 2021, https://arxiv.org/abs/2104.08821, section 3 and appendix E: loss = contrastive + 0.1 x MLM, with 15 %
of the ordinary tokens of both views masked, in a second pass. As in princeton-nlp/SimCSE, the output matrix is not tied
to the word embeddings: it starts as a copy and has weights of its own. Tied, every step would move the embeddings of
all words, and those that never occur would drift.

When to use it: the encoder serves transfer tasks too (SimCSE table E.1: 86.64 against 85.81); on STS it costs a little.
What to watch: a base with a language-modelling head uses it; any other starts with a fresh one.
"""

from dataclasses import replace

from simemb import MaskedLM

from .simcse import recipe as simcse

recipe = replace(simcse, auxiliaries=(MaskedLM(weight=0.1, probability=0.15, tied=False),))
