"""A suite: evaluation tasks that are scored and averaged together. Each file of `eval/` defines one."""

from dataclasses import dataclass

from simemb.arguments import checked_fields
from simemb.evaluation.tasks import Similarity, Task

STSB = Similarity("stsb", {"train": "stsb", "dev": "stsb_dev", "test": "stsb_test"})


@checked_fields
@dataclass(frozen=True)
class Suite:
    """Tasks that are scored and averaged together.

    Attributes:
        name: The name on the command line, which is the name of the file in `eval/`.
        description: One line with the contents and the source.
        tasks: The tasks, in the order of the table's columns.
        geometry: The task whose pairs measure alignment, uniformity and effective rank; by default the whole STS-B.
        headline: The number of each task that tables show, that is averaged, and that selects a checkpoint.
        complete: Whether missing data of a task are an error. Otherwise the suite is scored without that task, and the
            record and the tables name it.
    """

    name: str
    description: str
    tasks: tuple[Task, ...]
    geometry: Similarity | None = STSB
    headline: str = "spearman"
    complete: bool = True
