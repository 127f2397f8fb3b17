"""Reading encoder directories: Hugging Face checkpoints and sentence-transformers models.

We write sentence-transformers' older spelling (module types `sentence_transformers.models.*`, one boolean
per pooling mode), which its older releases read too; we read both spellings.
"""

import json
import logging
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from torch import nn

from simemb import files
from simemb.encoder.backbone import load_backbone, quiet_transformers
from simemb.encoder.external import ExternalEncoder
from simemb.encoder.modules import Dense, Normalize
from simemb.encoder.parts import Parts
from simemb.encoder.pooling import HEAD, LAYERS
from simemb.encoder.streaming import Precision
from simemb.errors import ModelError, unknown

log = logging.getLogger("simemb")

BUNDLED = "bundled"
"""The name of the small encoder that ships with the package."""
_BUNDLED_PATH = Path(__file__).parents[1] / BUNDLED
POOLING_FLAGS = {
    "cls": "pooling_mode_cls_token",
    "mean": "pooling_mode_mean_tokens",
    "max": "pooling_mode_max_tokens",
    "mean_sqrt_len_tokens": "pooling_mode_mean_sqrt_len_tokens",
    "weightedmean": "pooling_mode_weightedmean_tokens",
    "lasttoken": "pooling_mode_lasttoken",
}
"""sentence-transformers' names and its older booleans; we know the first three."""
_ACTIVATIONS = {"Tanh": nn.Tanh, "Identity": nn.Identity, "ReLU": nn.ReLU, "GELU": nn.GELU, "Sigmoid": nn.Sigmoid}
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError)


@dataclass(frozen=True)
class Layout:
    """What a directory says of its encoder.

    transformer: where the Hugging Face checkpoint lies. pooling: None where nothing is said (a bare checkpoint).
    tail: folders of Dense and Normalize modules. known: False if only sentence-transformers can run a module.
    """

    transformer: Path
    pooling: str | None = None
    tail: tuple[tuple[str, Path], ...] = ()
    max_length: int | None = None
    truncate_dim: int | None = None
    known: bool = True
    sizes: tuple[int, ...] = ()


def read(
    model: str | Path,
    *,
    pooling: str | None = None,
    max_length: int | None = None,
    truncate_dim: int | None = None,
    revision: str | None = None,
    trust_remote_code: bool = False,
    precision: Precision = "float32",
    default_pooling: str = "mean",
    encode_only: bool = False,
) -> Parts | ExternalEncoder:
    """The parts of an encoder, or a model that only sentence-transformers can run; see `Encoder.load`."""
    _check_arguments(pooling, precision, max_length=max_length, truncate_dim=truncate_dim)
    directory = locate(model, revision)
    with _one_line(model):
        layout = read_layout(directory)
        if not layout.known:
            if precision == "int8":
                raise ModelError(
                    f"{model} has modules that only sentence-transformers knows, which precision int8 is not for"
                )
            if pooling:
                raise ModelError(f"{model} runs through sentence-transformers, where no pooling can be chosen")
            return _external(directory, str(model), truncate_dim, trust_remote_code)
        explicit = pooling or layout.pooling
        backbone, head = load_backbone(
            layout.transformer,
            head=explicit == HEAD,
            trust_remote_code=trust_remote_code,
            encode_only=encode_only and precision == "float32",
        )
        parts = Parts(
            backbone,
            load_tokenizer(layout.transformer, trust_remote_code=trust_remote_code),
            pooling="cls" if explicit == HEAD else explicit or default_pooling,
            tail=[*head, *(_load_module(kind, path) for kind, path in layout.tail)],
            max_length=max_length or layout.max_length,
            name=str(model),
            source=layout.transformer,
            truncate_dim=truncate_dim or layout.truncate_dim,
            sizes=layout.sizes,
        )
    if explicit:
        log.info("%s: pooling %s, %s", model, explicit, "as asked" if pooling else "as the directory says")
    else:
        log.warning("%s says nothing about pooling: taking %s (--pooling or pooling= chooses)", model, default_pooling)
    return parts


def _check_arguments(pooling: str | None, precision: str, **lengths: int | None) -> None:
    if pooling is not None and pooling not in (*LAYERS, HEAD):
        raise ModelError(unknown("pooling", pooling, [*LAYERS, HEAD]))
    for name, value in lengths.items():
        if value is not None and value < 1:
            raise ModelError(f"{name} must be at least 1, not {value}")
    if precision not in ("float32", "int8"):
        raise ModelError(unknown("precision", precision, ["float32", "int8"]))


def locate(model: str | Path, revision: str | None = None) -> Path:
    """The directory of a model: `bundled`, a local directory (a run directory means its best/), a hub name."""
    path = _BUNDLED_PATH if str(model) == BUNDLED else Path(model)
    if path.is_file():
        raise ModelError(f"{path} is a file (allowed: a model directory, a run directory, a hub name)")
    if not path.is_dir():
        return _download(str(model), revision)
    files.recover(path / "best")
    for candidate in (path, path / "best"):
        if any((candidate / name).is_file() for name in ("modules.json", "config.json")):
            return candidate
    seeds = sorted(path.glob("seed-*/best"))
    if seeds:
        advice = f"name one of them ({seeds[0].parent}), or all of them stand together in `simemb compare`"
        raise ModelError(f"{path} holds the runs of several seeds: {advice}")
    raise ModelError(f"{path} holds no model: neither config.json nor modules.json is in it or in its best/")


