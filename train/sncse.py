"""SNCSE: the negation of a sentence is a soft negative: farther away than the positive, but not by far.

Wang et al., 2022, https://arxiv.org/abs/2201.05979, section 3: `simcse`, plus 0.001 x the bidirectional margin loss of
the negated sentence, which keeps its cosine between 0.1 and 0.3 below that of the positive. Numbers: BERT-base,
Sense-GVT/SNCSE: batch 256, learning rate 1e-5. Average of the seven STS tasks in the paper: 78.97 (SimCSE: 76.25). Two
large differences: the paper's vectors are those of a [MASK] in a prompt, which gains by itself (PromptBERT), here they
are [CLS] as in `simcse`; and the paper negates by a parser's tree, here rules without a parser do (`Negate`). Where the
"not" is cut off, sentence and negation are equal, and the pair counts as nothing.

When to use it: English sentences, where "not" must matter. What to watch: the rules read some sentences wrongly
(`simemb.corpus.negation`). Texts in other scripts have no negation and teach what `simcse` does; one in another
language with Latin letters only gets a "Not" before it. RoBERTa-base: `--objective.objectives.1.weight 5e-4`.
"""

from dataclasses import replace

from simemb import BidirectionalMargin, InfoNCE, Negate, Sum, View

from .simcse import recipe as simcse

recipe = replace(
    simcse,
    views=(View(target=False), View(online=False), View(online=False, negative=True, augment=(Negate(),))),
    objective=Sum(
        (
            InfoNCE(temperature=0.05, hard_negatives=False),
            BidirectionalMargin(alpha=0.1, beta=0.3, weight=1e-3),
        )
    ),
    batch_size=256,
    learning_rate=1e-5,
)
