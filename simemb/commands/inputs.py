"""Models and texts as the verbs take them from the command line."""

import logging
from collections.abc import Iterator
from typing import Any, Literal

log = logging.getLogger("simemb")


def load_encoder(model: str, pooling: str | None, precision: Literal["float32", "int8"] = "float32") -> Any:
    """The encoder of a directory or hub name; raises `ModelError` if there is none."""
    from simemb.encoder.encoder import Encoder

    return Encoder.load(model, pooling=pooling, precision=precision)


def load_finished(model: str, pooling: str | None, precision: Literal["float32", "int8"] = "float32") -> Any:
    """As `load_encoder`, for verbs that use vectors rather than judge them: a language model gets a notice."""
    from simemb.encoder.language_head import is_language_model
    from simemb.encoder.names import MINI

    encoder = load_encoder(model, pooling, precision)
    if is_language_model(getattr(encoder, "source", None)):
        log.warning(
            "%s is a language model: it was not trained to compare texts, so similar vectors need not mean similar "
            "texts; `simemb train` trains it, and `%s` is a finished encoder that ships with simemb",
            model,
            MINI,
        )
    return encoder


def first_column(data: str, column: str | None) -> Iterator[str]:
    """The first text column of a file, or the one that was named."""
    from simemb.corpus.rows import open_rows

    rows = open_rows(data, columns=[column] if column else None)
    return (texts[0] for texts in rows.texts())
