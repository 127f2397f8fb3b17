"""The one exception family for what a user can mend.

The command line turns a `SimembError` into one line on standard error and exit code 2; anything else is
a defect of ours and keeps its traceback.
"""

from collections.abc import Iterable
from difflib import get_close_matches

from simemb.streams import visible


class SimembError(Exception):
    """What is wrong, where, what is allowed and what to do next, in one line.

    As a string it can be shown: names and keys of others that it quotes cannot act on a terminal.
    """

    def __str__(self) -> str:
        return visible(super().__str__())


class ArgumentError(SimembError, TypeError):
    """An argument of a type that cannot be used; what is wrong in its content or its range is one of the others."""


class DataError(SimembError):
    """A file, a row, a column or a value that cannot be used."""


class AbsentError(DataError):
    """Data that are not to be had on this machine; whoever can do without them catches this."""


class UnclearError(DataError):
    """Data of which it is not certain how they are to be read; says which options settle it."""


class ModelError(SimembError):
    """A model, a pooling or a saved directory that cannot be used."""


class DeviceError(SimembError):
    """A device that is not there, or a process on one that has failed."""


class RecipeError(SimembError):
    """A recipe, or a field of one, that does not exist or makes no sense."""


class TrainingError(SimembError):
    """A run that cannot start, cannot go on or cannot be resumed."""


class LibraryError(SimembError, ImportError):
    """A library that is not installed, of an extra of simemb."""


class SearchError(SimembError):
    """An index that is corrupt or belongs to another encoder."""


class ServiceError(SimembError):
    """A server that cannot start: an address, a key or a limit that cannot be used."""


class BusyError(SimembError):
    """An output that another process is writing."""


class PeerError(SimembError):
    """The end of another process of the same launch, which ends this one too."""


class Stopped(KeyboardInterrupt):
    """Ctrl-C by another way: a signal that asks the process to end, as `kill`, `timeout` and job queues send.

    number: of the signal.
    """

    def __init__(self, number: int, message: str = ""):
        super().__init__(message)
        self.number = number


LONGEST_LINE, LONGEST_NAME = 1500, 100
"""Characters of a message, and of a name in it: those of a file of others may be of any length."""


def in_one_line(error: object) -> str:
    """What an error says, in one line of bounded length.

    >>> in_one_line(DataError("a.txt: " + "x" * 9999))[:20], len(in_one_line(DataError("x" * 9999)))
    ('a.txt: xxxxxxxxxxxxx', 1503)
    """
    line = " ".join(str(error).split())
    half = LONGEST_LINE // 2
    return line if len(line) <= LONGEST_LINE else f"{line[:half]}...{line[-half:]}"


def unknown(kind: str, name: object, allowed: Iterable[str]) -> str:
    """One line for a name that does not exist: the nearest match, and all that is allowed.

    >>> unknown("pooling", "meen", ["cls", "mean"])
    "unknown pooling 'meen': did you mean 'mean'? (allowed: cls, mean)"
    """
    names, given = list(allowed), str(name)
    given = given if len(given) <= LONGEST_NAME else f"{given[:LONGEST_NAME]}..."
    near = get_close_matches(given, names, n=1, cutoff=0.5)
    hint = f": did you mean '{near[0]}'?" if near else ""
    return f"unknown {kind} {given!r}{hint} (allowed: {', '.join(names) or 'none'})"
