"""Mirror-BERT: a sentence and a copy with five characters masked, through dropout; ten thousand sentences are enough.

Liu et al., 2021, https://arxiv.org/abs/2104.08027, section 2. Numbers: cambridgeltl/mirror-bert,
mirror_sentence_bert.sh: NT-Xent with 2N - 2 negatives at temperature 0.04, mean pooling, a batch of 200, length 50, a
constant learning rate of 2e-5, weight decay 0.01. Differences from the code: tokens are masked whole (see
`MaskCharacters`); its mean counts padding too; the norm of the gradient is bounded by 1; and a text that occurs twice
in a batch is no negative of itself.

When to use it: a base becomes a sentence encoder in 50 steps, by 10,000 sentences like those it will be used on. The
released BERT-base scores 74.51 on average on STS; with whole attention heads dropped, which is not offered here,
75.16. What to watch: words and phrases need a higher temperature, 0.2 in the released code, and no span is masked in
them.
"""

from dataclasses import replace

from simemb import InfoNCE, MaskCharacters, View

from .simcse import recipe as simcse

recipe = replace(
    simcse,
    views=(View(), View(augment=(MaskCharacters(characters=5, least=30),))),
    head=None,
    objective=InfoNCE(temperature=0.04, within_view=True),
    pooling="mean",
    max_length=50,
    batch_size=200,
    learning_rate=2e-5,
    schedule="constant",
    weight_decay=0.01,
    eval_every=25,
)
