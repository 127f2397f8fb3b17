"""Any MTEB task as a suite, such as `mteb:STSBenchmark`: scored by the package `mteb`, recorded as other suites are.

The Massive Text Embedding Benchmark: Muennighoff et al., 2023, https://arxiv.org/abs/2210.07316. The package is not
installed with simemb: pip install "simemb[mteb]".
"""

import warnings
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from numbers import Real
from statistics import fmean
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from simemb.encoder.prompts import Role
from simemb.errors import AbsentError, DataError, SimembError
from simemb.evaluation.scores import TaskScores
from simemb.evaluation.suite import Suite
from simemb.evaluation.tasks.task import LoadedTask, Task, TaskResult
from simemb.evaluation.text_vectors import TextVectors
from simemb.extras import MTEB, Extra, need

PREFIX = "mteb:"
"""Prefix of the name of such a suite."""
ERRORS = ("mae", "mse", "rmse")
"""MTEB's numbers that have no upper limit: they are not multiplied by 100."""
MINOR = "nauc_"
"""Prefix of the dozens of numbers that are recorded but not shown."""


def find(name: str) -> Suite:
    """The suite of the MTEB task of that name; `name` may begin with `mteb:`.

    Raises:
        LibraryError: mteb is not installed.
        DataError: mteb has no such task (the message suggests the nearest one), or the task is not
            about text.
    """
    name = name.removeprefix(PREFIX)
    need(f"{PREFIX}{name}", MTEB)
    mteb = import_module("mteb")
    try:
        metadata = mteb.get_task(name).metadata
    except KeyError:
        names = [task.metadata.name for task in mteb.get_tasks(exclude_superseded=False)]
        matches = get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f"did you mean '{matches[0]}'? " if matches else ""
        raise DataError(f"unknown MTEB task '{name}': {hint}`mteb available-tasks` lists them all") from None
    if set(metadata.modalities) != {"text"}:
        raise DataError(f"MTEB task {name} is about {', '.join(sorted(metadata.modalities))} (allowed: text)")
    return Suite(
        name=f"{PREFIX}{name}",
        description=" ".join(str(metadata.description).split()),
        tasks=(MtebTask(name),),
        geometry=None,
        headline=str(metadata.main_score),
    )


@dataclass(frozen=True)
class MtebScores(TaskScores):
    """The scores of mteb, in points (x 100) except for `ERRORS`.

    Attributes:
        metric: The name of MTEB's main score of the task, a key of `means`.
        means: Each number of the task: the mean over its splits and languages.
        parts: The main score of each split and language, by keys such as "test/en".
        mteb: The version of mteb.
    """

    metric: str
    means: dict[str, float]
    parts: dict[str, float]
    mteb: str

    def numbers(self) -> dict[str, float]:
        """The main score, then the others except for mteb's measures of confidence (nauc)."""
        return {name: value for name, value in self.means.items() if not name.startswith(MINOR)}


@dataclass(frozen=True)
class MtebTask(Task):
    """A task by its name in MTEB."""

    needs: ClassVar[Extra] = MTEB

    def load(self) -> "LoadedMteb":
        """Let mteb read the data; `AbsentError` if they are neither on this machine nor on the hub."""
        return LoadedMteb(_loaded(import_module("mteb").get_task(self.name)))


class LoadedMteb(LoadedTask):
    """An `mteb.AbsTask` with its data."""

    def __init__(self, task: Any):
        self.task = task
        self.origins = {f"hub:{part.metadata.dataset['path']}": str(part.metadata.revision) for part in _parts(task)}

    def texts(self) -> Iterator[str]:
        """None: mteb calls the encoder itself while it scores."""
        return iter(())

    def score(self, vectors: TextVectors) -> TaskResult:
        """The scores by mteb; `DataError` if it fails."""
        mteb, name = import_module("mteb"), self.task.metadata.name
        try:
            with warnings.catch_warnings(action="ignore"):  # mteb's own code raises hundreds
                result = mteb.evaluate(
                    MtebEncoder(vectors), self.task, cache=None, co2_tracker=False, show_progress_bar=False
                )
        except SimembError:
            raise
        # Any error of another package's benchmark is one line for the user.
        except Exception as error:
            raise DataError(f"mteb {mteb.__version__} fails on task {name}: {type(error).__name__}: {error}") from error
        return TaskResult(_scores(result.task_results[0], self.task.metadata.main_score), None)


