"""The plan of a run: everything that `simemb.fit` checks and loads before anything is written.

`simemb.training.trainer.Trainer` carries a plan out.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from simemb import devices, ranks
from simemb.arguments import checked
from simemb.corpus.language import language_of
from simemb.corpus.rows import Rows
from simemb.devices import AUTO
from simemb.encoder import card_metadata
from simemb.encoder.encoder import Encoder
from simemb.encoder.external import ExternalEncoder
from simemb.encoder.names import BASE
from simemb.encoder.prompts import ROLES, SHOWN
from simemb.errors import DataError, DeviceError, TrainingError
from simemb.evaluation.evaluate import evaluate
from simemb.evaluation.scores import Scores
from simemb.evaluation.suite import Suite
from simemb.extras import TRAINING, need
from simemb.method import trained_parts, view_prompts
from simemb.method.course import Course, Trained
from simemb.method.method import Method
from simemb.method.recipe import Recipe
from simemb.method.recipe_files import find
from simemb.method.targets import Twin
from simemb.method.view_hooks import augment_embeddings
from simemb.training import dev_suites
from simemb.training.callbacks import check as check_callbacks
from simemb.training.choices import Metric, MixedPrecision, check_choices
from simemb.training.dataset import check_length, load_training_data
from simemb.training.environment import environment
from simemb.training.materials import Material, Opened, content_of, open_materials, samples
from simemb.training.run_directory import RunDirectory, Settings

log = logging.getLogger("simemb")


@dataclass(frozen=True)
class Plan:
    """A run that has been checked and loaded.

    recipe: what defines the method. encoder: trained in place; twin: the second encoder of a `Twin`, if it is named.
    materials: the data, tokenized; several if the recipe keeps them apart. directory: where the run is written.
    settings, record: what `recipe.json` says. suites: the dev suites, of which the first chooses the checkpoint.
    language: of the data, see `simemb.corpus.language`. base: what the card of the model says that training begins
    with. control: a suite that is scored before and after, and chooses nothing. resume: go on with the run in
    `directory`. trackers, callbacks, progress: see `simemb.fit`.
    """

    recipe: Recipe
    encoder: Encoder
    materials: Sequence[Material]
    directory: RunDirectory
    settings: Settings
    twin: Encoder | None = None
    record: Mapping[str, Any] = field(default_factory=dict)
    suites: tuple[Suite, ...] = ()
    language: str = ""
    base: Mapping[str, Any] = field(default_factory=dict[str, Any])
    control: Suite | None = None
    resume: bool = False
    trackers: Sequence[str] = ()
    callbacks: Sequence[Any] = ()
    progress: bool | None = None

    def score(self) -> tuple[Scores, ...]:
        """The scores of the encoder on the dev suites, as it is now."""
        return dev_suites.score(self.encoder, self.suites, progress=self.progress)

    def score_control(self) -> Scores | None:
        """The score of the encoder on the control suite, as it is now."""
        return None if self.control is None else evaluate(self.encoder, self.control, progress=self.progress)

    def method(self) -> Trained:
        """The recipe applied to the encoder: prompts and a head that is kept join it, so score the base before."""
        recipes = [material.recipe for material in self.materials]
        for encoder in (self.encoder, *([self.twin] if self.twin else [])):
            view_prompts.give(encoder, self.recipe)
            trained_parts.prepare(encoder, self.recipe.lora, self.recipe.freeze, self.settings.seed)
        columns = [len(material.columns) for material in self.materials]
        examples = [material.examples for material in self.materials]
        keywords: dict[str, Any] = {
            "seed": self.settings.seed,
            "twin": self.twin,
            "teacher_width": self.materials[0].data.teacher_width,
        }
        method = (
            Course(recipes, self.encoder, columns=columns, examples=examples, **keywords)
            if len(recipes) > 1
            else Method(recipes[0], self.encoder, columns=columns[0], examples=examples[0], **keywords)
        )
        trained_parts.check_left(method, self.recipe.learning_rates)
        return method


@checked
def prepare(
    recipe: str | Path | Recipe,
    model: str | Path | Encoder | ExternalEncoder = BASE,
    data: Any = None,
    *,
    output: RunDirectory,
    columns: Sequence[str] | None = None,
    delimiter: str | None = None,
    header: bool = True,
    pooling: str | None = None,
    max_length: int | None = None,
    dev: Any = None,
    metric: Metric = "spearman",
    seed: int = 1,
    resume: bool = False,
    overwrite: bool = False,
    precision: MixedPrecision = "no",
    prompts: Mapping[str, str] | None = None,
    device: str = AUTO,
    trackers: Sequence[str] = (),
    callbacks: Sequence[Any] = (),
    progress: bool | None = None,
) -> Plan:
    """Check and load everything for a run, and write nothing; the arguments are those of `simemb.fit`.

    Raises a `SimembError` that says what to do.
    """
    need("training", TRAINING)
    check_choices(metric, precision, trackers, device)
    check_callbacks(callbacks)
    if not 0 <= seed < 2**63:
        raise TrainingError(f"--seed must be in [0, 2^63), not {seed}")
    recipe = recipe if isinstance(recipe, Recipe) else find(str(recipe))
    recipe = recipe if max_length is None else replace(recipe, max_length=max_length)
    recipe = view_prompts.assigned(recipe, prompts or {})
    output.refuse(resume=resume, overwrite=overwrite)
    data = samples(recipe) if data is None else data
    opened = open_materials(recipe, data, columns, delimiter=delimiter, header=header)
    # A suite for the sample says little about other data beside it.
    rows = max((source.rows for source in opened), key=lambda rows: rows.name not in dev_suites.SAMPLES)
    language = language_of(rows)
    suites = dev_suites.choose(dev, rows, language)
    as_given = recipe
    recipe, encoder, twin, materials = _load(recipe, model, pooling, max_length, device, opened, progress)
    for material in materials:
        _check_size(material.recipe, material.rows, material.examples)
        with augment_embeddings(encoder, material.recipe.views):  # refused now if they cannot be reached
            pass
    for auxiliary in recipe.auxiliaries:
        auxiliary.check(encoder)
    settings = Settings(
        model=encoder.name,
        fingerprint=encoder.fingerprint(),
        pooling=pooling or encoder.pooling,
        data=opened[0].rows.parts if len(opened) == 1 else tuple(source.rows.name for source in opened),
        columns=opened[0].columns if len(opened) == 1 else tuple(columns or ()),
        labels=opened[0].labels if len(opened) == 1 else "",
        delimiter=delimiter or "",
        header=header,
        dev=dev_suites.names(dev, suites),
        metric=metric,
        seed=seed,
        precision=precision,
        warning="; ".join(dict.fromkeys(source.rows.warning for source in opened if source.rows.warning)),
        prompts=view_prompts.of_run(recipe),
    )
    others = {role: digest for material in materials for role, digest in material.data.fingerprints.items()}
    content = {**content_of(materials), **others}
    record = {"recipe": as_given.to_json(), "run": settings.to_json(), "data": content}
    record |= {"dev": dev_suites.record(dev, suites), "folder": str(Path.cwd()), **environment()}
    if resume:
        output.compare(record)
    return Plan(
        recipe,
        encoder,
        materials,
        output,
        settings,
        twin=twin,
        record=record,
        suites=suites,
        language=language,
        base=card_metadata.known(encoder.source),
        control=dev_suites.control(suites, rows),
        resume=resume,
        trackers=trackers,
        callbacks=callbacks,
        progress=progress,
    )


def _load(
    recipe: Recipe,
    model: str | Path | Encoder | ExternalEncoder,
    pooling: str | None,
    max_length: int | None,
    device: str,
    opened: Sequence[Opened],
    progress: bool | None,
) -> tuple[Recipe, Encoder, Encoder | None, list[Material]]:
    """The recipe with the texts of its prompts, the encoder, its twin and the data.

    Without a trace in the caller's random numbers: loading draws weights.
    """
    of_run = processes(device)
    with torch.random.fork_rng():
        encoder = _encoder(model, pooling, recipe, of_run.device)
        check_length(max_length or 0, encoder)
        recipe = view_prompts.resolved(recipe, encoder)
        _say_prompts(recipe, encoder)
        named = recipe.target.model if isinstance(recipe.target, Twin) else None
        twin = _encoder(named, None, recipe, of_run.device) if named else None
        materials: list[Material] = []
        for source in opened:
            alone = view_prompts.with_texts(source.recipe, encoder)
            loaded = load_training_data(alone, source.rows, encoder, twin, progress=progress)
            materials.append(Material(alone, source.rows, source.labels, loaded))
        return recipe, encoder, twin, materials


def processes(device: str = AUTO) -> Any:
    """accelerate's view of the processes that train together, and of their devices.

    device: as in `Encoder.load`; each of several processes has a GPU of its own, or all have the CPU. Raises
    `DeviceError` for a device that is not there, and for one of them for several processes.
    """
    place = devices.find(device)
    state = ranks.join(cpu=device == devices.CPU)
    if state.num_processes == 1:
        state.device = torch.device(place)
        if ":" in place:  # where kernels of our own are launched
            torch.cuda.set_device(place)
    elif state.device.type == devices.CPU:
        state.device = torch.device(devices.CPU)  # which accelerate numbers
    if state.num_processes > 1 and device not in (AUTO, state.device.type):
        raise DeviceError(f"device {device}: there are {state.num_processes} processes, each on {state.device.type}")
    return state


def _check_size(recipe: Recipe, rows: Rows, examples: int) -> None:
    contrast = recipe.objective is not None and recipe.objective.negatives
    needed = 2 if contrast else recipe.smallest_share
    if examples < needed:
        why = "a batch needs others as negatives" if contrast else "a batch needs more"
        raise DataError(f"{rows.name}: holds {max(examples, 0)} example, but {why} (at least {needed})")


def _encoder(
    model: str | Path | Encoder | ExternalEncoder, pooling: str | None, recipe: Recipe, device: torch.device
) -> Encoder:
    if isinstance(model, str | Path):
        encoder = Encoder.load(model, pooling=pooling, default_pooling=recipe.pooling, device=str(device))
    elif pooling is not None:
        raise TrainingError("pooling= is for a model given by name; an Encoder has its own already")
    else:
        encoder = model
    if not isinstance(encoder, Encoder):
        raise TrainingError(f"{encoder.name} {encoder.runs}: it cannot be trained here")
    _check_trainable(encoder)
    return encoder.complete().to(device)


def _say_prompts(recipe: Recipe, encoder: Encoder) -> None:
    """Say what is put before the texts of the run, and if nothing is, for a model that has prompts."""
    own = {name: text for name, text in encoder.prompts.items() if text}
    if said := view_prompts.announcement(recipe):
        log.info("training puts %s", said)
    elif own:
        taken = " ".join(f"{role}={name}" for role in ("query", "document") for name in ROLES[role] if name in own)
        default = f"text={encoder.default_prompt}" if encoder.default_prompt in own else ""
        advice = f"; --prompts {taken or default} puts them there" if taken or default else ""
        names = ", ".join(islice(own, SHOWN))
        log.warning("%s has prompts (%s), and training reads texts as they are%s", encoder.name, names, advice)


def _check_trainable(encoder: Encoder) -> None:
    """Raise `TrainingError` for weights that no optimizer can change, or only in another precision."""
    weights = list(encoder.parameters())
    if not any(weight.requires_grad for weight in weights):
        raise TrainingError(f"{encoder.name}: no weight may be trained (requires_grad is False for all)")
    if any(weight.is_inference() for weight in weights):
        raise TrainingError(f"{encoder.name} was loaded under torch.inference_mode(): load it outside to train it")
    other = next((weight.dtype for weight in weights if weight.dtype != torch.float32), None)
    if other is not None:
        advice = "train it in float32 (encoder.float()); precision= chooses that of the computing"
        raise TrainingError(f"{encoder.name} has weights in {other}: {advice}")
