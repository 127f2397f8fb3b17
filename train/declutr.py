"""DeCLUTR: spans that overlap or lie next to each other in a document are positives, beside masked language modelling.

Giorgi et al., 2021, https://arxiv.org/abs/2006.03659, sections 3.1 and 3.2. Numbers: JohnGiorgi/DeCLUTR,
declutr_base.jsonnet: NT-Xent at temperature 0.05, mean pooling, 15 % of the tokens masked, both losses with weight 1,
AdamW at 5e-5 with weight decay 0.1, a warm-up of a tenth. The spans there are 32 to 512 tokens of documents of 2,048 or
more; an encoder of 512 tokens reads no more of a document here, so spans are a 16th to a quarter of it. There each of
16 documents has two anchors with two positives each, whose vectors are averaged, and the tokens of anchors are masked;
here each of 32 documents has one anchor with one positive, and the tokens of both are masked.

When to use it: long documents, one a row, and a base whose language model should stay fit. RoBERTa-base scores 69.99 on
average on STS (SimCSE, table 5). What to watch: short rows leave spans of a few words, for which `crop` is better
suited; sentences in order, one a line, are for `cpc`.
"""

from simemb import InfoNCE, MaskedLM, Recipe, SpanPair, View

recipe = Recipe(
    views=(View(augment=(SpanPair(part="anchor"),)), View(augment=(SpanPair(part="positive"),))),
    objective=InfoNCE(temperature=0.05, within_view=True),
    auxiliaries=(MaskedLM(weight=1.0, probability=0.15, tied=True),),
    pooling="mean",
    max_length=512,
    batch_size=32,
    learning_rate=5e-5,
    warmup=0.1,
    weight_decay=0.1,
    epsilon=1e-6,
)
