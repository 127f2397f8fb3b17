"""Clustering of the labeled texts of the transfer tasks: coarse, since these sets were made for something else.

Each has two classes (TREC six), opinions or styles and not topics, along which vectors of sentences need not part of
themselves: V-measures near 0 are usual and say little. Compare encoders here by large differences alone; MTEB's sets
of many topics (https://arxiv.org/abs/2210.07316) are the real thing.
"""

from simemb.evaluation.suite import Suite
from simemb.evaluation.tasks.clustering import Clustering

from .transfer import SINGLE, labeled

FILES = {"mr": "mr/all.tsv", "cr": "cr/all.tsv", "subj": "subj/all.tsv", "trec": "trec/train.tsv"}

suite = Suite(
    name="clustering",
    description="the classes of MR, CR, SUBJ and TREC as clusters: V-measure of k-means, coarse",
    tasks=tuple(
        Clustering(name, labeled(f"transfer/{file}", SINGLE, "see the suite transfer")) for name, file in FILES.items()
    ),
    geometry=None,
    headline="v_measure",
    complete=False,
)
