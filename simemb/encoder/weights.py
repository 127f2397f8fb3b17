"""The weights of a checkpoint: whether they can be read, and whether they are those of its config.json.

Another library's error on such a directory is long and names neither the cause nor the way out; the lines here do.
"""

import logging
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from math import prod
from pathlib import Path
from typing import Any, cast

from simemb import json_files
from simemb.errors import ModelError
from simemb.transformer.bare_bert import PREFIXES

log = logging.getLogger("simemb")

FILE, INDEX = "model.safetensors", "model.safetensors.index.json"
PICKLE = "pytorch_model.bin"
ADAPTER = "adapter_config.json"
_FOREIGN = ("tf_model.h5", "flax_model.msgpack", "model.onnx", "adapter_model.safetensors")
_QUANTIZED = {"I8", "U8", "F4", "F8_E4M3", "F8_E5M2"}
"""Types of numbers that make weights only together with their scales."""
_FLOATS = {"F16", "BF16", "F32", "F64"}
_COMPUTED = ("position_ids", "token_type_ids", "inv_freq", "masked_bias", ".attn.bias", ".attention.bias")
"""Ends of the names of what releases of transformers stored although it follows from the configuration."""
_POINTER = b"version https://git-lfs.github.com/"

HEADER = 16 << 20
"""Bytes of the header of a safetensors file, which lists its tensors: enough for 100,000 of them."""
_SIZE = re.compile(r"(^|_)(n|d|num|size|dim|width|features|labels|layers?)(_|$)|size$|dim$")
"""Names of sizes in a config.json: of each there are as many weights, or rows of them."""

# Of these no tensor can have fewer rows, whichever of the names a family has.
_WIDTHS = (
    *("vocab_size", "type_vocab_size", "embedding_size", "hidden_size", "intermediate_size"),
    *("dim", "hidden_dim", "ffn_dim", "d_model", "d_ff"),
)

Shapes = Mapping[str, tuple[int, ...]]
"""The name of each tensor in a checkpoint -> its shape."""


def refuse_pointers(directory: Path) -> None:
    """Raise `ModelError` if a file here, or in a module's folder, is the pointer that Git LFS leaves in its place."""
    for path in (*directory.glob("*"), *directory.glob("*/*")):
        if path.is_file() and path.stat().st_size < 1024 and path.read_bytes().startswith(_POINTER):
            raise ModelError(f"{path} is a Git LFS pointer, not the file itself: `git lfs pull` in {directory} gets it")


def read_shapes(directory: Path) -> Shapes:
    """The shapes of all tensors of a folder's safetensors files, without reading the tensors.

    Raises `ModelError` if there are none, or if one is missing or damaged.
    """
    from safetensors import SafetensorError, safe_open

    shapes: dict[str, tuple[int, ...]] = {}
    for path in _files(directory):
        _refuse_giant_header(path)
        try:
            with safe_open(path, "pt") as file:
                slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
                shapes |= {name: tuple(tensor.get_shape()) for name, tensor in slices.items()}
                kinds = {name: str(tensor.get_dtype()) for name, tensor in slices.items()}
        except (OSError, SafetensorError) as error:
            raise ModelError(f"{path} is no complete safetensors file: copy or download it again ({error})") from error
        if quantized := sorted(_QUANTIZED.intersection(kinds.values())):
            raise ModelError(
                f"{path} holds quantized weights ({quantized[0]}), which are not read: take the full model"
            )
        whole = sorted(name for name in kinds if name.endswith((".weight", ".bias")) and kinds[name] not in _FLOATS)
        if whole:
            raise ModelError(f"{path}: {whole[0]} is in {kinds[whole[0]]}, which are no weights: save them as floats")
    return shapes


