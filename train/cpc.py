"""Contrastive predictive coding: predict the next sentence of a running text, with other sentences as negatives.

van den Oord et al., 2018, https://arxiv.org/abs/1807.03748, section 2, eq. 3 and 4: exp(z' W c), a bilinear score
without temperature or normalization; section 3.3 applies it to books. As in the paper, W is a single matrix, dropped
after training. Differences: the context c is the current sentence, not a recurrent network over all before it, and one
sentence is predicted, not three. This is close to Quick-Thoughts (Logeswaran & Lee, 2018), which has neither.
Optimizer and batch are those of `simcse`.

When to use it: documents whose order means something. What to watch: the data must be running text, one sentence a
line, in order (`--data wiki_running`, `sample_stories`); shuffled sentences cannot be predicted. Neighboring sentences
share a subject rather than a meaning: SimCSE's table 2 finds the next sentence a poor positive for STS (67.1 against
82.5).
"""

from dataclasses import replace

from simemb import MLP, InfoNCE, View

from .simcse import recipe as simcse

recipe = replace(
    simcse,
    views=(View(target=False), View(online=False, offset=1)),
    head=None,
    predictor=MLP(layers=1, bias=False),
    objective=InfoNCE(temperature=1.0, similarity="dot"),
)
