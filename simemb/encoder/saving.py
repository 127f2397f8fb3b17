"""Writing an encoder as a sentence-transformers directory, in its older spelling.

Older releases of sentence-transformers read it as well as the newest (release 5.1 cannot load the spelling of
release 6). The installed release gives the same vectors as simemb (tests/simemb/encoder/test_saving.py).
"""

import functools
import json
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from simemb import extras, files, json_files, outputs
from simemb.encoder import adapters, model_files, serving, tokenizer
from simemb.encoder.backbone import quiet_transformers
from simemb.encoder.language_head import VocabularyHead
from simemb.encoder.layout import POOLING_FLAGS
from simemb.encoder.model_card import card
from simemb.encoder.modules import Dense
from simemb.encoder.parts import Parts
from simemb.encoder.pooling import LAYERS
from simemb.encoder.thread_locks import LOCKS
from simemb.errors import ModelError

VERSIONED = ("sentence-transformers", "transformers", "simemb")
"""The packages whose versions stand in what is saved."""


NEW_NAME, OLD_NAME = "TokenizersBackend", "PreTrainedTokenizerFast"
"""The class of a tokenizer that is its tokenizer.json, in transformers 5, and in every release from 4 on.

Release 5.1 of sentence-transformers needs transformers 4.
"""


@contextmanager
def writing(path: Path, *, overwrite: bool, records: tuple[str, ...] = ()) -> Generator[None, None, None]:
    """Hold the lock of a model directory that will be saved, from before anything is computed.

    overwrite: replace a model that simemb saved there; nothing else is ever replaced. Raises `ModelError`, or
    `BusyError` if another process holds the lock.
    """
    with ExitStack() as block:
        try:
            block.enter_context(files.writing(path))
        except OSError as error:
            raise ModelError(f"{path}: the model cannot be written there: {error.strerror}") from error
        refuse(path, overwrite=overwrite, records=records)
        yield


def refuse(path: Path, *, overwrite: bool, records: tuple[str, ...] = ()) -> None:
    """Raise `ModelError` if a model cannot be saved at `path`, or (see `writing`) must not.

    records: the names of files that are saved with it.
    """
    if path.is_file():
        raise ModelError(f"{path}: a file is in the way of the model's directory")
    inside = sorted(file.name for file in path.iterdir() if not files.is_temporary(file)) if path.is_dir() else []
    if not inside:
        return
    if not {"modules.json", "config.json"}.intersection(inside):
        raise ModelError(f"{path} holds no model (no config.json): it is left alone, give another name")
    if not _is_ours(path):
        raise ModelError(f"{path} holds a model that simemb did not save: it is left alone, give another name")
    if other := model_files.foreign(path, records):
        raise ModelError(f"{path} holds {other!r}, which is no part of a model: move it, or give another name")
    if not overwrite:
        raise ModelError(outputs.exists(path, "a model"))


def _is_ours(path: Path) -> bool:
    """Whether simemb saved the model of a directory: its own release stands beside those of the libraries."""
    settings, config = (_object(path / name) for name in ("config_sentence_transformers.json", "config.json"))
    versions = settings.get("__version__")
    return (isinstance(versions, dict) and "simemb" in versions) or "simemb_version" in config


def _object(path: Path) -> dict[str, Any]:
    """A JSON object, or an empty one for anything else."""
    try:
        content = json_files.load_json(path)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def save(
    parts: Parts,
    directory: str | Path,
    training: str = "",
    language_head: VocabularyHead | None = None,
    records: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    *,
    overwrite: bool = False,
) -> Path:
    """Write the parts as a sentence-transformers directory, atomically; returns its path. See `Encoder.save`.

    overwrite: replace a model that simemb saved there; nothing else is ever replaced.

    training: the section of the model card on the training run (see `simemb.training.run_card`). language_head: saved
    together with the backbone, as transformers saves a language model. records: further JSON files, name -> content.
    metadata: what the card tells the hub (see `simemb.encoder.card_metadata`).
    Raises `ModelError` if the directory exists (without `overwrite`) or cannot be written.
    """
    path = Path(directory)
    with new_directory(path, overwrite=overwrite, records=tuple(records or ())) as folder:
        _write(parts, folder, language_head)
        (folder / "README.md").write_text(card(parts, training, metadata), encoding="utf-8")
        for name, content in (records or {}).items():
            _write_json(folder / name, content)
    serving.notice(parts, path)
    return path


@contextmanager
def new_directory(path: Path, *, overwrite: bool, records: tuple[str, ...] = ()) -> Generator[Path, None, None]:
    """`simemb.files.new_directory` for a model; whatever the libraries raise on a full disk becomes `ModelError`."""
    try:
        check = functools.partial(refuse, path, overwrite=overwrite, records=records)
        with writing(path, overwrite=overwrite, records=records), files.new_directory(path, check=check) as folder:
            yield folder
    except Exception as error:
        if not isinstance(error, OSError | SafetensorError) and type(error) is not Exception:  # that of tokenizers
            raise
        reason = getattr(error, "strerror", None) or error
        raise ModelError(f"{path}: the model cannot be written there: {reason}") from error