def read_layout(directory: Path) -> Layout:
    """Read modules.json and the settings beside it, in either spelling of sentence-transformers."""
    if not (directory / "modules.json").exists():
        return Layout(directory)
    listed = _json(directory / "modules.json")
    modules = [(entry["type"].rsplit(".", 1)[-1], directory / entry["path"]) for entry in listed]
    settings = _json(directory / "config_sentence_transformers.json")
    kinds = [kind for kind, _ in modules]
    layered = kinds[1:2] == ["WeightedLayerPooling"]
    start = 2 if layered else 1
    if kinds[:1] != ["Transformer"] or kinds[start : start + 1] != ["Pooling"] or settings.get("default_prompt_name"):
        return Layout(directory, known=False)
    transformer = modules[0][1]
    bert = _json(transformer / "sentence_bert_config.json")
    pooling = _read_pooling(_json(modules[start][1] / "config.json"))
    if layered:
        pooling = _read_layers(modules[1][1]) if pooling == "mean" else None
    tail = tuple(modules[start + 1 :])
    known = pooling is not None and not bert.get("do_lower_case") and all(_known(kind, path) for kind, path in tail)
    sizes = tuple(settings.get("matryoshka_dims", ()))
    return Layout(transformer, pooling, tail, bert.get("max_seq_length"), settings.get("truncate_dim"), known, sizes)


def _read_pooling(config: dict[str, Any]) -> str | None:
    mode = config.get("pooling_mode") or [name for name, flag in POOLING_FLAGS.items() if config.get(flag)]
    modes = [mode] if isinstance(mode, str) else list(mode)
    return modes[0] if len(modes) == 1 and modes[0] in LAYERS else None


def _read_layers(path: Path) -> str | None:
    """The pooling whose layers this WeightedLayerPooling averages with equal weights, if one of ours."""
    from safetensors.torch import load_file

    start = _json(path / "config.json")["layer_start"]
    weights = load_file(path / "model.safetensors")["layer_weights"].tolist()
    used = {start + index for index, weight in enumerate(weights) if weight}
    if len({weight for weight in weights if weight}) != 1:
        return None
    layers = start + len(weights)
    same = (name for name in ("first_last", "last2") if {layer % layers for layer in LAYERS[name]} == used)
    return next(same, None)


def _known(kind: str, path: Path) -> bool:
    if kind == "Dense":
        config = _json(path / "config.json")
        plain = all(config.get(key, "sentence_embedding") == "sentence_embedding" for key in _DENSE_NAMES)
        return plain and not config.get("use_residual") and _activation_name(config) in _ACTIVATIONS
    return kind == "Normalize"


_DENSE_NAMES = ("module_input_name", "module_output_name")


def _activation_name(config: dict[str, Any]) -> str:
    return str(config.get("activation_function", "Tanh")).rsplit(".", 1)[-1]


def _load_module(kind: str, path: Path) -> nn.Module:
    if kind == "Normalize":
        return Normalize()
    from safetensors.torch import load_file

    config = _json(path / "config.json")
    activation = _ACTIVATIONS[_activation_name(config)]()
    dense = Dense(config["in_features"], config["out_features"], activation=activation, bias=config.get("bias", True))
    dense.load_state_dict({name: tensor.float() for name, tensor in load_file(path / "model.safetensors").items()})
    return dense


def load_tokenizer(directory: Path, *, trust_remote_code: bool = False) -> Any:
    """The tokenizer of a checkpoint."""
    from transformers import AutoTokenizer

    with quiet_transformers():
        return AutoTokenizer.from_pretrained(directory, trust_remote_code=trust_remote_code)


def _external(directory: Path, name: str, truncate_dim: int | None, trust_remote_code: bool) -> ExternalEncoder:
    from sentence_transformers import SentenceTransformer

    with quiet_transformers():
        model = SentenceTransformer(str(directory), trust_remote_code=trust_remote_code)
    return ExternalEncoder(model, directory=directory, name=name, truncate_dim=truncate_dim)


def _download(name: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download

    if name.count("/") > 1 or name.startswith((".", "/", "~")):
        raise ModelError(_no_directory(Path(name)))

    wanted = ["*.json", "*.txt", "*.model", "*.safetensors"]
    try:
        return Path(
            snapshot_download(name, revision=revision, allow_patterns=wanted, ignore_patterns=["onnx/*", "openvino/*"])
        )
    except (OSError, ValueError) as error:
        reason, near = str(error).strip().splitlines()[0], _near(Path(name))
        hint = f" (did you mean {near}?)" if near else ""
        raise ModelError(
            f"no model {name!r}: it is no directory here{hint}, and the Hugging Face hub did not give it ({reason})"
        ) from error


def _no_directory(path: Path) -> str:
    near = _near(path)
    return f"no model directory {path}" + (f": did you mean {near}?" if near else "")


def _near(path: Path) -> Path | None:
    """The directory that was perhaps meant."""
    siblings = [folder.name for folder in path.parent.iterdir() if folder.is_dir()] if path.parent.is_dir() else []
    near = get_close_matches(path.name, siblings, n=1)
    return path.parent / near[0] if near else None


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except ValueError as error:
        raise ModelError(f"{path} is not valid JSON: {error}") from error


@contextmanager
def _one_line(model: str | Path) -> Generator[None, None, None]:
    """Turn what other libraries raise on a damaged directory into one line that names it."""
    from safetensors import SafetensorError

    try:
        yield
    except (*_UNREADABLE, SafetensorError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(f"{model} cannot be loaded as a model: {reason[0]}") from error
