"""The files of a run: what else lies in its directory is somebody's, and is never replaced with it."""

import re
from pathlib import Path

from simemb import files
from simemb.encoder import model_files

_FILES = ("recipe.json", "run.yaml", "metrics.jsonl")
_INSIDE = {
    "last": re.compile(r"state\.safetensors|\.tmp\w+"),  # the second was left by earlier releases
    "scores": re.compile(r".+\.json"),
    "adapter": re.compile(r"adapter_(config\.json|model\.safetensors)|README\.md|base/.+"),
    "simemb": re.compile(r"(.+/)?(events\.out\.tfevents\..+|hparams\.ya?ml)"),
}
"""The folders of a run, besides its encoders, with the files in them; the last holds what tensorboard reads."""


def foreign(directory: Path) -> str | None:
    """The name, from the directory on, of something there that is no part of a run; None if all of it is."""
    for path in sorted(path for path in directory.iterdir() if not files.is_temporary(path)):
        if path.is_file() and path.name in _FILES:
            continue
        inside = _foreign_inside(path) if path.is_dir() and not path.is_symlink() else ""
        if inside is not None:
            return f"{path.name}/{inside}".rstrip("/")
    return None


def _foreign_inside(folder: Path) -> str | None:
    """As `foreign`, for a folder of a run; an empty name means the folder itself."""
    if folder.name in ("best", "twin"):
        return model_files.foreign(folder)
    if folder.name not in _INSIDE:
        return ""
    names = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if not path.is_dir())
    kept = (name for name in names if not any(files.is_temporary(Path(part)) for part in name.parts))
    return next((name for name in map(Path.as_posix, kept) if not _INSIDE[folder.name].fullmatch(name)), None)
