"""The fingerprint of an encoder: two encoders with the same fingerprint give the same vectors."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from simemb.encoder import tokenizer
from simemb.encoder.parts import Parts


def fingerprint(
    parts: Parts,
    weights: Mapping[str, Tensor],
    quantized: Iterable[Tensor] = (),
    half_type: torch.dtype | None = None,
) -> str:
    """SHA-256, in hex, over the weights, the tokenizer and every setting that changes a vector.

    weights: the encoder's state dict. quantized: the tensors of its int8 layers, if it has any. half_type: the half
    precision in which it computes, if any.
    """
    digest = hashlib.sha256()
    settings = (parts.pooling, [str(module) for module in parts.tail], parts.max_length, parts.truncate_dim)
    digest.update(repr(settings).encode())
    if parts.prompts:
        prompts = (sorted(parts.prompts.items()), parts.default_prompt, parts.include_prompt)
        digest.update(repr(prompts).encode())
    if half_type is not None:
        digest.update(f"computed in {half_type}".encode())
    for tensor in quantized:
        digest.update(tensor.numpy().data)
    digest.update(_content(parts.backbone.config).encode())
    digest.update(tokenizer.content(parts.tokenizer).encode())
    for name, tensor in sorted(weights.items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _content(config: Any) -> str:
    """The configuration as JSON, without the entries that do not affect the vectors."""
    ignored = ("_name_or_path", "architectures", "dtype", "output_hidden_states", "use_cache")
    versions = ("transformers_version", "simemb_version")
    settings = {name: value for name, value in config.to_dict().items() if name not in (*ignored, *versions)}
    return json.dumps(settings, sort_keys=True, default=str)
