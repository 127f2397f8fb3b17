"""Models and texts as the verbs take them from the command line."""

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simemb.commands.options import FileLayout, OneDevice, SeveralDevices
from simemb.encoder.precision import Precision

if TYPE_CHECKING:
    from simemb.corpus.documents import Documents
    from simemb.corpus.rows import Rows

log = logging.getLogger("simemb")


def load_encoder(model: str, pooling: str | None, place: OneDevice, precision: Precision | None = "float32") -> Any:
    """The encoder of a directory or hub name; raises `ModelError` if there is none.

    With several devices it is loaded on the first of them, for `spread`.
    """
    from simemb import devices
    from simemb.encoder.encoder import Encoder

    several = place.devices if isinstance(place, SeveralDevices) else None
    device = devices.leading(place.device, several)
    if several is not None:  # refused before the model is read
        devices.find_several(several, cpu_only="precision int8" if precision == "int8" else "")
    if devices.find(device) == devices.CPU:  # the verb owns its process, so it may set the allocator
        from simemb.transformer import malloc

        malloc.keep()
    return Encoder.load(model, pooling=pooling, precision=precision, device=device)


def load_finished(model: str, pooling: str | None, place: OneDevice, precision: Precision | None = "float32") -> Any:
    """As `load_encoder`, for verbs that use vectors rather than judge them: a language model gets a notice."""
    from simemb.encoder.language_head import is_language_model
    from simemb.encoder.names import MINI

    encoder = load_encoder(model, pooling, place, precision)
    if is_language_model(getattr(encoder, "source", None)):
        log.warning(
            "%s is a language model: it was not trained to compare texts, so similar vectors need not mean similar "
            "texts; `simemb train` trains it, and `%s` is a finished encoder that ships with simemb",
            model,
            MINI,
        )
    return encoder


def data_of(names: Sequence[str]) -> "str | list[Path] | None":
    """Data by their names, as `open_rows` and `fit` take them: a list of strings would be texts."""
    return [Path(name) for name in names] if len(names) > 1 else next(iter(names), None)


def prompts_of(words: Sequence[str]) -> dict[str, str]:
    """Prompts as `fit` takes them, from words such as `query=query: `. Raises `RecipeError` for another word.

    >>> prompts_of(["query=query: ", "document="])
    {'query': 'query: ', 'document': ''}
    """
    from simemb.errors import RecipeError

    for word in words:
        if "=" not in word:
            raise RecipeError(f'--prompts {word}: give NAME=TEXT, as in --prompts query="query: " document="passage: "')
    names = [word.partition("=")[0] for word in words]
    if doubled := next((name for name in names if names.count(name) > 1), None):
        raise RecipeError(f"--prompts {doubled}= is given twice")
    return {name: text for name, _, text in (word.partition("=") for word in words)}


WEIGHTED = re.compile(r"(.+):(\d+(?:\.\d*)?|\.\d+)")
"""A name with a weight: `nli:3`."""


def weighted(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Data by their names, and their weights, 1 where others have one; no weights where none has.

    A file that has the whole name is that file: `C:3`, or `notes:2` where it exists.
    """
    found = [None if Path(name).exists() else WEIGHTED.fullmatch(name) for name in names]
    if not any(found):
        return tuple(names), ()
    bare = tuple(match[1] if match else name for name, match in zip(names, found, strict=True))
    return bare, tuple(float(match[2]) if match else 1.0 for match in found)


def rows_of(data: Any, layout: FileLayout, columns: Sequence[str] = (), score: str | None = None) -> "Rows":
    """The rows of data as the options of a verb say that they are to be read (`simemb.corpus.rows.open_rows`)."""
    from simemb.corpus.rows import open_rows

    return open_rows(data, columns=columns or None, score=score, **vars(layout))


def documents(
    data: str,
    layout: FileLayout,
    column: str | None = None,
    *,
    ids: str | None = None,
    titles: str | None = None,
    kept: Sequence[str] = (),
    known: Sequence[str] = (),
) -> "Documents":
    """The documents of a file (`simemb.corpus.documents.open_documents`); a notice says what each column is for.

    known: columns that are kept where there are such, unless `kept` names others.
    """
    from simemb.corpus.columns import listed
    from simemb.corpus.documents import open_documents

    opened = open_documents(data, column=column, ids=ids, titles=titles, kept=kept, **vars(layout))
    opened.keep_known(() if kept else known)
    if opened.id:
        log.info("%s: ids: column %s", opened.name, opened.id)
    if opened.title:
        log.info("%s: texts: column %s, a blank, column %s", opened.name, opened.title, opened.text)
    if opened.unused:
        log.info("%s: not used: column %s", opened.name, listed(opened.unused))
    if opened.kept:
        log.info("%s: kept beside the texts: column %s", opened.name, listed(opened.kept))
    return opened
