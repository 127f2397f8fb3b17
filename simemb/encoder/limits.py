"""What a model allows: the most tokens of a text and the width of its vectors, and a refusal of what is above.

What somebody asked for is never cut without a word.
"""

from typing import Any

from simemb.errors import DataError, ModelError


def check_asked(encoder: Any, *, max_length: int | None, truncate_dim: int | None) -> None:
    """Raise `ModelError` for a `max_length` or `truncate_dim` of `Encoder.load` above what the model has."""
    # An external encoder has neither.
    longest: int | None = getattr(encoder, "longest", None)
    width: int = getattr(encoder, "parts", encoder).width
    if max_length is not None and longest is None:
        raise ModelError(f"{encoder.name} {encoder.runs}, where no max_length can be chosen")
    if max_length is not None and longest is not None and max_length > longest:
        raise ModelError(f"{encoder.name}: max_length must be in 1 to {longest} (the model's tokens), not {max_length}")
    if truncate_dim is not None and truncate_dim > width:
        raise ModelError(f"{encoder.name}: truncate_dim must be in 1 to {width}, not {truncate_dim}")


def check_dim(asked: int | None, dim: int, what: str = "truncate_dim") -> None:
    """Raise `DataError` for more dimensions than the vectors have; `what` is the option's name in the message."""
    if asked is not None and not 1 <= asked <= dim:
        raise DataError(f"{what} must be in 1 to {dim}, the dimensions of the vectors, not {asked}")
