"""Models and texts as the verbs take them from the command line."""

from collections.abc import Iterator
from typing import Any, Literal


def load_encoder(model: str, pooling: str | None, precision: Literal["float32", "int8"] = "float32") -> Any:
    """The encoder of a directory or hub name; raises `ModelError` if there is none."""
    from simemb.encoder.encoder import Encoder

    return Encoder.load(model, pooling=pooling, precision=precision, encode_only=True)


def first_column(data: str, column: str | None) -> Iterator[str]:
    """The first text column of a file, or the one that was named."""
    from simemb.corpus.rows import open_rows

    rows = open_rows(data, columns=[column] if column else None)
    return (texts[0] for texts in rows.texts())
