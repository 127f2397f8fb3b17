"""Reads encoder directories: Hugging Face checkpoints and sentence-transformers models.

Both spellings of sentence-transformers' configuration are read. `simemb.encoder.saving` writes the older one (module
types `sentence_transformers.models.*`, one boolean per pooling mode), because its older releases read that too.
"""

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
from simemb.encoder.names import BUNDLED, FORMER, as_typed, is_bundled
from simemb.encoder.parts import Parts
from simemb.encoder.pooling import HEAD, LAYERS
from simemb.encoder.streaming import Precision
from simemb.errors import ModelError, unknown

log = logging.getLogger("simemb")

_BUNDLED_FOLDER = Path(__file__).parents[1] / "bundled"
POOLING_FLAGS = {
    "cls": "pooling_mode_cls_token",
    "mean": "pooling_mode_mean_tokens",
    "max": "pooling_mode_max_tokens",
    "mean_sqrt_len_tokens": "pooling_mode_mean_sqrt_len_tokens",
    "weightedmean": "pooling_mode_weightedmean_tokens",
    "lasttoken": "pooling_mode_lasttoken",
}
"""sentence-transformers' pooling modes and the booleans of its older spelling; the first three are supported."""
_ACTIVATIONS = {"Tanh": nn.Tanh, "Identity": nn.Identity, "ReLU": nn.ReLU, "GELU": nn.GELU, "Sigmoid": nn.Sigmoid}
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError)


@dataclass(frozen=True)
class Layout:
    """The configuration of an encoder, as its directory states it.

    transformer: the directory of the Hugging Face checkpoint. pooling: None for a bare checkpoint, which states none.
    tail: kinds and folders of the Dense and Normalize modules. supported: False if only sentence-transformers can run
    one of the modules. max_length, truncate_dim, sizes: as in `Parts`.
    """

    transformer: Path
    pooling: str | None = None
    tail: tuple[tuple[str, Path], ...] = ()
    max_length: int | None = None
    truncate_dim: int | None = None
    supported: bool = True
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
) -> Parts | ExternalEncoder:
    """The parts of an encoder, or a model that only sentence-transformers can run; see `Encoder.load`."""
    _check_arguments(pooling, precision, max_length=max_length, truncate_dim=truncate_dim)
    directory = locate(model, revision)
    with _as_model_error(model):
        layout = read_layout(directory)
        if not layout.supported:
            if precision == "int8":
                raise ModelError(
                    f"{model} has modules that only sentence-transformers can run: precision int8 is not possible"
                )
            if pooling:
                raise ModelError(f"{model} runs through sentence-transformers, where no pooling can be chosen")
            return _external(directory, str(model), truncate_dim, trust_remote_code)
        explicit = pooling or layout.pooling
        backbone, head = load_backbone(
            layout.transformer,
            head=explicit == HEAD,
            trust_remote_code=trust_remote_code,
        )
        parts = Parts(
            backbone,
            load_tokenizer(layout.transformer, trust_remote_code=trust_remote_code),
            pooling="cls" if explicit == HEAD else explicit or default_pooling,
            tail=[*head, *(_load_module(kind, path) for kind, path in layout.tail)],
            max_length=max_length or layout.max_length,
            name=as_typed(model),
            source=layout.transformer,
            truncate_dim=truncate_dim or layout.truncate_dim,
            sizes=layout.sizes,
        )
    if explicit:
        log.info("%s: pooling %s, %s", model, explicit, "as requested" if pooling else "as the directory says")
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
    """The directory of a model: `mini`, `base`, a local directory (a run stands for its best/), or a hub name."""
    if is_bundled(model):
        if Path(model).is_dir():
            log.warning("%s: taking the model that ships with simemb; the directory here is ./%s", model, model)
        if model in FORMER:
            log.warning("the model %s is now called %s", model, FORMER[model])
        return _BUNDLED_FOLDER / FORMER.get(model, model)
    path = Path(model)
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
        advice = f"name one of them ({seeds[0].parent}); `simemb compare` takes them all as one entrant"
        raise ModelError(f"{path} holds the runs of several seeds: {advice}")
    raise ModelError(f"{path} holds no model: neither config.json nor modules.json is in it or in its best/")


