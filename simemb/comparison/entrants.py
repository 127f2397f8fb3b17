"""Who takes part in a comparison: encoders, and groups of runs that differ only in their seed."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from simemb import json_files
from simemb.comparison.names import labels
from simemb.devices import AUTO
from simemb.encoder.models import Model
from simemb.encoder.precision import Precision
from simemb.encoder.streaming import TextEncoder
from simemb.errors import DataError
from simemb.training import seeds
from simemb.training.run_record import RunRecord

log = logging.getLogger("simemb")


@dataclass(frozen=True)
class Entrant:
    """One side of a comparison.

    Attributes:
        label: A short name that no other entrant has.
        models: The encoder, or one for each seed.
        pooling, precision, device: For models given by name, as in `Encoder.load`.
    """

    label: str
    models: tuple[str | TextEncoder, ...]
    pooling: str | None = None
    precision: Precision = "float32"
    device: str = AUTO

    def encoder(self, place: int) -> TextEncoder:
        """One of the models, in memory; `ModelError` if it cannot be loaded."""
        from simemb.encoder.encoder import Encoder

        model = self.models[place]
        if not isinstance(model, str):
            return model
        return Encoder.load(model, pooling=self.pooling, precision=self.precision, device=self.device)


def entrants(
    models: Sequence[Model | Sequence[Model]],
    pooling: Sequence[str] = (),
    precision: Precision = "float32",
    device: str = AUTO,
) -> list[Entrant]:
    """The entrants of a comparison, each once.

    Args:
        models: Each a model, several that differ only in their seed, or the directory of such runs (`simemb train
            --seeds`).
        pooling: None, one for all, or one for each.
        precision, device: One for all.

    Raises:
        DataError: A number of poolings that does not fit, an entrant named twice, or runs in a directory of seeds
            that differ in more than their seed.
        ModelError: A directory without a model, or an unknown name.
    """
    if len(pooling) not in (0, 1, len(models)):
        raise DataError(f"{len(pooling)} poolings for {len(models)} models (allowed: one for all, or one for each)")
    poolings = [None] * len(models) if not pooling else list(pooling) * (len(models) if len(pooling) == 1 else 1)
    empty = [f"models[{place}]" for place, each in enumerate(models) if isinstance(each, Sequence) and not each]
    if empty or not models:
        raise DataError(f"{empty[0] if empty else 'models'} is empty: a comparison needs models")
    names = [_name(each) for each in models]
    participants: list[Entrant] = []
    for each, name, label, own in zip(models, names, labels(names), poolings, strict=True):
        shown = f"{label} ({own})" if own and names.count(name) > 1 else label
        if any(shown == other.label for other in participants):
            raise DataError(f"{name} is named twice: a comparison needs different models, or different poolings")
        participants.append(Entrant(shown, _models(each), own, precision, device))
    return participants


def _name(given: Model | Sequence[Model]) -> str:
    match given:
        case str() | Path():
            return str(given)
        case Sequence():
            return _name(given[0])
        case _:
            return given.name


def _models(given: Model | Sequence[Model]) -> tuple[str | TextEncoder, ...]:
    """Every directory is checked now, not only when the models before it have been scored."""
    from simemb.encoder.location import locate
    from simemb.encoder.names import as_typed, is_bundled

    match given:
        case str() | Path():
            seeds_of = [] if is_bundled(given) else runs(Path(given))
            models = tuple(map(str, seeds_of)) or (as_typed(given),)
            for model in models:
                locate(model)
            return models
        case Sequence():
            return tuple(str(model) if isinstance(model, str | Path) else model for model in given)
        case _:
            return (given,)


# ---- a directory of seeds ------------------------------------------------------------------------


def runs(directory: Path) -> list[Path]:
    """The runs of a directory of seeds, in the order of their seeds; none for any other directory or name.

    They are the runs that seeds.json names; without that file, all `seed-N`.

    Raises:
        DataError: They differ in more than their seed, or cannot be read.
    """
    existing = [path for path in directory.glob("seed-*") if path.is_dir() and path.name[5:].isdecimal()]
    if not existing:
        return []
    existing.sort(key=lambda path: int(path.name[5:]))
    record = directory / seeds.RECORD
    if record.is_file():
        named = {run.directory for run in _read(record, seeds.Runs).runs}
        if not named:
            raise DataError(f"{record}: names no run")
        missing = named - {path.name for path in existing}
        if missing:
            raise DataError(f"{directory}: {seeds.RECORD} names {min(missing)}, which is not there")
        unfinished = [path.name for path in existing if path.name not in named]
        if unfinished:
            log.warning("%s: without %s, which %s does not name", directory, ", ".join(unfinished), seeds.RECORD)
        existing = [path for path in existing if path.name in named]
    _check(existing)
    return existing


def _check(directories: Sequence[Path]) -> None:
    """Refuse runs of different recipes, data or bases, and the same seed twice."""
    first, *others = (_settings(path) for path in directories)
    for path, settings in zip(directories[1:], others, strict=True):
        differing = [name for name in {**first, **settings} if first.get(name) != settings.get(name)]
        if "run.seed" not in differing:
            raise DataError(f"{path} has the seed of {directories[0]}: it is no other run")
        differing.remove("run.seed")
        if differing:
            raise DataError(
                f"{path} differs from {directories[0].name} in {', '.join(differing)}: they are no runs of one "
                "training with different seeds; name them one by one"
            )


def _settings(directory: Path) -> dict[str, Any]:
    """What defines a run, from its recipe.json."""
    record = _read(directory / "recipe.json", RunRecord)
    parts = {part.name: getattr(record, part.name) for part in fields(record)}
    return {f"{part}.{name}": value for part, settings in parts.items() for name, value in settings.items()}


def _read(path: Path, shape: Any) -> Any:
    return json_files.read_json(path, lambda reason: DataError(f"{path}: cannot be read: {reason}"), shape)
