"""Low-rank adapters (LoRA) on a backbone, through peft: added, merged into the weights, saved and read.

Hu et al., 2022, https://arxiv.org/abs/2106.09685. `simemb.transformer.matrix.adapted` computes them.
"""

import json
import warnings
from collections.abc import Sequence
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from torch import nn

from simemb.errors import ModelError, unknown
from simemb.libraries import reading

CONFIG, WEIGHTS, BASE = "adapter_config.json", "adapter_model.safetensors", "base"
"""The files of an adapter, and the folder in which its base lies beside them."""


def check_installed(what: str) -> None:
    """Raise `ModelError` without peft. what: what needs it."""
    if find_spec("peft") is None:
        raise ModelError(f"{what} needs peft, which is not installed: pip install 'simemb[lora]'")


def has_adapters(backbone: nn.Module) -> bool:
    """Whether layers of a backbone are wrapped by peft."""
    return any(map(_wraps, backbone.modules()))


def _wraps(module: nn.Module) -> bool:
    return hasattr(module, "base_layer") and hasattr(module, "get_base_layer")


def add(backbone: Any, rank: int, *, alpha: float, dropout: float, modules: Sequence[str]) -> int:
    """Put adapters on linear layers, in place, and freeze all else; returns how many layers have one.

    modules: the last part of the names of these layers (query, value ...); all linear layers if empty. A starts at
    random and B at 0, so nothing changes at first. Raises `ModelError` for names of no linear layer.
    """
    from peft import LoraConfig, inject_adapter_in_model

    linears = [name for name, module in backbone.named_modules() if isinstance(module, nn.Linear)]
    known = dict.fromkeys(name.rpartition(".")[2] for name in linears)
    for name in modules:
        if name not in known:
            raise ModelError(unknown("linear layer of --lora.modules", name, known))
    chosen = [name for name in linears if not modules or name.rpartition(".")[2] in modules]
    config = LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules=chosen)  # type: ignore[arg-type]
    backbone.requires_grad_(False)
    inject_adapter_in_model(config, backbone)
    return len(chosen)


def merged(backbone: Any) -> Any:
    """A copy with its adapters in the weights, as a model without any; the backbone itself if it has none.

    Raises `ModelError` for what peft cannot merge (prompts that are learnt).
    """
    return backbone if not _is_peft(backbone) else fold(deepcopy(backbone))


def fold(backbone: Any, *, keep: bool = True) -> Any:
    """The model without adapters, in place: they go into the weights, or (without `keep`) away."""
    if getattr(getattr(backbone, "active_peft_config", None), "is_prompt_learning", False):
        raise ModelError("learnt prompts (peft) cannot be merged into the weights: they are saved by peft alone")
    if hasattr(backbone, "get_base_model"):
        backbone = backbone.get_base_model()
    for name, module in list(backbone.named_modules()):
        if _wraps(module):
            layer: Any = module
            if keep:
                layer.merge()
            parent, _, leaf = name.rpartition(".")
            setattr(backbone.get_submodule(parent), leaf, layer.get_base_layer())
    for mark in ("peft_config", "_hf_peft_config_loaded"):
        if mark in vars(backbone):
            delattr(backbone, mark)
    return backbone.requires_grad_(requires_grad=True)


def without(backbone: Any) -> Any:
    """A copy with the weights that the adapters are for."""
    return fold(deepcopy(backbone), keep=False)


def _is_peft(backbone: Any) -> bool:
    return hasattr(backbone, "get_base_model") or has_adapters(backbone)


def write(backbone: Any, folder: Path, base: str) -> None:
    """Write the adapter of a backbone as peft does. base: the name of the model that it is for."""
    from safetensors.torch import save_file

    (wrapped, *_) = (module for module in backbone.modules() if _wraps(module))
    name = wrapped.active_adapters[0]  # pyright: ignore
    config = deepcopy(backbone.peft_config[name])
    config.base_model_name_or_path, config.inference_mode = base, True
    config.save_pretrained(str(folder))
    tensors = {key: tensor for key, tensor in backbone.state_dict().items() if f".{name}." in key and ".lora_" in key}
    named = {f"base_model.model.{key.replace(f'.{name}.', '.')}": tensor for key, tensor in tensors.items()}
    save_file({key: tensor.detach().cpu().contiguous() for key, tensor in named.items()}, folder / WEIGHTS)


def is_adapter(directory: Path) -> bool:
    """Whether a directory holds an adapter and no model."""
    return (directory / CONFIG).is_file() and not (directory / "config.json").is_file()


def base_of(directory: Path) -> str | Path:
    """The model that an adapter is for: the one beside it, or the one that it names. Raises `ModelError` without."""
    if (directory / BASE / "config.json").is_file():
        return directory / BASE
    with reading(lambda reason: ModelError(f"{directory / CONFIG} cannot be read: {reason}")):
        content = json.loads((directory / CONFIG).read_text(encoding="utf-8"))
        name = content.get("base_model_name_or_path")
    if not isinstance(name, str) or not name:
        raise ModelError(f"{directory}: its {CONFIG} names no base_model_name_or_path, and no {BASE}/ lies beside it")
    return name


def apply(backbone: Any, directory: Path) -> Any:
    """The backbone with the adapter of a directory in its weights. Raises `ModelError` for what is none of its own."""
    check_installed(f"{directory}: an adapter")
    if not (directory / WEIGHTS).is_file():
        raise ModelError(f"{directory}: an adapter without its weights ({WEIGHTS}): copy the whole folder")
    from peft import PeftModel

    def refusal(reason: str) -> ModelError:
        return ModelError(f"{directory}: the adapter cannot be put on its base: {reason}")

    with reading(refusal), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of transformers, about a name that peft uses
        wrapped = PeftModel.from_pretrained(backbone, str(directory))
    return fold(wrapped)
