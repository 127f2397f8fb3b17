"""The layout of encoder directories: their modules and settings, in either spelling of sentence-transformers.

`simemb.encoder.saving` writes the older spelling (module types `sentence_transformers.models.*`, one boolean per
pooling mode), because its older releases read that too.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from simemb import files
from simemb.encoder.modules import Dense, Normalize
from simemb.encoder.pooling import LAYERS
from simemb.errors import ModelError

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


def load_module(kind: str, path: Path) -> nn.Module:
    """A module that follows the pooling."""
    if kind == "Normalize":
        return Normalize()
    from safetensors.torch import load_file

    config = _json(path / "config.json")
    activation = _ACTIVATIONS[_activation_name(config)]()
    dense = Dense(config["in_features"], config["out_features"], activation=activation, bias=config.get("bias", True))
    dense.load_state_dict({name: tensor.float() for name, tensor in load_file(path / "model.safetensors").items()})
    return dense


def _json(path: Path) -> Any:
    """The content of a JSON file, or {} if it does not exist."""
    if not path.exists():
        return {}
    return files.read_json(path, lambda error: ModelError(f"{path} is not valid JSON: {error}"))
