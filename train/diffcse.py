"""DiffCSE: SimCSE, and a discriminator that must find edited words by the vector of the sentence before the edit.

Chuang et al., 2022, https://arxiv.org/abs/2204.10298, section 3: loss = SimCSE's + 0.005 x replaced-token detection. A
frozen language model fills in 30 % masked tokens of both views; a second BERT reads the result, with the sentence
vector in the place of [CLS], and tells for each token whether it was changed. So the vector must know what an edit
changes. The projector has two layers with batch norm, twice as wide within, and is dropped. Numbers: voidism/DiffCSE,
run_diffcse.sh: learning rate 7e-6, 2 epochs. As in its code, the most probable token stands at every place but the
first, and the discriminator gets the vector after the projector. Departures: the generator runs without dropout;
padding counts for nothing, where the code counts it as not changed; batch norm sees each view by itself.

Published, BERT-base: 78.49 on average over the seven STS tasks (72.28 84.43 76.47 83.90 80.54 80.59 71.23), 2.3 points
above SimCSE.

The paper's generator is DistilBERT: `--auxiliaries.0.generator distilbert-base-uncased`, any masked language model
with the same vocabulary. By default it is the base itself as it was.

When to use it: as `simcse`, with time to spare: a step takes about twice as long. What to watch: the checkpoints hold
generator and discriminator too, so they are more than twice as large; the saved encoder holds neither.
"""

from dataclasses import replace

from simemb import MLP, ReplacedTokenDetection

from .simcse import recipe as simcse

recipe = replace(
    simcse,
    head=MLP(layers=2, hidden=2 * 768, norm="batch", final_norm=True, bias=False),
    auxiliaries=(ReplacedTokenDetection(weight=0.005, probability=0.3, generator=None, projected=True),),
    learning_rate=7e-6,
    epochs=2,
)
