"""A suite: evaluation tasks that are scored and averaged together. Each file of `eval/` defines one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from simemb.arguments import checked_fields
from simemb.errors import DataError, unknown
from simemb.evaluation.tasks import Similarity, Task
from simemb.extras import need

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
        left_out: The tasks of the whole suite that were not picked (see `pick`).
    """

    name: str
    description: str
    tasks: tuple[Task, ...]
    geometry: Similarity | None = STSB
    headline: str = "spearman"
    complete: bool = True
    left_out: tuple[str, ...] = ()

    def check_libraries(self) -> "Suite":
        """Raise `LibraryError` if a library is not installed that a task cannot be scored without; the same suite."""
        for task in self.tasks:
            need(f"suite {self.name}", task.needs)
        return self

    def pick(self, names: Sequence[str]) -> "Suite":
        """Some of the tasks, in the order given, as the suite `sts/stsb+sickr`; all of them are the suite itself.

        Raises:
            DataError: There is no such task; the message suggests the nearest one.
        """
        tasks = {task.name: task for task in self.tasks}
        for name in names:
            if name not in tasks:
                raise DataError(unknown(f"task of suite {self.name}", name, tasks))
        picked = list(dict.fromkeys(names))
        left_out = tuple(name for name in tasks if name not in picked)
        if not left_out:
            return self
        name = f"{self.name}/{'+'.join(picked)}"
        return replace(self, name=name, tasks=tuple(tasks[task] for task in picked), left_out=left_out)
