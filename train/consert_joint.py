"""ConSERT, joint: natural language inference by a classifier, and contrast of each sentence with its cut version.

Yan et al., 2021, https://arxiv.org/abs/2105.11741, section 3.3: loss = cross-entropy of a linear layer on (u,
v, |u - v|), as in SBERT (Reimers & Gurevych, 2019, section 3), + 0.15 x contrastive. Numbers:
yym6472/ConSERT, joint: token cutoff 0.1 on the second view, dropout on. As there, premises are contrasted
with cut premises and hypotheses with cut hypotheses, each among their own kind (the groups). The code adds
all four directions, each times 0.15; here they are averaged, hence the weight 4 x 0.15 (the paper's own is
`--objective.weight 0.15`).

When to use it: triplets of premise, entailed and contradicted sentence, or pairs with a column of labels (0
entailment, 1 neutral, 2 contradiction), and many more sentences without labels to go on with
(`consert_sup_unsup`). What to watch: of triplets the classifier sees no neutral pairs, the contradiction is
only encoded for it, and `simcse_sup` asks more of the same data. `--objective.weight 0` leaves SBERT's own
training.
"""

from dataclasses import replace

from simemb import InfoNCE, SoftmaxNLI, TokenCutoff, View

from .consert import recipe as consert

cut = (TokenCutoff(rate=0.1),)

recipe = replace(
    consert,
    views=(
        View(),
        View(augment=cut),
        View(column=1, group=1),
        View(column=1, group=1, augment=cut),
        View(column=2, online=False, target=False),
    ),
    objective=InfoNCE(temperature=0.1, within_view=True, weight=4 * 0.15),
    auxiliaries=(SoftmaxNLI(weight=1.0, classes=3),),
    dropout=None,
    epochs=1,
    learning_rate=2e-5,
    patience=None,
)
