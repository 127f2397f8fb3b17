"""The key that clients must send: from a file or the environment, never from the words of a command, which all see."""

import logging
import os
from pathlib import Path

from simemb.errors import ServiceError
from simemb.files import refuse_special

VARIABLE = "SIMEMB_API_KEY"
SHORT = 16
"""Characters from which on a key is not called short."""

log = logging.getLogger("simemb")


def read_key(path: Path | None) -> str:
    """The key of a file, or of `$SIMEMB_API_KEY`; empty if there is neither. Raises `ServiceError` for a bad one."""
    given = os.environ.get(VARIABLE)
    if path is not None and given is not None:
        raise ServiceError(f"--api-key-file {path} and ${VARIABLE} are both given: which of the two?")
    if path is None:
        return "" if given is None else _checked(given, f"${VARIABLE}")
    try:
        refuse_special(path)
        content = path.read_text(encoding="ascii", errors="replace")
        if path.stat().st_mode & 0o077:
            log.warning("%s can be read by others: chmod 600 %s", path, path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ServiceError(f"--api-key-file {path} cannot be read: {reason}") from error
    return _checked(content.strip(), str(path))


def _checked(key: str, where: str) -> str:
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ServiceError(f"{where} holds no key: one line of printable ASCII without blanks")
    if len(key) < SHORT:
        log.warning("the key in %s is short: `openssl rand -hex 24` makes a better one", where)
    return key
