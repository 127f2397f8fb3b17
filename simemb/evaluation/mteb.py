"""Any task of MTEB as a suite of its own, `mteb:STSBenchmark`, run by the package `mteb`; its scores join our records.

The Massive Text Embedding Benchmark: Muennighoff et al., 2023, https://arxiv.org/abs/2210.07316. The package is not
installed with simemb: pip install 'simemb[mteb]'.
"""

import warnings
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from numbers import Real
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simemb.errors import AbsentError, DataError, SimembError
from simemb.evaluation.scores import TaskScores
from simemb.evaluation.suite import Suite
from simemb.evaluation.tasks.task import LoadedTask, Task, TaskResult
from simemb.evaluation.text_vectors import TextVectors

PREFIX = "mteb:"
"""What the name of such a suite begins with."""
ERRORS = ("mae", "mse", "rmse")
"""MTEB's numbers that are no shares: they are not multiplied by 100."""
MINOR = "nauc_"
"""What the names of numbers begin with that are kept in the record and shown nowhere: there are dozens of them."""


def find(name: str) -> Suite:
    """The suite of the MTEB task of that name; `name` may begin with `mteb:`.

    Raises:
        DataError: mteb is not installed, has no such task (with the nearest match), or the task is not about text.
    """
    name = name.removeprefix(PREFIX)
    if find_spec("mteb") is None:
        raise DataError(f"{PREFIX}{name} needs the package mteb: pip install 'simemb[mteb]'")
    mteb = import_module("mteb")
    try:
        metadata = mteb.get_task(name).metadata
    except KeyError:
        known = [task.metadata.name for task in mteb.get_tasks(exclude_superseded=False)]
        near = get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'? " if near else ""
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
    """What mteb measured, in points (x 100), but for errors, which have no highest value.

    Attributes:
        metric: MTEB's main score of the task, by its name in `means`.
        means: Every number of the task: the mean over its splits and languages.
        parts: The main score of each split and language, as "test/en".
        mteb: The version of mteb.
    """

    metric: str
    means: dict[str, float]
    parts: dict[str, float]
    mteb: str

    def numbers(self) -> dict[str, float]:
        """The main score, then the others but for mteb's measures of confidence (nauc)."""
        return {name: value for name, value in self.means.items() if not name.startswith(MINOR)}


@dataclass(frozen=True)
class MtebTask(Task):
    """A task of MTEB by its name there."""

    def load(self) -> "LoadedMteb":
        """Let mteb read the data; `AbsentError` if they are neither on this machine nor to be had from the hub."""
        return LoadedMteb(_loaded(import_module("mteb").get_task(self.name)))


class LoadedMteb(LoadedTask):
    """A task of mteb with its data. task: any `mteb.AbsTask`."""

    def __init__(self, task: Any):
        self.task = task
        self.origins = {f"hub:{part.metadata.dataset['path']}": str(part.metadata.revision) for part in _parts(task)}

    def texts(self) -> Iterator[str]:
        """None: mteb asks for the vectors that it needs when it needs them."""
        return iter(())

    def score(self, vectors: TextVectors) -> TaskResult:
        """What mteb makes of the encoder; `DataError` if it fails."""
        mteb, name = import_module("mteb"), self.task.metadata.name
        try:
            with warnings.catch_warnings(action="ignore"):  # hundreds, of mteb's own doing
                found = mteb.evaluate(
                    AsMteb(vectors), self.task, cache=None, co2_tracker=False, show_progress_bar=False
                )
        except SimembError:
            raise
        # Whatever breaks in a foreign benchmark means the same to the user.
        except Exception as error:
            raise DataError(f"mteb {mteb.__version__} fails on task {name}: {type(error).__name__}: {error}") from error
        return TaskResult(_scores(found.task_results[0], self.task.metadata.main_score), None)


class AsMteb:
    """Vectors as mteb wants an encoder (its EncoderProtocol): texts come in batches, similarity is the cosine."""

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
        """Vectors [texts, dim] of all batches; how many texts are computed at once is decided where it is known."""
        del task_metadata, hf_split, hf_subset, prompt_type, batch_size, show_progress_bar
        return self.vectors.encode([text for batch in inputs for text in batch["text"]])

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:
        """Cosines of all with all."""
        return import_module("mteb.similarity_functions").cos_sim(embeddings1, embeddings2)

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Any:
        """Cosines of each with its partner."""
        return import_module("mteb.similarity_functions").pairwise_cos_sim(embeddings1, embeddings2)


def _scores(result: Any, metric: str) -> MtebScores:
    """mteb's scores of a task: of every split a list of dictionaries, one for each language."""
    parts = {f"{split}/{part['hf_subset']}": part for split, parts in result.scores.items() for part in parts}
    numbers = {
        place: {name: float(value) for name, value in part.items() if isinstance(value, Real)}
        for place, part in parts.items()
    }
    main = {place: _points(metric, part.pop("main_score")) for place, part in numbers.items()}
    shared = [name for name in next(iter(numbers.values())) if all(name in part for part in numbers.values())]
    others = {name: _points(name, fmean(part[name] for part in numbers.values())) for name in shared if name != metric}
    means = {metric: fmean(main.values()), **others}
    return MtebScores(metric, means, main, str(result.mteb_version))


def _points(name: str, value: float) -> float:
    return value if name in ERRORS else 100 * value


# ---- data ----------------------------------------------------------------------------------------


def _parts(task: Any) -> list[Any]:
    """The tasks that an aggregate is made of, or the task alone."""
    return [part for inner in task.tasks for part in _parts(inner)] if task.is_aggregate else [task]


def _loaded(task: Any) -> Any:
    """The task, with its data read by mteb."""
    for part in _parts(task):
        if part.data_loaded:
            continue
        path, revision = part.metadata.dataset["path"], part.metadata.revision
        reachable = _reachable(path, revision)
        try:
            with nullcontext() if reachable else _offline():
                part.load_data()
        # Whatever breaks in a foreign downloader means the same to the user.
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            why = f"cannot be read ({reason})" if reachable else "are not on this machine, and the hub does not answer"
            raise AbsentError(f"the data of MTEB task {part.metadata.name} ({path} on the hub) {why}") from None
    return task


def _reachable(path: str, revision: str) -> bool:
    """Whether the hub answers, be it with a refusal: asked here, since `datasets` would try for half a minute."""
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
    """What HF_HUB_OFFLINE=1 does, for a while: data come from the hub's cache, or not at all."""
    switches: list[Any] = [import_module("huggingface_hub.constants"), import_module("datasets.config")]
    before = [switch.HF_HUB_OFFLINE for switch in switches]
    for switch in switches:
        switch.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        for switch, value in zip(switches, before, strict=True):
            switch.HF_HUB_OFFLINE = value
