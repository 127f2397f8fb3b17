"""What a model's folder may name before sentence-transformers reads it: installed classes, and files of its own.

The folder of a stranger can name a class that lies in a `.py` beside it, a folder elsewhere, a pickle, or an argument
that makes a library read one. Releases of the libraries differ in what they follow, so it is looked at here, once.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from os.path import realpath
from pathlib import Path, PureWindowsPath
from typing import Any

from torch import nn

from simemb.encoder import weights
from simemb.encoder.settings import read_json, read_settings
from simemb.errors import ModelError

PACKAGE = "sentence_transformers."
TRUST = "(Encoder.load(..., trust_remote_code=True) runs it)"
_OF_MODEL, _OF_TOKENIZER, _OF_CONFIG = (
    ("model_args", "model_kwargs"),
    ("tokenizer_args", "processor_kwargs"),
    ("config_args", "config_kwargs"),
)
ARGUMENTS = (_OF_MODEL, _OF_TOKENIZER, _OF_CONFIG)
"""The settings of a transformer module that go to transformers as arguments, under their older and newer names."""
DTYPES = ("dtype", "torch_dtype")
WITHOUT_EFFECT = frozenset(
    {
        "add_pooling_layer",
        "attn_implementation",
        "trust_remote_code",
        "use_safetensors",
        "low_cpu_mem_usage",
        "use_cache",
    }
)
"""Arguments of transformers that change no vector, or that are not for a directory to decide."""
_TOKENIZING = frozenset(
    {"model_max_length", "use_fast", "padding_side", "truncation_side", "do_lower_case", "strip_accents", "legacy"}
)
_KERNELS = ("attn_implementation", "_attn_implementation", "experts_implementation", "_experts_implementation")
_UNUSED_FILES = ("tokenizer_file", "special_tokens_map_file", "chat_template_file")
"""Paths of their author's machine that older releases of transformers wrote, and that none reads."""


def leaves(directory: Path, folder: str) -> bool:
    """Whether the name of a folder leads out of a directory: by `..`, a root or drive of any system, or a link."""
    if names_elsewhere(folder):
        return True
    return not Path(realpath(directory / folder)).is_relative_to(realpath(directory))


def names_elsewhere(name: str) -> bool:
    """Whether a name in a directory is no way further down, whatever system reads it."""
    path = PureWindowsPath(name)
    return bool(path.anchor) or ".." in path.parts or "\0" in name


def refuse_foreign(directory: Path) -> None:
    """Raise `ModelError` if a module of a directory names what is neither installed nor the directory's own."""
    waiting = [(str(entry["type"]), str(entry.get("path", ""))) for entry in read_json(directory / "modules.json")]
    seen: set[tuple[str, str]] = set()
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        kind, place = module
        folder = directory / place
        _refuse_class(folder, kind, "sentence-transformers'", _is_module)
        _refuse_pickle(folder)
        for path in sorted(folder.glob("*.json")):
            content = read_json(path)
            if isinstance(content, dict):
                _refuse_settings(path, content)
                waiting += [(inner, str(Path(place, name))) for name, inner in _types(path, content)]


