"""In which precision an encoder encodes: float32, half precision, or int8.

In half precision the matrix products and the attention are in bfloat16 or float16; the weights that are kept, the
residual stream, the norms and the pooling stay in float32. Training has a precision of its own (`simemb train
--precision`).
"""

import logging
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Literal

from simemb.errors import ModelError, unknown

if TYPE_CHECKING:
    import torch

    from simemb.encoder.streaming import TextEncoder

log = logging.getLogger("simemb")

Precision = Literal["auto", "float32", "bf16", "fp16", "int8"]
PRECISIONS = ("auto", "float32", "bf16", "fp16", "int8")

AGREES = 0.9999
"""The least cosine to float32, over the sentences that are tried, with which `auto` takes half precision."""


def check(precision: str | None) -> None:
    """Raise `ModelError` for a word that is no precision, with the nearest."""
    if precision is not None and precision not in PRECISIONS:
        raise ModelError(unknown("precision", precision, PRECISIONS))


def choose(encoder: Any, precision: Precision | None) -> Any:
    """Set the precision of a loaded encoder, in place; returns the encoder.

    precision: auto is the fastest that agrees with float32 here: bfloat16 on a processor with instructions for it,
    bfloat16 or float16 on a GPU, otherwise float32; what it takes is said. None is float32 on a CPU, and auto on a GPU.
    Raises `ModelError` for a precision that cannot be had here.
    """
    kind = encoder.device.type
    if precision is None:
        precision = "float32" if kind == "cpu" else "auto"
    if precision == "int8":
        return encoder.quantize()
    if precision == "auto":
        encoder.half_type = _fastest(encoder)
        log.info("%s computes in %s", encoder.name, name_of(encoder))
    elif precision != "float32":
        lacking = _missing(precision, kind)
        if lacking:
            raise ModelError(f"precision {precision} cannot be had here: {lacking} (auto takes what there is)")
        encoder.half_type = _type(precision)
    return encoder


def name_of(encoder: Any) -> str:
    """The precision of an encoder; empty for an encoder of another library."""
    from simemb.encoder.streaming import Encodes

    if not isinstance(encoder, Encodes):
        return ""
    known: Any = encoder
    if getattr(known, "quantized", None) is not None:
        return "int8"
    half = getattr(known, "half_type", None)
    return "float32" if half is None else {"bfloat16": "bf16", "float16": "fp16"}[_word(half)]


def computing(encoder: Any) -> AbstractContextManager[Any]:
    """The context in which an encoder computes its vectors."""
    if encoder.half_type is None:
        return nullcontext()
    import torch

    return torch.autocast(encoder.device.type, encoder.half_type)


def kin(encoder: "TextEncoder") -> str:
    """The fingerprint of what an encoder is in float32: vectors in half precision are near enough to be compared."""
    known: Any = encoder
    return known.fingerprint(exact=False) if getattr(encoder, "half_type", None) is not None else encoder.fingerprint()


def _type(precision: str) -> "torch.dtype":
    import torch

    return {"bf16": torch.bfloat16, "fp16": torch.float16}[precision]


def _word(half: "torch.dtype") -> str:
    return str(half).removeprefix("torch.")


def _missing(precision: str, kind: str) -> str | None:
    """Why a half precision cannot be had on a kind of device, or None."""
    import torch

    from simemb.transformer import cpu_bf16

    if kind == "cpu":
        return cpu_bf16.missing_instructions() if precision == "bf16" else "it is for GPUs"
    if kind == "cuda" and precision == "bf16" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return "this GPU has no bfloat16"
    return None


def _fastest(encoder: Any) -> "torch.dtype | None":
    """The half precision that can be had and agrees with float32; None for neither."""
    kind = encoder.device.type
    for precision in ("bf16",) if kind == "cpu" else ("bf16", "fp16"):
        if _missing(precision, kind) is None and _agrees(encoder, _type(precision)):
            return _type(precision)
    return None


def _agrees(encoder: Any, half: "torch.dtype") -> bool:
    """Whether vectors of sentences in a half precision are those in float32."""
    import numpy as np

    from simemb.encoder.unit_vectors import unit
    from simemb.transformer.int8_calibration import SENTENCES

    tokens, _ = encoder.tokenize(SENTENCES)
    exact = unit(encoder.embed(tokens))
    encoder.half_type = half
    near = unit(encoder.embed(tokens))
    encoder.half_type = None
    return bool(np.einsum("ij,ij->i", exact, near).min() >= AGREES)
