"""Standard streams: the door through which all words for people go, and how streams are that are closed or full.

`show` and `say` here, and the console of `simemb.console`, are the only writers to standard output and standard error.
Texts, names and keys are other people's: a control character among them could clear the screen, forge a line or
change what is typed, and a bidirectional one shows a text in another order than it has. The door writes them visibly.
"""

import codecs
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from errno import EDQUOT, EFBIG, EIO, ENOSPC

ESCAPE = "simemb-escape"
"""The name of `escape` for codecs."""

FULL = (EDQUOT, EFBIG, EIO, ENOSPC)
"""The numbers of errors of a place that takes no more."""

_BIDIRECTIONAL = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x2070))
_BREAKS = (0x2028, 0x2029)
_CONTROLS = {code: rf"\x{code:02x}" for code in range(32) if chr(code) not in "\n\t"}
# From DEL on as in JSON, which escapes the others itself: so a line of JSON stays JSON with the same content.
_OTHERS = (*range(0x7F, 0xA0), *_BREAKS, *_BIDIRECTIONAL, *range(0xD800, 0xE000))
_VISIBLE = _CONTROLS | {code: rf"\u{code:04x}" for code in _OTHERS}


def visible(text: str) -> str:
    r"""The text with every character spelt out that acts on a terminal instead of being seen; \n and \t stay.

    These are controls (with them all escape sequences), marks and overrides of the direction of writing, the two line
    breaks of Unicode, and halves of surrogate pairs.

    >>> print(visible("a\x1b[2Jb \u202ec"))
    a\x1b[2Jb \u202ec
    """
    return text.translate(_VISIBLE)


_muted = False


@contextmanager
def muted() -> Generator[None, None, None]:
    """In this block nothing is shown, by `show` or by a console that is made here; `say` still says what went wrong."""
    global _muted
    before, _muted = _muted, True
    try:
        yield
    finally:
        _muted = before


def is_muted() -> bool:
    """Whether nothing is shown, since another process speaks (`simemb.ranks`)."""
    return _muted


def show(text: str) -> None:
    """Write to standard output what a verb was asked for; line ends are the caller's."""
    if not _muted:
        sys.stdout.write(visible(text))


def folded(text: str) -> str:
    """The text in lines no longer than COLUMNS, if that is set; each keeps its indentation."""
    width = os.environ.get("COLUMNS", "")
    if not (width.isdecimal() and int(width)):
        return text
    from textwrap import wrap

    def lines(line: str) -> list[str]:
        indent = " " * (len(line) - len(line.lstrip()))
        return wrap(line, max(int(width), 40), subsequent_indent=indent, break_on_hyphens=False)

    return "\n".join(part for line in text.split("\n") for part in (lines(line) if len(line) > int(width) else [line]))


def say(line: str) -> None:
    """Write one line about the work to standard error: an error or a notice. The work goes on if nobody can read it."""
    with suppress(OSError):
        sys.stderr.write(one_line(line) + "\n")


def one_line(text: str) -> str:
    """`visible`, with line ends and tabs spelt out too: no name makes a second line that looks like one of ours."""
    return visible(text).replace("\n", r"\n").replace("\t", r"\t")


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
