"""ConSERT, second stage: the unsupervised loss on a model that was trained on natural language inference.

Yan et al., 2021, https://arxiv.org/abs/2105.11741, section 3.3 ("sup-unsup", "joint-unsup"). Numbers: yym6472/ConSERT,
sup-unsup base: the second view loses a tenth of its features, dropout on, up to 25 epochs. Joint-unsup differs only in
the second view, `Shuffle()`. The rest is `consert`, its differences from the code included: a text that occurs twice in
a batch is no negative of itself, and texts are cut at 64 tokens, not 64 + 3.

Both stages: `simemb train consert_joint --data nli --objective.weight 0 --output runs/nli` (SBERT's training, with the
max(u, v)^2 that the scripts of both first stages add to its classifier; without the weight, joint training), then
`simemb train consert_sup_unsup --model runs/nli --data sentences.txt`.

When to use it: labels from elsewhere, sentences from your domain. What to watch: on a plain language model it is only a
slow `consert`; on the texts of a test set (`sts_texts`, as in the paper) it is transductive.
"""

from dataclasses import replace

from simemb import FeatureCutoff, View

from .consert import recipe as consert

recipe = replace(
    consert,
    views=(View(), View(augment=(FeatureCutoff(rate=0.1),))),
    dropout=None,
    epochs=25,
)
