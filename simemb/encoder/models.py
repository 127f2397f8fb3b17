"""What stands for a model in the Python API: a hub name, a directory, or an encoder in memory."""

from pathlib import Path

from simemb.devices import AUTO
from simemb.encoder.precision import Precision
from simemb.encoder.streaming import TextEncoder
from simemb.errors import DeviceError

Model = str | Path | TextEncoder
"""A directory, a hub name (`mini` and `base` too), or an encoder in memory."""


def encoder_of(model: Model, device: str | None = None, precision: Precision | None = None) -> TextEncoder:
    """The encoder itself, or that of a name, on a device (by default "auto") and in a precision as in `Encoder.load`.

    An encoder in memory stays where it is. Raises `ModelError` if there is no model of this name, `DeviceError` for a
    device that is not there, or that is asked for beside an encoder in memory.
    """
    from simemb.encoder.encoder import Encoder

    if isinstance(model, str | Path):
        return Encoder.load(model, device=AUTO if device is None else device, precision=precision)
    if device is not None:
        raise DeviceError("device= is for a model given by name; an encoder in memory stays on its own")
    return model
