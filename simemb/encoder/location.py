"""Where a model is: its directory, by the name of one that ships, a path, or a name on the Hugging Face hub."""

import logging
from difflib import get_close_matches
from pathlib import Path
from shlex import quote

from simemb import files
from simemb.encoder import hub
from simemb.encoder.names import BUNDLED, FORMER, is_bundled
from simemb.encoder.weights import ADAPTER
from simemb.errors import LONGEST_NAME, ModelError

log = logging.getLogger("simemb")

_BUNDLED_FOLDER = Path(__file__).parents[1] / "bundled"


def locate(model: str | Path, revision: str | None = None) -> Path:
    """The directory of a model: `mini`, `base`, a local directory (a run stands for its best/), or a hub name."""
    if is_bundled(model):
        if Path(model).is_dir():
            log.warning("%s: taking the model that ships with simemb; the directory here is ./%s", model, model)
        if model in FORMER:
            log.warning("the model %s is now called %s", model, FORMER[model])
        return _BUNDLED_FOLDER / FORMER.get(model, model)
    path = Path(model)
    try:
        is_file = path.is_file()
    except OSError as error:  # a name that is too long, a folder that may not be entered
        raise ModelError(f"{str(path)[:LONGEST_NAME]}: cannot be looked up as a model: {error.strerror}") from error
    if is_file:
        raise ModelError(f"{path} is a file (allowed: a model directory, a run directory, a hub name)")
    for place in (path, path / "best"):
        _refuse_interrupted(place)
    if not path.is_dir():
        return _download(str(model), revision)
    for candidate in (path, path / "best"):
        if any((candidate / name).is_file() for name in ("modules.json", "config.json", ADAPTER)):
            return candidate
    seeds = sorted(path.glob("seed-*/best"))
    if seeds:
        advice = f"name one of them ({seeds[0].parent}); `simemb compare` takes them all as one entrant"
        raise ModelError(f"{path} holds the runs of several seeds: {advice}")
    if (path / "recipe.json").is_file():
        advice = f"`simemb train --resume {quote(str(path))}` goes on with it if nobody else does"
        raise ModelError(f"{path} is a run that has no encoder yet: {advice}")
    if inner := sorted(folder.parent for folder in path.glob("*/config.json")):
        raise ModelError(f"{path} holds no model itself: name one of the models in it ({inner[-1]})")
    raise ModelError(f"{path} holds no model: neither config.json nor modules.json is in it or in its best/")


def _refuse_interrupted(path: Path) -> None:
    """Say what a killed writer left, and how to have it back; reading changes nothing."""
    earlier = files.replaced(path)
    if earlier is not None:
        raise ModelError(
            f"{path} is missing: a command that was replacing it was killed, and the earlier one is kept beside it; "
            f"type mv {quote(str(earlier))} {quote(str(path))}, or run that command again"
        )


def _download(name: str, revision: str | None) -> Path:
    if name.count("/") > 1 or name.startswith((".", "/", "~")):
        raise ModelError(_no_directory(Path(name)))

    from huggingface_hub import snapshot_download

    patterns = ["*.json", "*.txt", "*.model", "*.safetensors"]
    others = ["onnx/*", "openvino/*"]
    similar = _similar(Path(name))
    hint = f" (did you mean {similar}?)" if similar else ""
    at = f" (revision {revision})" if revision else ""
    said = f"no model {name!r}{at}: it is no directory here{hint}, and the Hugging Face hub did not provide it"
    with hub.speaking_of(name, said):
        return Path(snapshot_download(name, revision=revision, allow_patterns=patterns, ignore_patterns=others))


def _no_directory(path: Path) -> str:
    similar = _similar(path)
    return f"no model directory {path}" + (f": did you mean {similar}?" if similar else "")


def _similar(path: Path) -> Path | None:
    """The existing directory, or the model that ships, whose name is most similar, if any is."""
    siblings = [folder.name for folder in path.parent.iterdir() if folder.is_dir()] if path.parent.is_dir() else []
    known = [*siblings, *(BUNDLED if path.parent == Path() else ())]
    names = get_close_matches(path.name, known, n=1)
    return path.parent / names[0] if names else None