def read_layout(directory: Path) -> Layout:
    """Read modules.json and the other settings of a directory, in either spelling of sentence-transformers."""
    if not (directory / "modules.json").exists():
        return Layout(directory)
    listed = _json(directory / "modules.json")
    modules = [(entry["type"].rsplit(".", 1)[-1], directory / entry["path"]) for entry in listed]
    settings = _json(directory / "config_sentence_transformers.json")
    kinds = [kind for kind, _ in modules]
    has_layer_pooling = kinds[1:2] == ["WeightedLayerPooling"]
    start = 2 if has_layer_pooling else 1
    if kinds[:1] != ["Transformer"] or kinds[start : start + 1] != ["Pooling"] or settings.get("default_prompt_name"):
        return Layout(directory, supported=False)
    transformer = modules[0][1]
    bert = _json(transformer / "sentence_bert_config.json")
    pooling = _read_pooling(_json(modules[start][1] / "config.json"))
    if has_layer_pooling:
        pooling = _read_layers(modules[1][1]) if pooling == "mean" else None
    tail = tuple(modules[start + 1 :])
    supported = pooling is not None and not bert.get("do_lower_case") and all(_supported(*module) for module in tail)
    sizes = tuple(settings.get("matryoshka_dims", ()))
    return Layout(
        transformer, pooling, tail, bert.get("max_seq_length"), settings.get("truncate_dim"), supported, sizes
    )


def _read_pooling(config: dict[str, Any]) -> str | None:
    mode = config.get("pooling_mode") or [name for name, flag in POOLING_FLAGS.items() if config.get(flag)]
    modes = [mode] if isinstance(mode, str) else list(mode)
    return modes[0] if len(modes) == 1 and modes[0] in LAYERS else None


def _read_layers(path: Path) -> str | None:
    """The pooling that averages the same layers as this WeightedLayerPooling; None if no pooling of `LAYERS` does."""
    from safetensors.torch import load_file

    start = _json(path / "config.json")["layer_start"]
    weights = load_file(path / "model.safetensors")["layer_weights"].tolist()
    used = {start + index for index, weight in enumerate(weights) if weight}
    if len({weight for weight in weights if weight}) != 1:
        return None
    layers = start + len(weights)
    matches = (name for name in ("first_last", "last2") if {layer % layers for layer in LAYERS[name]} == used)
    return next(matches, None)


def _supported(kind: str, path: Path) -> bool:
    """Whether simemb implements a module that follows the pooling, with its settings."""
    if kind == "Dense":
        config = _json(path / "config.json")
        default_names = all(config.get(key, "sentence_embedding") == "sentence_embedding" for key in _DENSE_NAMES)
        return default_names and not config.get("use_residual") and _activation_name(config) in _ACTIVATIONS
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

    patterns = ["*.json", "*.txt", "*.model", "*.safetensors"]
    try:
        return Path(
            snapshot_download(
                name, revision=revision, allow_patterns=patterns, ignore_patterns=["onnx/*", "openvino/*"]
            )
        )
    except (OSError, ValueError) as error:
        reason, similar = str(error).strip().splitlines()[0], _similar(Path(name))
        hint = f" (did you mean {similar}?)" if similar else ""
        raise ModelError(
            f"no model {name!r}: it is no directory here{hint}, and the Hugging Face hub did not provide it ({reason})"
        ) from error


def _no_directory(path: Path) -> str:
    similar = _similar(path)
    return f"no model directory {path}" + (f": did you mean {similar}?" if similar else "")


def _similar(path: Path) -> Path | None:
    """The existing directory, or the model that ships, whose name is most similar, if any is."""
    siblings = [folder.name for folder in path.parent.iterdir() if folder.is_dir()] if path.parent.is_dir() else []
    known = [*siblings, *(BUNDLED if path.parent == Path() else ())]
    names = get_close_matches(path.name, known, n=1)
    return path.parent / names[0] if names else None


def _json(path: Path) -> Any:
    """The content of a JSON file, or {} if it does not exist."""
    if not path.exists():
        return {}
    return files.read_json(path, lambda error: ModelError(f"{path} is not valid JSON: {error}"))


@contextmanager
def _as_model_error(model: str | Path) -> Generator[None, None, None]:
    """Turn an error of another library on a damaged directory into a `ModelError` of one line that names it."""
    from safetensors import SafetensorError

    try:
        yield
    except (*_UNREADABLE, SafetensorError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(f"{model} cannot be loaded as a model: {reason[0]}") from error
