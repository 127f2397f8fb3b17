"""SwAV: predict from one view the cluster of the other, with clusters that are forced to be of equal size.

Caron et al., 2020, https://arxiv.org/abs/2006.09882, section 3.1, eq. 1 to 5, and appendix A. As in the paper:
temperature 0.1, epsilon 0.05, 3 Sinkhorn iterations, a head of two layers (hidden width 2,048 with batch norm, output
width 128), two full views that predict each other and six small ones that only predict. The full views are dropout
passes. An image crop covers 5 to 14 % of the area, so 22 to 37 % of the side; a sentence has one side, so spans are 22
to 37 % of it. The paper's 3,000 prototypes meet 4,096 images at a time; 48 keep that proportion at batch 64. Optimizer
and batch are those of `simcse`, with the paper's cosine schedule. Differences: the prototypes are not frozen at first,
there is no queue (the paper adds both at batch 256), and batch norm in the head sees one view at a time, where the
released code concatenates all crops.

When to use it: data with real groups, such as questions by intent. What to watch: a loss that stays at the logarithm of
the number of prototypes means collapse: `--objective.epsilon 0.03`. Raise the number of prototypes with the batch.
"""

from dataclasses import replace

from simemb import MLP, Crop, StopGradient, Swapped, View

from .simcse import recipe as simcse

small = View(target=False, augment=(Crop(shortest=0.22, longest=0.37),))

recipe = replace(
    simcse,
    views=(View(), View(), *[small] * 6),
    head=MLP(layers=2, hidden=2048, width=128, norm="batch", prototypes=48),
    objective=Swapped(temperature=0.1, epsilon=0.05, iterations=3),
    target=StopGradient(),
    schedule="cosine",
)
