"""ConSERT, joint: a classifier of natural language inference, and contrast of each sentence with an augmented copy.

Yan et al., 2021, https://arxiv.org/abs/2105.11741, section 3.3: loss = cross-entropy of a linear layer on (u, v,
|u - v|), as in SBERT (Reimers & Gurevych, 2019, section 3), + 0.15 x contrastive. Numbers: yym6472/ConSERT, joint:
token cutoff 0.1 on the second view, dropout on; its scripts add max(u, v)^2 to what the linear layer sees, a term that
SBERT's formula lacks (`max_square`). As there, premises are contrasted with cut premises and hypotheses with cut
hypotheses, in two separate groups. The code sums all four directions, each times 0.15; here they are averaged, hence
the weight 4 x 0.15 (`--objective.weight 0.15` is the paper's). As in `consert`, a text that occurs twice in a batch is
no negative of itself, which it is in the code, and texts are cut at 64 tokens, not 64 + 3.

When to use it: triplets of premise, entailment and contradiction, or pairs with a column of labels (0 entailment, 1
neutral, 2 contradiction), followed by `consert_sup_unsup` on many more unlabeled sentences. What to watch: triplets
have no neutral pairs for the classifier, and contradictions are encoded for it alone; `simcse_sup` learns more from the
same data. `--objective.weight 0` leaves SBERT's own training; `Adversarial(1.0)` in place of the cutoff attacks the
classifier.
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
    auxiliaries=(SoftmaxNLI(weight=1.0, classes=3, max_square=True),),
    dropout=None,
    epochs=1,
    learning_rate=2e-5,
    patience=None,
)
