"""Reads encoder directories: Hugging Face checkpoints and sentence-transformers models.

`simemb.encoder.location` finds the directory, and `simemb.encoder.layout` reads what it says about itself.
"""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from simemb.devices import CPU
from simemb.encoder import adapters
from simemb.encoder.backbone import load_backbone, transformers_model
from simemb.encoder.external import ExternalEncoder
from simemb.encoder.foreign import refuse_foreign
from simemb.encoder.layout import Layout, read_layout
from simemb.encoder.location import locate
from simemb.encoder.modules import Dense, Normalize
from simemb.encoder.names import as_typed
from simemb.encoder.parts import Parts
from simemb.encoder.pooling import HEAD, LAYERS, check_pooling
from simemb.encoder.precision import Precision
from simemb.encoder.precision import check as check_precision
from simemb.encoder.settings import read_settings
from simemb.encoder.static import StaticEncoder, is_static
from simemb.encoder.tokenizer import load_tokenizer
from simemb.encoder.weights import refuse_not_finite, refuse_pointers
from simemb.errors import ModelError, SimembError, unknown
from simemb.extras import FOREIGN_MODULES, need
from simemb.transformer import malloc
from simemb.transformer.bare_bert import BareBert

log = logging.getLogger("simemb")

Placed = TypeVar("Placed", bound=Any)
"""An encoder."""


def read(
    model: str | Path,
    *,
    pooling: str | None = None,
    max_length: int | None = None,
    truncate_dim: int | None = None,
    revision: str | None = None,
    trust_remote_code: bool = False,
    precision: Precision | None = None,
    default_pooling: str = "mean",
) -> Parts | ExternalEncoder:
    """The parts of an encoder, or a model that only sentence-transformers can run; see `Encoder.load`."""
    check_pooling(default_pooling)
    _check_arguments(pooling, precision, max_length=max_length, truncate_dim=truncate_dim)
    directory = locate(model, revision)
    adapter = directory if adapters.is_adapter(directory) else None
    directory = locate(adapters.base_of(adapter)) if adapter else directory
    with _as_model_error(model):
        refuse_pointers(directory)
        layout = read_layout(directory, trust_remote_code=trust_remote_code)
        if not layout.supported and is_static(directory):
            _check_external(model, StaticEncoder.runs, pooling, precision)
            _refuse_pipes(directory)
            return StaticEncoder.load(directory, name=str(model), truncate_dim=truncate_dim)
        if not layout.supported:
            need(f"{model}, which has modules of other kinds,", FOREIGN_MODULES)
            _check_external(model, ExternalEncoder.runs, pooling, precision)
            if not trust_remote_code:
                refuse_foreign(directory)
            _refuse_pipes(directory)
            return ExternalEncoder.load(
                directory, name=str(model), truncate_dim=truncate_dim, trust_remote_code=trust_remote_code
            )
        explicit = pooling or layout.pooling
        backbone, head = load_backbone(
            layout.transformer,
            head=explicit == HEAD,
            trust_remote_code=trust_remote_code,
        )
        if adapter:
            whole = transformers_model(backbone) if isinstance(backbone, BareBert) else backbone
            backbone = adapters.apply(whole, adapter)
        refuse_not_finite(layout.transformer, backbone)
        _check_width(directory, layout, int(backbone.config.hidden_size))
        parts = Parts(
            backbone,
            load_tokenizer(
                layout.transformer,
                words=int(backbone.config.vocab_size),
                lower_case=layout.lower_case,
                trust_remote_code=trust_remote_code,
            ),
            pooling="cls" if explicit == HEAD else explicit or default_pooling,
            tail=[*head, *_load_tail(layout, int(backbone.config.hidden_size))],
            max_length=max_length or layout.max_length,
            name=as_typed(model),
            source=layout.transformer,
            truncate_dim=truncate_dim or layout.truncate_dim,
            sizes=layout.sizes,
            prompts=layout.prompts,
            default_prompt=layout.default_prompt,
            include_prompt=layout.include_prompt,
            head=bool(head),
        )
    if explicit:
        log.info("%s: pooling %s, %s", model, explicit, "as requested" if pooling else "as the directory says")
    else:
        log.warning("%s says nothing about pooling: taking %s (--pooling or pooling= chooses)", model, default_pooling)
    return parts


def _refuse_pipes(directory: Path) -> None:
    """Raise `ModelError` for what is no file and no folder: another library would wait for its writer, for ever."""
    for path in directory.rglob("*"):
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise ModelError(f"{path}: no regular file")


def placed(encoder: Placed, device: str) -> Placed:
    """The same encoder, moved to a device (`simemb.devices.find`); a notice says so where it is not the CPU."""
    if device == CPU:
        malloc.adapt()
    else:
        log.info("%s computes on %s", encoder.name, device)
    return encoder.to(device)


def _check_arguments(pooling: str | None, precision: str | None, **lengths: int | None) -> None:
    if pooling is not None and pooling not in (*LAYERS, HEAD):
        raise ModelError(unknown("pooling", pooling, [*LAYERS, HEAD]))
    for name, value in lengths.items():
        if value is not None and value < 1:
            raise ModelError(f"{name} must be at least 1, not {value}")
    check_precision(precision)


def _check_width(directory: Path, layout: Layout, width: int) -> None:
    if layout.width not in (None, width):
        raise ModelError(f"{directory}: its pooling is for {layout.width} dimensions, and its model has {width}")


def _load_tail(layout: Layout, width: int) -> list[nn.Module]:
    """The modules that follow a pooling of this width. Raises `ModelError` if one does not fit the one before."""
    tail: list[nn.Module] = []
    for kind, path in layout.tail:
        if kind == "Normalize":
            tail.append(Normalize())
            continue
        dense = Dense.load(path, read_settings(path / "config.json"))
        if dense.linear.in_features != width:
            raise ModelError(f"{path} takes vectors of {dense.linear.in_features} dimensions, and gets {width}")
        refuse_not_finite(path, dense)
        width = dense.linear.out_features
        tail.append(dense)
    return tail


def _check_external(model: str | Path, runs: str, pooling: str | None, precision: str | None) -> None:
    if precision == "int8":
        raise ModelError(f"{model} {runs}: precision int8 is not possible")
    if pooling:
        raise ModelError(f"{model} {runs}, where no pooling can be chosen")


@contextmanager
def _as_model_error(model: str | Path) -> Generator[None, None, None]:
    """Turn an error of another library on a damaged directory into a `ModelError` of one line that names it."""
    try:
        yield
    except SimembError:
        raise
    except Exception as error:  # whatever a library raises on a directory that it cannot use
        raise ModelError(f"{model} cannot be loaded as a model: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """What a library's error says, in one line."""
    reason = " ".join(str(error).split())
    if "trust_remote_code" in reason:
        return "it needs code of its own, which is not run (Encoder.load(..., trust_remote_code=True) runs it)"
    if isinstance(error, KeyError):
        return f"{reason} is missing in a file of its configuration, or unknown to this release of transformers"
    return reason[:240] or type(error).__name__
