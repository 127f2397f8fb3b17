"""DINO: a student that sees parts of a sentence agrees with a momentum teacher that sees all of it.

Caron et al., 2021, https://arxiv.org/abs/2104.14294, section 3.1, eq. 1 to 4, algorithm 1. As in the paper: student
temperature 0.1; teacher temperature 0.07, warmed up from 0.04 (over 30 of 300 epochs); center momentum 0.9; teacher
momentum 0.996 rising to 1 along half a cosine; a head of three layers (hidden width 2,048, GELU, 256 dimensions) before
outputs of unit length; two full views for both networks, eight small ones for the student. The full views are dropout
passes of the student; the teacher has no dropout, as DINO's has no stochastic depth. Crops of 5 to 40 % of an image's
area have 22 to 63 % of its side, and the spans have that share of a sentence. The paper's 65,536 outputs are 64 for
each image of a batch of 1,024, which gives 4,096 at batch 64; the paper's own ablation finds so many nearly as good.
Optimizer and batch are those of `simcse`, with the paper's cosine schedule. Differences: weight decay does not rise, no
layer is frozen at first, the head's initial weights are uniform (released: normal, deviation 0.02), and the student is
saved (the released evaluation uses the teacher).

When to use it: long sentences or paragraphs, where a part should say what the whole says. What to watch: two kinds of
collapse, to one output (centering too weak) and to equal outputs (sharpening too weak). The loss stands still in both.
"""

from dataclasses import replace

from simemb import EMA, MLP, Centered, Crop, View

from .simcse import recipe as simcse

small = View(target=False, augment=(Crop(shortest=0.22, longest=0.63),))

recipe = replace(
    simcse,
    views=(View(), View(), *[small] * 8),
    head=MLP(layers=3, hidden=2048, width=256, activation="gelu", prototypes=4096),
    objective=Centered(student=0.1, teacher=0.07, teacher_start=0.04, warmup=0.1, momentum=0.9),
    target=EMA(momentum=0.996, final=1.0, dropout=False),
    schedule="cosine",
)
