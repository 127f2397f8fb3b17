"""A suite: evaluation tasks that are scored and averaged together. Each file of `eval/` defines one."""

from dataclasses import dataclass

from simemb.evaluation.tasks import Similarity, Task

STSB = Similarity("stsb", {"train": "stsb", "dev": "stsb_dev", "test": "stsb_test"})


@dataclass(frozen=True)
class Suite:
    """Tasks that are scored and averaged together.

    Attributes:
        name: Its name on the command line, which is the name of its file in `eval/`.
        description: What it is and where it is from, in one line.
        tasks: In the order of the table's columns.
        geometry: The task whose pairs measure alignment, uniformity and effective rank; by default the whole STS-B.
        headline: The number of each task that tables show, that is averaged, and that chooses a checkpoint.
        complete: Whether the suite is refused if the data of a task are missing; otherwise it is scored without them
            and they are named.
    """

    name: str
    description: str
    tasks: tuple[Task, ...]
    geometry: Similarity | None = STSB
    headline: str = "spearman"
    complete: bool = True