def _write(parts: Parts, directory: Path, language_head: VocabularyHead | None) -> None:
    backbone = adapters.merged(parts.backbone)
    every_layer = LAYERS[parts.pooling] != (-1,)
    with (
        quiet_transformers(),
        nullcontext(backbone) if language_head is None else language_head.around(backbone) as model,
    ):
        model.save_pretrained(directory)
        _write_tokenizer(parts.tokenizer, directory)
    if every_layer:
        config = json.loads((directory / "config.json").read_text())
        _write_json(directory / "config.json", {**config, "output_hidden_states": True})
    lower_case = tokenizer.lowercases(parts.tokenizer)
    _write_json(
        directory / "sentence_bert_config.json", {"max_seq_length": parts.max_length, "do_lower_case": lower_case}
    )
    modules = [("Transformer", "")]
    if every_layer:
        modules.append(_write_layers(parts, directory))
    modules.append(_write_pooling(parts, directory, len(modules)))
    for module in parts.tail:
        modules.append(_write_tail(module, directory, len(modules)))
    entries = [
        {"idx": index, "name": str(index), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for index, (kind, path) in enumerate(modules)
    ]
    _write_json(directory / "modules.json", entries)
    _write_json(directory / "config_sentence_transformers.json", _settings(parts))


def _write_tokenizer(tokenizer: Any, directory: Path) -> None:
    with LOCKS.tokenizers:
        if tokenizer.is_fast:
            # A call stores its truncation and padding in the tokenizer; saved, they would apply after loading too.
            tokenizer.backend_tokenizer.no_truncation()
            tokenizer.backend_tokenizer.no_padding()
        tokenizer.save_pretrained(directory)
    path = directory / "tokenizer_config.json"
    config = _object(path)
    if config.get("tokenizer_class") == NEW_NAME:
        _write_json(path, {**config, "tokenizer_class": OLD_NAME})


def _write_layers(parts: Parts, directory: Path) -> tuple[str, str]:
    """Write the layers that the pooling averages as sentence-transformers' WeightedLayerPooling."""
    from safetensors.torch import save_file

    path = directory / "1_WeightedLayerPooling"
    path.mkdir()
    layers = int(parts.backbone.config.num_hidden_layers)
    used = {layer % (layers + 1) for layer in LAYERS[parts.pooling]}
    weights = torch.tensor([float(layer in used) for layer in range(layers + 1)])
    save_file({"layer_weights": weights}, path / "model.safetensors")
    width = int(parts.backbone.config.hidden_size)
    _write_json(
        path / "config.json",
        {"word_embedding_dimension": width, "layer_start": 0, "num_hidden_layers": layers},
    )
    return "WeightedLayerPooling", path.name


def _write_pooling(parts: Parts, directory: Path, index: int) -> tuple[str, str]:
    path = directory / serving.pooling_folder(parts, index)
    path.mkdir()
    serving.write_refusal(parts, directory)
    mode = parts.pooling if parts.pooling in POOLING_FLAGS else "mean"
    flags = {flag: name == mode for name, flag in POOLING_FLAGS.items()}
    width = int(parts.backbone.config.hidden_size)
    _write_json(
        path / "config.json", {"word_embedding_dimension": width, **flags, "include_prompt": parts.include_prompt}
    )
    return "Pooling", path.name


def _write_tail(module: Any, directory: Path, index: int) -> tuple[str, str]:
    from safetensors.torch import save_file

    kind = type(module).__name__
    path = directory / f"{index}_{kind}"
    path.mkdir()
    if isinstance(module, Dense):
        linear, activation = module.linear, type(module.activation)
        _write_json(
            path / "config.json",
            {
                "in_features": linear.in_features,
                "out_features": linear.out_features,
                "bias": "linear.bias" in module.state_dict(),
                "activation_function": f"{activation.__module__}.{activation.__qualname__}",
            },
        )
        tensors = {name: tensor.contiguous().cpu() for name, tensor in module.state_dict().items()}
        save_file(tensors, path / "model.safetensors")
    return kind, path.name


def settings(prompts: Mapping[str, str] | None = None, default_prompt: str | None = None) -> dict[str, Any]:
    """The content of config_sentence_transformers.json, with the mark of what `overwrite` may replace."""
    versions = {name.replace("-", "_"): found for name, found in extras.versions(VERSIONED).items()}
    versions["pytorch"] = torch.__version__
    return {
        "__version__": versions,
        "prompts": dict(prompts or {}),
        "default_prompt_name": default_prompt,
        "similarity_fn_name": "cosine",
    }


def _settings(parts: Parts) -> dict[str, Any]:
    sizes = {"matryoshka_dims": list(parts.sizes)} if parts.sizes else {}
    truncation = {"truncate_dim": parts.truncate_dim} if parts.truncate_dim else {}
    return {**settings(parts.prompts, parts.default_prompt), **sizes, **truncation}


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
