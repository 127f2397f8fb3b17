"""ConSERT, unsupervised: one view loses embedding features, the other its word order; there is no dropout.

Yan et al., 2021, https://arxiv.org/abs/2105.11741, sections 3.1 and 3.2, eq. 1. Numbers: yym6472/ConSERT, unsup base:
NT-Xent with 2N - 2 negatives at temperature 0.1, mean pooling. The paper averages its 2N terms; the code sums the two
directions and multiplies by cl_rate 0.15, hence the weight 2 x 0.15 (`--objective.weight 1` is the paper's).
Differences from the code: AdamW corrects the bias of its moments here; a text that occurs twice in a batch is no
negative of itself (`--objective.no-mask-duplicates` is the code's way), and of the STS sets' sentences half are
repeats; texts are cut at 64 tokens, there at 64 + 3, since its sentence-transformers adds three for special ones; on
RoBERTa the shuffled positions start where RoBERTa's do, which the code overlooks. The paper's scores use the last two
layers: `simemb eval RUN --pooling last2`.

When to use it: to adapt a base to the sentences that it will be used on; a thousand are almost enough. What to watch:
the paper trained on the texts of the STS sets, test texts included (`--data sts_texts`); such a run is transductive and
must be reported so. The temperature works only between 0.08 and 0.12. The learning rate is low, so few sentences
need many epochs.
"""

from dataclasses import replace

from simemb import FeatureCutoff, InfoNCE, Shuffle, View

from .simcse import recipe as simcse

recipe = replace(
    simcse,
    views=(View(augment=(FeatureCutoff(rate=0.2),)), View(augment=(Shuffle(),))),
    head=None,
    objective=InfoNCE(temperature=0.1, within_view=True, weight=2 * 0.15),
    pooling="mean",
    max_length=64,
    dropout=0.0,
    batch_size=96,
    epochs=10,
    learning_rate=5e-7,
    warmup=0.1,
    weight_decay=0.01,
    epsilon=1e-6,
    eval_every=200,
    patience=10,
)
