"""The encoder of an index: one that is given, or the one that `index.json` names, is used only if it is the same."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from simemb.encoder.models import encoder_of
from simemb.encoder.prompts import in_words
from simemb.encoder.streaming import TextEncoder
from simemb.errors import SearchError, SimembError
from simemb.search.origin import Origin


def matching(encoder: TextEncoder, origin: Origin) -> TextEncoder:
    """The same encoder. Raises `SearchError` if it is another than that of the index."""
    given = Origin.of(encoder)
    if (given.dim, given.fingerprint) != (origin.dim, origin.fingerprint):
        said = _other_prompts(origin, given)
        raise SearchError(f"the index is of {origin}, not of {given}: {said}use that encoder or build it again")
    return encoder


def _other_prompts(origin: Origin, given: Origin) -> str:
    """What tells two encoders apart that have other prompts; empty if they have the same, or none is known."""
    if origin.prompts == given.prompts or origin.dim != given.dim:
        return ""
    first, second = (in_words(prompts) or "no prompts" for prompts in (origin.prompts, given.prompts))
    return f"it was built with {first}, and this one has {second}; "


def load(origin: Origin, beside: Path | None, device: str | None) -> tuple[TextEncoder, Origin]:
    """The encoder of an index from beside it, for it may have moved with it, or by its name; and its origin there.

    device: as in `Encoder.load`. Raises `SearchError` if there is none, or another.
    """
    if beside is not None and beside.is_dir() and str(beside.resolve()) != origin.name:
        with suppress(SimembError):  # another model lies there
            encoder = matching(encoder_of(str(beside), device), origin)
            return encoder, replace(origin, name=str(beside.resolve()))
    try:
        return matching(encoder_of(origin.name, device), origin), origin
    except SimembError as error:
        raise SearchError(f"the encoder of the index cannot be used: {error}") from error
