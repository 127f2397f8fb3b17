"""Standard streams as the command line meets them: closed, broken, full, or of an encoding that lacks characters."""

import codecs
import os
import sys
from errno import EDQUOT, EFBIG, EIO, ENOSPC

ESCAPE = "simemb-escape"
"""The name of `escape` for codecs."""

FULL = (EDQUOT, EFBIG, EIO, ENOSPC)
"""The numbers of errors of a place that takes no more."""


def escape(error: UnicodeError) -> tuple[str, int]:
    r"""Write a character that an encoding lacks as in JSON, `\u00e4`, so that JSON stays JSON and nothing is lost."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    units = characters.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2)), error.end


def make_ready() -> None:
    """Let writing to standard output and standard error never fail for what a person wrote or closed.

    What is written to a closed stream goes nowhere, and a closed standard input is empty.
    """
    # A closed descriptor would be given to the next file that is opened, and get what is meant for the stream.
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115
    codecs.register_error(ESCAPE, escape)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not so where a test or a notebook put its own
            stream.reconfigure(errors=ESCAPE)  # pyright: ignore[reportAttributeAccessIssue]


def give_up() -> None:
    """Send what a stream could not hand on nowhere, or Python would complain about it as it exits."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
