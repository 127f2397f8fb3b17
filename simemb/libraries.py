"""The door of what other libraries read: whatever one raises on a file becomes one line that says which file.

The block around such a call holds that call alone, so that a mistake of ours keeps its traceback.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from simemb.errors import SimembError

LONGEST = 240
"""Characters of a library's message that are repeated."""


@contextmanager
def reading(refusal: Callable[[str], SimembError]) -> Generator[None, None, None]:
    """Raise `refusal(reason)` for what a library raises in this block.

    Libraries of Rust and C++ raise bare `Exception` and `RuntimeError`, and their panics are no `Exception` at all.
    """
    try:
        yield
    except SimembError:
        raise
    except Exception as error:
        raise refusal(reason(error)) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise refusal(reason(error)) from error


def reason(error: BaseException) -> str:
    """What an error says, in one line of bounded length; that of the system without its number."""
    if isinstance(error, MemoryError):
        return "it does not fit into memory"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, OSError) and error.strerror:
        return str(error.strerror)
    if isinstance(error, KeyError) and error.args:
        return f"it has no {error.args[0]!r:.60}"
    return " ".join(str(error).split())[:LONGEST] or type(error).__name__
