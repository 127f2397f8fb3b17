"""The kinds of evaluation task, one file each.

A `Task` is what a suite names; `load` reads its data, and what it returns scores vectors.
"""

from simemb.tasks.classification import CrossValidated, Split
from simemb.tasks.clustering import Clustering
from simemb.tasks.retrieval import Retrieval
from simemb.tasks.similarity import Binary, Pairs, Similarity
from simemb.tasks.spread import Spread
from simemb.tasks.task import Loaded, Task

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
