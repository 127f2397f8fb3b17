"""The kinds of evaluation task, one file each.

A `Task` is what a suite names; `load` reads its data, and what it returns scores vectors.
"""

from simemb.evaluation.tasks.classification import CrossValidated, Split
from simemb.evaluation.tasks.clustering import Clustering
from simemb.evaluation.tasks.geometry import Spread
from simemb.evaluation.tasks.retrieval import Retrieval
from simemb.evaluation.tasks.similarity import Binary, Pairs, Similarity
from simemb.evaluation.tasks.task import Loaded, Task

__all__ = [
    "Binary",
    "Clustering",
    "CrossValidated",
    "Loaded",
    "Pairs",
    "Retrieval",
    "Similarity",
    "Split",
    "Spread",
    "Task",
]
