"""Two towers: the two texts of a pair find each other among all of the batch, in both directions, as in CLIP.

Radford et al., 2021, https://arxiv.org/abs/2103.00020, sections 2.3 and 2.5 and figure 3: the mean of both
cross-entropies, with a learnt temperature that starts at 0.07 and is never below 0.01 (a scale of at most 100). The
paper's towers are an image and a text encoder with linear layers into a common space; here both texts go through one
encoder, and no layer is needed. `replace(recipe, target=Twin())` in a file of your own gives the second column its own
encoder; the first one is saved. Optimizer and batch are those of `simcse_sup` (the paper: batch 32,768).

When to use it: question and answer, title and text, or translations: columns 0 and 1 in two languages
(`--data stsb_en_zh`) make an encoder multilingual. What to watch: a larger batch is better; pairs that fit several
partners are false negatives of each other (see `denoise`).
"""

from dataclasses import replace

from simemb import InfoNCE, View

from .simcse_sup import recipe as simcse_sup

recipe = replace(
    simcse_sup,
    views=(View(column=0, target=False), View(column=1, online=False)),
    head=None,
    objective=InfoNCE(temperature=0.07, symmetric=True, learnt=True, temperature_floor=0.01),
)