def _refuse_giant_header(path: Path) -> None:
    """Raise `ModelError` for a header that takes minutes to read; it begins with its length."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
    if HEADER < length < path.stat().st_size:
        raise ModelError(f"{path} has a header of {length:,} bytes, and at most {HEADER:,} are read: is it a model?")


def refuse_giant_numbers(directory: Path, config: Mapping[str, Any], shapes: Shapes) -> None:
    """Raise `ModelError` if config.json has a size of more than all weights together, before anything is made of it.

    Positions are not looked at, since a family may compute them (`refuse_giant`), nor what `refuse_other_sizes` knows.
    """
    stored = sum(prod(shape) for shape in shapes.values())
    for name, value in config.items():
        if isinstance(value, dict):
            refuse_giant_numbers(directory, cast(dict[str, Any], value), shapes)
        elif isinstance(value, int) and value > stored and _SIZE.search(name) and not _is_compared(name):
            raise ModelError(f"{directory}: config.json says {name} {value}, and its weights are {stored} numbers")


def _is_compared(name: str) -> bool:
    return name in (*_WIDTHS, "num_hidden_layers") or "position" in name


def _files(directory: Path) -> list[Path]:
    """The safetensors files of a folder, in one piece or in shards."""
    if (directory / ADAPTER).is_file():
        raise ModelError(as_adapter(directory))
    if (directory / FILE).is_file():
        return [directory / FILE]
    if (directory / INDEX).is_file():
        try:
            names = sorted(set(json_files.load_json(directory / INDEX)["weight_map"].values()))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"{directory / INDEX} is damaged: copy or download it again") from error
        for name in names:
            if Path(name).name != name or not (directory / name).is_file():
                raise ModelError(f"{directory} has no file {name}, which its {INDEX} names: copy or download it again")
        return [directory / name for name in names]
    if (directory / PICKLE).is_file():
        raise ModelError(as_pickle(directory))
    others = [name for name in _FOREIGN if (directory / name).is_file()]
    found = f" ({others[0]} is not read)" if others else ""
    way_out = "copy or download it, or load the model with transformers and save it there (save_pretrained)"
    raise ModelError(f"{directory} has no {FILE}{found}: {way_out}")


def as_pickle(directory: Path) -> str:
    """The line about weights in a pickle, with the command that converts them."""
    code = (
        f"import torch, safetensors.torch as s; w = torch.load('{PICKLE}', weights_only=True); "
        f"s.save_file({{k: v.clone() for k, v in w.items()}}, '{FILE}', {{'format': 'pt'}})"
    )
    return f'{directory} has {PICKLE} only, a pickle, which is not read; in that folder, convert it: python -c "{code}"'


def as_adapter(directory: Path) -> str:
    """The line about an adapter, which is no whole model."""
    return f"{directory} holds an adapter ({ADAPTER}): save the merged model instead (merge_and_unload)"


def refuse_other_sizes(directory: Path, config: Any, shapes: Shapes) -> None:
    """Raise `ModelError` if config.json asks for a model that these weights cannot fill, before it takes memory."""
    largest = max((size for shape in shapes.values() for size in shape), default=0)
    for name in _WIDTHS:
        size = getattr(config, name, None)
        if isinstance(size, int) and size > largest:
            raise ModelError(f"{directory}: config.json says {name} {size}, and no tensor has more rows than {largest}")
        if isinstance(size, int) and size < (name != "type_vocab_size"):
            raise ModelError(f"{directory}: config.json says {name} {size} (allowed: 1 or more)")
    layers, heads = (getattr(config, name, None) for name in ("num_hidden_layers", "num_attention_heads"))
    if isinstance(layers, int) and not 1 <= layers <= len(shapes):
        raise ModelError(f"{directory}: config.json says {layers} layers, and the weights are {len(shapes)} tensors")
    if isinstance(heads, int) and heads < 1:
        raise ModelError(f"{directory}: config.json says {heads} attention heads (allowed: 1 or more)")
    _refuse_values(directory, config)


def _refuse_values(directory: Path, config: Any) -> None:
    """Raise `ModelError` for a value with which the weights compute, but nothing that was ever trained."""
    for name in ("layer_norm_eps", "norm_eps", "layer_norm_epsilon"):
        epsilon = getattr(config, name, 0)
        if isinstance(epsilon, float) and not 0 <= epsilon < 1:
            raise ModelError(f"{directory}: config.json says {name} {epsilon} (allowed: 0 or more, below 1)")
    padding = getattr(config, "pad_token_id", None)
    if PREFIXES.get(config.model_type) == "roberta." and not (
        isinstance(padding, int) and 0 <= padding < config.vocab_size
    ):
        by = f"from which a {config.model_type} counts its positions (allowed: an id of its vocabulary, as a rule 1)"
        raise ModelError(f"{directory}: config.json says pad_token_id {padding}, {by}")


def refuse_not_finite(directory: Path, model: Any) -> None:
    """Raise `ModelError` if a weight is NaN or infinite, so that vectors would be."""
    for name, weight in model.named_parameters():
        if not weight.detach().sum(dtype=weight.dtype).isfinite():
            cause = "its training diverged, or the file is damaged"
            raise ModelError(f"{directory}: {name} has a value that is not finite: {cause}")


def refuse_giant(directory: Path, config: Any, make: Callable[[Any], Any], shapes: Shapes) -> None:
    """Raise `ModelError` if the model has far more weights than the checkpoint, before it takes memory.

    make: the model of a config. It is asked only where a table of positions alone would be larger than the checkpoint:
    a family may also compute its positions.
    """
    import torch

    stored = sum(prod(shape) for shape in shapes.values())
    positions, width = (getattr(config, name, None) for name in ("max_position_embeddings", "hidden_size"))
    if not (isinstance(positions, int) and isinstance(width, int)) or positions * width <= stored:
        return
    with torch.device("meta"):
        asked = sum(weight.numel() for weight in make(config).parameters())
    if asked > 2 * stored:
        by = f"config.json asks for {asked} weights (max_position_embeddings {positions}), and there are {stored}"
        raise ModelError(f"{directory}: {by}")


def refuse_misfits(directory: Path, backbone: Any, report: Mapping[str, Any], shapes: Shapes) -> None:
    """Raise `ModelError` if the weights are not those of the model that transformers made.

    report: what `from_pretrained` gave as its loading info.
    """
    if mismatched := sorted(report["mismatched_keys"], key=str):
        name, stored, made = mismatched[0]
        by = f"{_size(stored)} in the weights and {_size(made)} by config.json"
        raise ModelError(f"{directory}: {name} is {by}: the two are of different models")
    if missing := sorted(report["missing_keys"]):
        raise ModelError(f"{directory}: {_absence(missing, shapes)}")
    prefix = f"{backbone.base_model_prefix}."
    if extra := surplus(report["unexpected_keys"], backbone.state_dict(), prefix):
        raise ModelError(f"{directory}: {extra}")


def _size(shape: Iterable[int]) -> str:
    return " x ".join(map(str, shape))


def _absence(missing: list[str], shapes: Shapes) -> str:
    """What to do about tensors that the weights lack: they may be there under names with a prefix."""
    prefixes = {name.removesuffix(missing[0]) for name in shapes if name.endswith(f".{missing[0]}")}
    prefixes = sorted(prefix for prefix in prefixes if all(prefix + name in shapes for name in missing))
    if not prefixes:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        return f"its weights lack {missing[0]}{more}, which config.json asks for: save or download the whole model"
    if len(prefixes) > 1:
        return (
            f"its weights hold {len(prefixes)} encoders ({', '.join(prefixes)}): save the one that you mean by itself"
        )
    code = (
        f"import safetensors.torch as s; w = s.load_file('{FILE}'); "
        f"s.save_file({{k.removeprefix('{prefixes[0]}'): v for k, v in w.items()}}, '{FILE}', {{'format': 'pt'}})"
    )
    return f'its weights have names that begin with {prefixes[0]}; in that folder, remove it: python -c "{code}"'


def surplus(unused: Iterable[str], expected: Collection[str], prefix: str) -> str:
    """What the weights have more of than config.json says (layers, as a rule), or an empty string.

    unused: names of tensors that are not part of the model. A head's name is like none in `expected`; that of a further
    layer differs by a number only, and that of an adapter or of another kind of attention begins as that of a layer.
    """
    patterns = {_pattern(name) for name in expected}
    layers = {_layer(name) for name in expected} - {""}
    for name in sorted(unused):
        bare = name.removeprefix(prefix)
        if _pattern(bare) in patterns:
            return f"its weights have {name} and config.json says no such layer: correct num_hidden_layers there"
        if _layer(bare) in layers and not name.endswith(_COMPUTED):
            return f"its weights have {name}, which this kind of model has not: without it vectors would be others"
    return ""


def _layer(name: str) -> str:
    """The beginning of a tensor's name that says which layer it is in; empty for one that is in none."""
    found = re.match(r".*?\.\d+\.", name)
    return found[0] if found else ""


