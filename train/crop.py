"""Cropping: two random crops of a text are the two views, so that the parts of a text come near each other.

González-Márquez et al., 2026, https://arxiv.org/abs/2508.03453. Numbers: berenslab/text-embed-augm: cosines at a
scale of 20, which is temperature 0.05, in one direction; mean pooling, one epoch, learning rate 2e-5 after a warm-up of
a tenth, length 512. The crops there are two consecutive sentences of 100 to 250 characters each; here a crop is a
quarter to a half of the tokens and may begin within a sentence. The batch is that of `simcse`.

When to use it: documents of your own, from abstracts to articles, without labels. In the paper crops do much better
than dropout on MTEB and on texts like those trained on, where a short training comes near supervised models. What to
watch: a text must be long enough that two parts of it say something; for single sentences take `simcse`. The last
layers alone are nearly enough, says the paper: `--freeze embeddings layers:9` on a base of 12.
"""

from dataclasses import replace

from simemb import Crop, View

from .simcse import recipe as simcse

crop = Crop(shortest=0.25, longest=0.5)

recipe = replace(
    simcse,
    views=(View(target=False, augment=(crop,)), View(online=False, augment=(crop,))),
    head=None,
    pooling="mean",
    max_length=512,
    learning_rate=2e-5,
    warmup=0.1,
)
