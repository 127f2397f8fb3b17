"""The layout of encoder directories: their modules and settings, in every spelling of sentence-transformers.

`simemb.encoder.saving` writes the older spelling (module types `sentence_transformers.models.*`, one boolean per
pooling mode), because its older releases read that too.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simemb.encoder.foreign import ARGUMENTS, DTYPES, PACKAGE, TRUST, WITHOUT_EFFECT, leaves
from simemb.encoder.modules import activation_of
from simemb.encoder.pooling import LAYERS
from simemb.encoder.settings import read_json, read_settings
from simemb.encoder.weights import read_shapes
from simemb.errors import ModelError, unknown

log = logging.getLogger("simemb")

POOLING_FLAGS = {
    "cls": "pooling_mode_cls_token",
    "mean": "pooling_mode_mean_tokens",
    "max": "pooling_mode_max_tokens",
    "mean_sqrt_len_tokens": "pooling_mode_mean_sqrt_len_tokens",
    "weightedmean": "pooling_mode_weightedmean_tokens",
    "lasttoken": "pooling_mode_lasttoken",
}
"""sentence-transformers' pooling modes and the booleans of its older spelling; the first three are supported."""
SETTINGS = "config_sentence_transformers.json"
TRANSFORMERS = (
    "Transformer",
    "BERT",
    "RoBERTa",
    "DistilBERT",
    "ALBERT",
    "CamemBERT",
    "XLMRoBERTa",
    "XLNet",
    "T5",
)
"""The names of the module that holds a transformers model: today's, and those of 2019, one for each family."""
_TRANSFORMER_FILES = tuple(
    f"sentence_{family}_config.json"
    for family in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
_DENSE_NAMES = ("module_input_name", "module_output_name")
_PLAIN_TEXT = {"text": {"method": "forward", "method_output_name": "last_hidden_state"}}
_PLAIN: dict[str, Any] = {
    "transformer_task": "feature-extraction",
    "modality_config": _PLAIN_TEXT,
    "module_output_name": "token_embeddings",
    "query_length": None,
    "document_length": None,
    "query_expansion": None,
    "processing_kwargs": {},
    "tokenizer_name_or_path": None,
}
"""Settings of the transformer module with which it computes what simemb computes; with others only its owner can."""


@dataclass(frozen=True)
class Layout:
    """The configuration of an encoder, as its directory states it.

    transformer: the directory of the Hugging Face checkpoint. pooling: None for a bare checkpoint, which states none.
    tail: kinds and folders of the Dense and Normalize modules. supported: False if only sentence-transformers can run
    one of the modules. lower_case: texts are lowercased first. width: of the states that the pooling is for, if it
    says so. The others: as in `Parts`.
    """

    transformer: Path
    pooling: str | None = None
    tail: tuple[tuple[str, Path], ...] = ()
    max_length: int | None = None
    truncate_dim: int | None = None
    supported: bool = True
    sizes: tuple[int, ...] = ()
    lower_case: bool = False
    prompts: Mapping[str, str] = field(default_factory=dict)
    default_prompt: str | None = None
    include_prompt: bool = True
    width: int | None = None


def read_layout(directory: Path, *, trust_remote_code: bool = False) -> Layout:
    """Read modules.json and the other settings of a directory, in any spelling of sentence-transformers.

    Raises `ModelError` for other kinds of model, and for modules outside of the directory; also for modules of another
    package, whose code may lie in the directory, unless it is trusted.
    """
    settings = _check(directory / SETTINGS, read_settings(directory / SETTINGS))
    prompts, default = _prompts(directory / SETTINGS, settings)
    if not (directory / "modules.json").exists():
        return Layout(directory, prompts=prompts, default_prompt=default, truncate_dim=settings.get("truncate_dim"))
    modules = read_modules(directory / "modules.json", trust_remote_code=trust_remote_code)
    for kind, folder in modules:
        if kind != "Normalize" and not folder.is_dir():
            raise ModelError(f"{directory / 'modules.json'} names {folder}, which does not exist: copy the whole model")
    kinds = [kind for kind, _ in modules]
    has_layer_pooling = kinds[1:2] == ["WeightedLayerPooling"]
    start = 2 if has_layer_pooling else 1
    if not kinds or kinds[0] not in TRANSFORMERS or kinds[start : start + 1] != ["Pooling"]:
        own = settings.get("truncate_dim")
        return Layout(directory, supported=False, prompts=prompts, default_prompt=default, truncate_dim=own)
    transformer, of_pooling = modules[0][1], read_settings(modules[start][1] / "config.json")
    bert = _transformer_settings(transformer)
    pooling = _read_pooling(of_pooling)
    if has_layer_pooling:
        pooling = _read_layers(modules[1][1]) if pooling == "mean" else None
    tail = tuple(modules[start + 1 :])
    similarity = settings.get("similarity_fn_name")
    if similarity not in (None, "cosine") and (similarity != "dot" or kinds[-1] != "Normalize"):
        log.warning("%s asks for the similarity %s: simemb compares vectors by their cosine", directory, similarity)
    return Layout(
        transformer,
        pooling,
        tail,
        _max_length(transformer, bert),
        settings.get("truncate_dim"),
        supported=pooling is not None
        and not settings.get("requirements")
        and _is_plain(bert)
        and all(_supported(*module) for module in tail),
        sizes=tuple(settings.get("matryoshka_dims", ())),
        lower_case=bool(bert.get("do_lower_case")),
        prompts=prompts,
        default_prompt=default,
        include_prompt=bool(of_pooling.get("include_prompt", True)),
        width=of_pooling.get("word_embedding_dimension", of_pooling.get("embedding_dimension")),
    )


def _check(path: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """The settings of the whole model, if simemb can honor them."""
    kind, size = settings.get("model_type", "SentenceTransformer"), settings.get("truncate_dim")
    if kind != "SentenceTransformer":
        raise ModelError(f"{path.parent} is a {kind}, which gives no vector of a text (allowed: SentenceTransformer)")
    sizes = settings.get("matryoshka_dims", [])
    if not isinstance(sizes, list) or not all(type(each) is int and each > 0 for each in sizes):
        raise ModelError(f"{path}: matryoshka_dims must be a list of whole numbers of at least 1, not {sizes!r:.60}")
    if size is not None and (type(size) is not int or size < 1):
        raise ModelError(f"{path}: truncate_dim must be a whole number of at least 1, not {size!r}")
    return settings


def read_modules(path: Path, *, trust_remote_code: bool = False) -> list[tuple[str, Path]]:
    """The kind and the folder of each module. A module of another package has its full name as its kind.

    Raises `ModelError` for modules outside of the directory, and for those of another package unless it is trusted.
    """
    listed = read_json(path)
    if not isinstance(listed, list) or not all(isinstance(entry, dict) and "type" in entry for entry in listed):
        raise ModelError(f"{path} is not a list of modules with a type each: copy or download it again")
    modules: list[tuple[str, Path]] = []
    for entry in listed:
        kind, folder = str(entry["type"]), str(entry.get("path", ""))
        if leaves(path.parent, folder):
            raise ModelError(f"{path} names a module outside of its directory ({folder}): it is not followed")
        own = kind.startswith(PACKAGE)
        if not own and not trust_remote_code:
            raise ModelError(f"{path} names {kind}, code that is not sentence-transformers' and is not run {TRUST}")
        modules.append((kind.rsplit(".", 1)[-1] if own else kind, path.parent / folder))
    return modules


def _prompts(path: Path, settings: Mapping[str, Any]) -> tuple[dict[str, str], str | None]:
    """The texts to put before others, by name, and the name of the one that is put there by default."""
    prompts, default = settings.get("prompts") or {}, settings.get("default_prompt_name")
    if not isinstance(prompts, dict) or not all(isinstance(text, str | None) for text in prompts.values()):
        raise ModelError(f"{path}: prompts must be texts by name")
    if default is not None and (not isinstance(default, str) or default not in prompts):
        raise ModelError(f"{path}: default_prompt_name: {unknown('prompt', default, prompts)}")
    return {name: text or "" for name, text in prompts.items()}, default


def _transformer_settings(folder: Path) -> dict[str, Any]:
    """The settings of the transformer module, under the first of their file names that holds any."""
    return next((found for name in _TRANSFORMER_FILES if (found := read_settings(folder / name))), {})


def _arguments(settings: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return next((dict(settings[name]) for name in names if settings.get(name)), {})


def _max_length(folder: Path, settings: Mapping[str, Any]) -> int | None:
    """The most tokens of a text; None if nothing is said. The tokenizer's argument comes before the module's."""
    length = _arguments(settings, *ARGUMENTS[1]).get("model_max_length") or settings.get("max_seq_length")
    if length is not None and (not isinstance(length, int) or length < 1):
        raise ModelError(f"{folder}: max_seq_length must be a whole number of at least 1, not {length!r}")
    return length


def _is_plain(settings: Mapping[str, Any]) -> bool:
    """Whether the transformer module computes what simemb computes; a precision that it asks for is named."""
    of_model, of_tokenizer, of_config = (_arguments(settings, *names) for names in ARGUMENTS)
    asked = next((of_model.pop(name) for name in DTYPES if name in of_model), None)
    if asked not in (None, "auto", "float32", "torch.float32"):
        log.warning("the model asks for %s: vectors are computed in float32 all the same", asked)
    of_tokenizer.pop("model_max_length", None)
    others = {*of_model, *of_tokenizer, *of_config} - WITHOUT_EFFECT - set(DTYPES)
    return not others and all(settings.get(name, plain) in (plain, None) for name, plain in _PLAIN.items())


def _read_pooling(config: dict[str, Any]) -> str | None:
    """The pooling; None for one that simemb does not have. Without any flag it is the mean, as in their code."""
    mode = config.get("pooling_mode") or [name for name, flag in POOLING_FLAGS.items() if config.get(flag)]
    modes = [mode] if isinstance(mode, str) else list(mode) or (["mean"] if config else [])
    return modes[0] if len(modes) == 1 and modes[0] in LAYERS else None


def _read_layers(path: Path) -> str | None:
    """The pooling that averages the same layers as this WeightedLayerPooling; None if no pooling of `LAYERS` does."""
    from safetensors.torch import load_file

    read_shapes(path)
    start = read_settings(path / "config.json")["layer_start"]
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
        config = read_settings(path / "config.json")
        default_names = all(config.get(key, "sentence_embedding") == "sentence_embedding" for key in _DENSE_NAMES)
        return default_names and not config.get("use_residual") and activation_of(config) is not None
    return kind == "Normalize"