def _pattern(name: str) -> str:
    return re.sub(r"\d+", "*", name)


def twice(names: Collection[str], prefix: str) -> list[str]:
    """The tensors that are there twice, with and without the prefix of the model's family."""
    return sorted(name for name in names if prefix + name in names)


def _other_sets(names: Collection[str], expected: Collection[str], prefix: str) -> list[str]:
    """The prefixes, beside that of the family, under which most of a model's weights are there once more."""
    found = Counter(
        name[: dot + 1]
        for name in names
        if name not in expected
        for dot, letter in enumerate(name)
        if letter == "." and name[dot + 1 :] in expected
    )
    own = sum(name in names or prefix + name in names for name in expected)
    return sorted(other for other, count in found.items() if other != prefix and 2 * min(own, count) > len(expected))


def warn_of_second_encoder(directory: Path, backbone: Any, shapes: Shapes) -> None:
    """Say which encoder was taken from weights that hold two, as a query and a key encoder saved together."""
    from safetensors import safe_open

    prefix, state = f"{backbone.base_model_prefix}.", backbone.state_dict()
    if others := _other_sets(shapes, state, prefix):
        log.warning("%s: its weights hold another encoder (%s), which is left out", directory, ", ".join(others))
    for name in twice(shapes, prefix):
        if name not in state or not (directory / FILE).is_file():
            continue
        with safe_open(directory / FILE, "pt") as file:
            plain, prefixed = file.get_tensor(name).float(), file.get_tensor(prefix + name).float()
        if not plain.equal(prefixed):
            taken = "without" if plain.equal(state[name].float()) else "with"
            log.warning(
                "%s: its weights hold two encoders, with and without %s; taking the one %s", directory, prefix, taken
            )
            return
