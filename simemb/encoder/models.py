"""What stands for a model in the Python API: a hub name, a directory, or an encoder in memory."""

from pathlib import Path

from simemb.encoder.streaming import TextEncoder

Model = str | Path | TextEncoder
"""A directory, a hub name (`mini` and `base` too), or an encoder in memory."""


def encoder_of(model: Model) -> TextEncoder:
    """The encoder itself, or that of a name. Raises `ModelError` if there is none."""
    from simemb.encoder.encoder import Encoder

    return Encoder.load(model) if isinstance(model, str | Path) else model
