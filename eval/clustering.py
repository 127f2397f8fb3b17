"""Clustering of the labeled texts of the transfer tasks: a coarse measure, since these sets are not made for it.

Each set has two classes (TREC six). They are opinions or styles, not topics, and sentence vectors need not separate
along them: V-measures near 0 are usual and say little. Compare encoders here by large differences alone, and use the
clustering tasks of MTEB (https://arxiv.org/abs/2210.07316), with many topics, for more.
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
