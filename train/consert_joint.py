"""ConSERT, joint: natural language inference by a classifier, and contrast of each premise with its cut version.

Yan et al., 2021, https://arxiv.org/abs/2105.11741, section 3.3: loss = cross-entropy of a linear layer on (u,
v, |u - v|), as in SBERT (Reimers & Gurevych, 2019, section 3), + 0.15 x contrastive. Numbers:
yym6472/ConSERT, joint: token cutoff 0.1 on the second view, dropout on. The weight is 2 x 0.15 since the code
adds the two directions that eq. 1 averages; the paper's own is `--objective.weight 0.15`. Columns 1 and 2 are
only encoded, for the classifier.

When to use it: triplets of premise, entailed and contradicted sentence, and many more sentences without
labels to go on with (`consert_sup_unsup`). What to watch: on triplets the classifier sees no neutral pairs,
and `simcse_sup` asks more of the same data. `--objective.weight 0` leaves SBERT's own training.
"""

from dataclasses import replace

from simemb import SoftmaxNLI, TokenCutoff, View

from .consert import recipe as consert

recipe = replace(
    consert,
    views=(
        View(),
        View(augment=(TokenCutoff(rate=0.1),)),
        View(column=1, online=False, target=False),
        View(column=2, online=False, target=False),
    ),
    auxiliaries=(SoftmaxNLI(weight=1.0, classes=3),),
    dropout=None,
    epochs=1,
    learning_rate=2e-5,
    patience=None,
)