_ROLES: Mapping[str, Role] = {"query": "query", "document": "document"}
"""mteb's types of prompts."""


class MtebEncoder:
    """An encoder by mteb's EncoderProtocol: texts come in batches, similarity is the cosine."""

    def __init__(self, vectors: TextVectors):
        self.vectors = vectors
        self.mteb_model_meta: Any = import_module("mteb.models.model_meta").ModelMeta.create_empty()

    def encode(
        self,
        inputs: Iterable[Mapping[str, Sequence[str]]],
        *,
        task_metadata: Any,
        hf_split: str,
        hf_subset: str,
        prompt_type: Any = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
    ) -> NDArray[np.float32]:
        """Vectors [texts, dim] of all batches; `batch_size` is ignored, since `TextVectors` has its own."""
        del task_metadata, hf_split, hf_subset, batch_size, show_progress_bar
        texts = [text for batch in inputs for text in batch["text"]]
        return self.vectors.encode(texts, _ROLES.get(getattr(prompt_type, "value", ""), "text"))

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:
        """Cosines of all pairs [embeddings1, embeddings2]."""
        return import_module("mteb.similarity_functions").cos_sim(embeddings1, embeddings2)

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Any:
        """Cosine of each row of `embeddings1` and the same row of `embeddings2`."""
        return import_module("mteb.similarity_functions").pairwise_cos_sim(embeddings1, embeddings2)


def _scores(result: Any, metric: str) -> MtebScores:
    """The scores of a task out of mteb's result, which has a list of dictionaries, one a language, for each split."""
    parts = {f"{split}/{part['hf_subset']}": part for split, parts in result.scores.items() for part in parts}
    numbers = {
        key: {name: float(value) for name, value in part.items() if isinstance(value, Real)}
        for key, part in parts.items()
    }
    main = {key: _points(metric, part.pop("main_score")) for key, part in numbers.items()}
    shared = [name for name in next(iter(numbers.values())) if all(name in part for part in numbers.values())]
    others = {name: _points(name, fmean(part[name] for part in numbers.values())) for name in shared if name != metric}
    means = {metric: fmean(main.values()), **others}
    return MtebScores(metric, means, main, str(result.mteb_version))


def _points(name: str, value: float) -> float:
    return value if name in ERRORS else 100 * value


# ---- data ----------------------------------------------------------------------------------------


def _parts(task: Any) -> list[Any]:
    """The tasks of an aggregate, at any depth, or the task itself."""
    return [part for inner in task.tasks for part in _parts(inner)] if task.is_aggregate else [task]


def _loaded(task: Any) -> Any:
    """The task, after mteb has read its data."""
    for part in _parts(task):
        if part.data_loaded:
            continue
        path, revision = part.metadata.dataset["path"], part.metadata.revision
        reachable = _reachable(path, revision)
        try:
            with nullcontext() if reachable else _offline():
                part.load_data()
        # Any error of another package's downloader is one line for the user.
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            why = f"cannot be read ({reason})" if reachable else "are not on this machine, and the hub does not answer"
            raise AbsentError(f"the data of MTEB task {part.metadata.name} ({path} on the hub) {why}") from None
    return task


def _reachable(path: str, revision: str) -> bool:
    """Whether the hub answers, even with a refusal. `datasets` alone would retry for half a minute."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError

    try:
        get_hf_file_metadata(hf_hub_url(path, "README.md", repo_type="dataset", revision=revision))
    except HfHubHTTPError:
        return True
    except Exception:
        return False
    return True


@contextmanager
def _offline() -> Generator[None, None, None]:
    """HF_HUB_OFFLINE=1 within the context: data come only from the hub's local cache."""
    switches: list[Any] = [import_module("huggingface_hub.constants"), import_module("datasets.config")]
    before = [switch.HF_HUB_OFFLINE for switch in switches]
    for switch in switches:
        switch.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        for switch, value in zip(switches, before, strict=True):
            switch.HF_HUB_OFFLINE = value