def _types(path: Path, content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The modules inside of a module (Router, Asym): the folder of each and its class."""
    types = content.get("types") or {}
    if not isinstance(types, dict):
        raise ModelError(f"{path}: types must be the class of each module by its folder")
    for name, kind in types.items():
        if leaves(path.parent, str(name)):
            raise ModelError(f"{path} names a module outside of its directory ({name}): it is not followed")
        yield str(name), str(kind)


def _refuse_settings(path: Path, content: Mapping[str, Any]) -> None:
    for name, of, allowed in _CLASSES:
        if not isinstance(content.get(name, ""), str | None):
            raise ModelError(f"{path}: {name} must be the name of a class, not {content[name]!r:.60}")
        if "." in str(content.get(name) or ""):  # others are names that transformers knows
            _refuse_class(path, str(content[name]), of, allowed)
    elsewhere = content.get("tokenizer_name_or_path")
    if elsewhere and names_elsewhere(str(elsewhere)):
        raise ModelError(f"{path} names a tokenizer outside of its directory ({elsewhere}): it is not followed")
    refuse_kernels(path, content)
    refuse_files(path, content)
    if not any(isinstance(content.get(name), dict) for names in ARGUMENTS for name in names):
        return
    own = read_settings(path.parent / "config.json")
    for names, allowed in (
        (_OF_MODEL, {*own, *DTYPES, *WITHOUT_EFFECT}),
        (_OF_CONFIG, {*own, *DTYPES, *WITHOUT_EFFECT}),
        (_OF_TOKENIZER, {*read_settings(path.parent / "tokenizer_config.json"), *_TOKENIZING, *WITHOUT_EFFECT}),
    ):
        for name in names:
            _refuse_arguments(path, name, content.get(name) or {}, allowed)


def _refuse_arguments(path: Path, name: str, arguments: Any, allowed: set[str]) -> None:
    """Refuse arguments that decide what is read and how; settings of the model or its tokenizer are its own affair."""
    if not isinstance(arguments, dict):
        raise ModelError(f"{path}: {name} must be arguments by name")
    refuse_kernels(path, arguments)
    foreign = sorted(each for each in arguments if each not in allowed or each.endswith(("_file", "_path")))
    if arguments.get("use_safetensors", True) is not True:
        foreign.append("use_safetensors")
    if foreign:
        raise ModelError(f"{path}: {name} has {foreign[0]}, which is not for a directory to decide: remove it there")


def refuse_kernels(path: Path, content: Mapping[str, Any]) -> None:
    """Raise `ModelError` for attention that would be downloaded from the hub and run; content: that of `path`."""
    for name, value in content.items():
        if name in _KERNELS and "/" in str(value or ""):
            raise ModelError(f"{path}: {name} names {value}, code of the hub, which is not run: remove it")
        if isinstance(value, dict):
            refuse_kernels(path, value)


def refuse_files(path: Path, content: Mapping[str, Any]) -> None:
    """Raise `ModelError` if the settings of a tokenizer name a file outside of its directory."""
    names = {name: value for name, value in content.items() if name.endswith("_file") and name not in _UNUSED_FILES}
    listed = content.get("fast_tokenizer_files")
    several = [("fast_tokenizer_files", name) for name in listed] if isinstance(listed, list) else []
    for name, value in (*names.items(), *several):
        if isinstance(value, str) and names_elsewhere(value):
            raise ModelError(f"{path}: {name} names a file outside of its directory ({value}): it is not followed")


def _refuse_class(path: Path, reference: str, of: str, allowed: Callable[[type], bool]) -> None:
    """Refuse what is not a class of an installed library, and of the kind that is allowed here."""
    package, _, name = reference.rpartition(".")
    found = getattr(nn, name, None) if reference.startswith("torch.") else _theirs(package, name)
    if not isinstance(found, type) or not allowed(found):
        raise ModelError(f"{path} names {reference}, code that is not {of} and is not run {TRUST}")


def _theirs(package: str, name: str) -> Any:
    """What the installed sentence-transformers has under this name, or None."""
    if not f"{package}.".startswith(PACKAGE):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the older names, which every directory of ours has
            return getattr(import_module(package), name, None)
    except ImportError:
        return None


def _is_module(found: type) -> bool:
    """Whether a class is a part of a model; a whole model would read a directory of its own."""
    return any(base.__name__ == "Module" and base.__module__.startswith(PACKAGE) for base in found.__mro__)


def _is_tokenizer(found: type) -> bool:
    return found.__module__.startswith(PACKAGE) and not issubclass(found, nn.Module)


def _is_activation(found: type) -> bool:
    return found.__module__.startswith("torch.nn.")


_CLASSES = (
    ("tokenizer_class", "sentence-transformers'", _is_tokenizer),
    ("activation_function", "torch's", _is_activation),
)
"""Settings of a module that name a class, whose it must be, and of what kind."""


def _refuse_pickle(folder: Path) -> None:
    whole = any((folder / name).is_file() for name in (weights.FILE, weights.INDEX))
    if not whole and (folder / weights.PICKLE).is_file():
        raise ModelError(weights.as_pickle(folder))
    if (folder / weights.ADAPTER).is_file():
        raise ModelError(weights.as_adapter(folder))
