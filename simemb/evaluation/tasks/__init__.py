"""The kinds of evaluation task, one file each.

A suite lists `Task`s. `Task.load` reads the data and returns a `LoadedTask`, which scores vectors.
"""

from simemb.evaluation.tasks.classification import CrossValidated, Split
from simemb.evaluation.tasks.clustering import Clustering
from simemb.evaluation.tasks.geometry import VectorGeometry
from simemb.evaluation.tasks.retrieval import Retrieval
from simemb.evaluation.tasks.similarity import Binary, Pairs, Similarity
from simemb.evaluation.tasks.task import LoadedTask, Task

__all__ = [
    "Binary",
    "Clustering",
    "CrossValidated",
    "LoadedTask",
    "Pairs",
    "Retrieval",
    "Similarity",
    "Split",
    "Task",
    "VectorGeometry",
]
