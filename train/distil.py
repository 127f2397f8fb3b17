"""Distillation: reproduce the vectors of a teacher, which may be any encoder with any tokenizer and width.

Reimers & Gurevych, 2020, https://arxiv.org/abs/2004.09813, section 2: the mean squared error to the teacher's vector of
the same sentence; learning rate 2e-5 and mean pooling as in the paper. A linear layer maps the student's width to the
teacher's and is dropped after training (Gao et al., 2021, https://arxiv.org/abs/2112.05638, have one too). The
paper's 10,000 warm-up steps are a tenth of the run here.

When to use it: to make a smaller or faster encoder from a good one: `--target.model TEACHER` (a directory, a run, a hub
name; the default teacher is `mini`, the small encoder that ships). Translations in a second column teach another
language if the student sees that column too: add `View(column=1, target=False)`. What to watch: the student cannot
exceed its teacher, and learns its directions and its lengths.
"""

from dataclasses import replace

from simemb import Frozen, Projector, SquaredError

from .simcse import recipe as simcse

recipe = replace(
    simcse,
    head=None,
    predictor=Projector(activation="none"),
    objective=SquaredError(),
    target=Frozen(model="mini"),
    pooling="mean",
    max_length=128,
    epochs=5,
    learning_rate=2e-5,
    warmup=0.1,
    epsilon=1e-6,
)
