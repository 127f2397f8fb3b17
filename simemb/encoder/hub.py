"""The Hugging Face hub: what its library raises, as one line of ours."""

from collections.abc import Generator
from contextlib import contextmanager

from simemb.errors import ModelError, in_one_line

LOGIN = "set HF_TOKEN, or log in with `hf auth login`"


@contextmanager
def speaking_of(name: str, before: str = "") -> Generator[None, None, None]:
    """In this block an error of the library becomes a `ModelError` about the repository `name`, which begins so."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:  # those of huggingface_hub, of its HTTP client and of the system
        raise ModelError(f"{before or name}: {reason(error)}") from error


def reason(error: Exception) -> str:
    """Why the hub did not do it, and what to do."""
    from huggingface_hub import errors

    if isinstance(error, RuntimeError) and isinstance(error.__cause__, Exception):  # of one of several uploads
        return reason(error.__cause__)
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, getattr(errors, "IncompleteSnapshotError", ())):
        return "the copy in the cache is not whole, a download of it was interrupted: load it once with the network"
    if isinstance(error, errors.OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE forbids to reach the hub"
    if isinstance(error, errors.LocalEntryNotFoundError):
        return _offline(error)
    if isinstance(error, errors.GatedRepoError):
        return f"it is gated: ask for access on its page, and {LOGIN}"
    if isinstance(error, errors.RevisionNotFoundError):
        return "it has no such revision"
    if isinstance(error, errors.RepositoryNotFoundError):
        return f"there is none of that name, or it is private and no token may read it: {LOGIN}"
    if isinstance(error, errors.HFValidationError):
        return f"that is no name on the hub ({in_one_line(error)})"
    if status == 401:
        return f"the hub does not know the token: {LOGIN}"
    if status == 403:
        return "the token has no right to write there: make one that may write, or take a name of your own"
    if status is not None:
        return f"the hub answered {status} ({_said(error)})"
    what = f"{type(error).__name__}: {_said(error)}"
    of_transfer = (OSError, getattr(errors, "XetDownloadError", OSError))
    if isinstance(error, of_transfer) or type(error).__module__.startswith("httpx"):
        return f"the hub cannot be reached, or the connection broke ({what}); try again"
    return f"what came from the hub is not understood ({what})"


def _offline(error: Exception) -> str:
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return "it is not in the cache, and HF_HUB_OFFLINE forbids to look on the hub"
    return f"it is not in the cache, and the hub cannot be reached ({_said(error)})"


def _said(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return in_one_line(lines[0])[:200] if lines else type(error).__name__
