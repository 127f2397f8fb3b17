"""Contrastive predictive coding: predict the next sentence of a running text, other sentences being the negatives.

van den Oord et al., 2018, https://arxiv.org/abs/1807.03748, section 2, eq. 3 and 4: exp(z' W c), a bilinear
score with no temperature and no normalization; section 3.3 does it on books. As in the paper: W is a bare
matrix, dropped after training. Differences: the context c is this sentence and not a recurrent network over
those before it, and one sentence is predicted, not three; without either this is near Quick-Thoughts
(Logeswaran & Lee, 2018). Optimizer and batch are those of `simcse`.

When to use it: documents whose order means something. What to watch: the data must be running text, a
sentence a line in its order (`--data wiki_running`, `sample_stories`); on shuffled sentences there is nothing
to predict. Neighbors are about the same thing rather than the same in meaning: SimCSE's table 2 finds the
next sentence a poor positive for STS (67.1 against 82.5).
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
