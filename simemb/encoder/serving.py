"""What text-embeddings-inference would serve wrongly, and what makes it refuse instead.

It reads the pooling in `1_Pooling/config.json`, whatever `modules.json` says, and takes the first token of a BERT
where there is no such file. It knows one pooling over the last layer (`SERVED`), with every token of the text, and then
layers with tanh or no activation. Source: huggingface/text-embeddings-inference, router/src/lib.rs
(`get_backend_model_type`, `PoolConfig`) and backends/candle/src/models/dense.rs (`DenseActivation`).

So what it would misread is saved with its pooling in another folder, which modules.json names, and with a `1_Pooling`
that no module refers to and that holds no pooling: sentence-transformers does not look at it, text-embeddings-inference
stops there.
"""

import json
import logging
from functools import cache
from pathlib import Path

from torch import nn

from simemb.encoder.layout import POOLING_FLAGS
from simemb.encoder.modules import Dense
from simemb.encoder.parts import Parts
from simemb.encoder.pooling import LAYERS

log = logging.getLogger("simemb")

SERVED = ("cls", "mean")
"""The poolings of simemb that it has."""
FOLDER = "1_Pooling"
"""Where it looks for the pooling."""


def unserved(parts: Parts) -> str:
    """Why text-embeddings-inference cannot serve an encoder; empty if it can."""
    if LAYERS[parts.pooling] != (-1,):
        return f"pooling {parts.pooling} averages layers"
    if parts.pooling not in SERVED:
        return f"pooling {parts.pooling}"
    if not parts.include_prompt:
        return "the tokens of a prompt are not pooled"
    for module in parts.tail:
        if isinstance(module, Dense) and not isinstance(module.activation, nn.Tanh | nn.Identity):
            return f"a layer with {type(module.activation).__name__}"
    return ""


def pooling_folder(parts: Parts, index: int) -> str:
    """The folder of the pooling, which is module number `index`."""
    return f"{max(index, 2) if _needs_refusal(parts) else index}_Pooling"


def write_refusal(parts: Parts, directory: Path) -> None:
    """Write the folder at which text-embeddings-inference stops, if it would serve these parts wrongly."""
    if _needs_refusal(parts):
        (directory / FOLDER).mkdir()
        content = {"word_embedding_dimension": int(parts.backbone.config.hidden_size), **dict.fromkeys(_FLAGS, False)}
        (directory / FOLDER / "config.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def notice(parts: Parts, path: Path) -> None:
    """Say once of a directory that text-embeddings-inference cannot serve it."""
    if reason := unserved(parts):
        _say(f"{path}: text-embeddings-inference cannot serve this encoder ({reason}) and will refuse it")


_FLAGS = tuple(POOLING_FLAGS.values())


def _needs_refusal(parts: Parts) -> bool:
    """Whether it would not refuse by itself: a pooling that it does not have is refused in its usual place."""
    return bool(unserved(parts)) and not (LAYERS[parts.pooling] == (-1,) and parts.pooling not in SERVED)


@cache
def _say(message: str) -> None:
    log.warning("%s", message)
