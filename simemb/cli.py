"""The command line: `simemb VERB ...`.

A verb is a module of `simemb.commands`: its docstring gives its usage, its function `run` does the work. Only that
module is imported, so that `simemb --help` answers at once. A `SimembError` becomes one line on standard error and
exit code 2.
"""

import logging
import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from importlib import import_module
from itertools import islice

from simemb import streams

COMMANDS = "simemb.commands"

ORDER = (
    "demo",
    "train",
    "encode",
    "eval",
    "compare",
    "report",
    "plot",
    "index",
    "search",
    "update",
    "dedupe",
    "cluster",
    "pairs",
    "serve",
    "mine",
    "whiten",
    "distil",
    "push",
    "new",
    "list",
)
"""The order of the verbs in the help; others follow."""

HELP = """simemb: train, score and search with sentence encoders

{verbs}

MODEL is a run directory, any Hugging Face or sentence-transformers directory,
a hub name, or one of the two that ship with simemb: mini, an English encoder,
and base, the language model that it was made from. INPUT is a .txt, .csv,
.tsv, .jsonl or .parquet file (.gz too), the name of a corpus, or - for
standard input.

Start here, with no data and no network:
  simemb demo
  simemb train simcse_sup --output runs/first

Your own sentences, one a line; then NLI triplets, with the temperature changed:
  simemb train simcse --model bert-base-uncased --data sentences.txt \\
    --output runs/mine
  simemb train simcse_sup --model bert-base-uncased --data triplets.csv \\
    --objective.temperature 0.1 --output runs/sup

`simemb VERB --help` tells all about a verb, `simemb train RECIPE --help` every
field of a recipe.
"""


def verbs() -> dict[str, str]:
    """The usage of every verb: the third line of its module's docstring, read without importing the module."""
    known: dict[str, str] = {}
    # Without pathlib, whose import takes longer than all of this.
    for entry in sorted(os.scandir(__file__.removesuffix("cli.py") + "commands"), key=lambda entry: entry.name):
        name, _, ending = entry.name.partition(".")
        if ending == "py":
            with open(entry.path, encoding="utf-8") as file:  # noqa: PTH123
                usage = "".join(islice(file, 2, 3)).strip()
            if usage.startswith(f"simemb {name} "):
                known[name] = usage
    return dict(sorted(known.items(), key=lambda item: ORDER.index(item[0]) if item[0] in ORDER else len(ORDER)))


def help_text() -> str:
    """What `simemb --help` shows."""
    return HELP.format(verbs="\n".join(f"  {usage}" for usage in verbs().values()))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code: 0, 2 for a mistake of the user, 130 after Ctrl-C, 143 after SIGTERM."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    streams.make_ready()
    try:
        code = _answer(words)
        sys.stdout.flush()
    except KeyboardInterrupt as interrupt:
        _say_last(str(interrupt) or "stopped")
        return 128 + getattr(interrupt, "number", 2)  # as a shell counts what a signal ended
    except BrokenPipeError:  # the reader of the pipe (head, less) has gone
        return 0
    except OSError as error:
        if error.errno not in streams.FULL:
            raise
        return _complain(f"the output cannot be written: {error.strerror}")
    finally:
        streams.give_up()
    return code


def _answer(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help"):
        streams.show(streams.folded(help_text()))
        return 0
    if words[0] == "--version":
        from simemb import __version__

        streams.show(f"simemb {__version__}\n")
        return 0
    known = verbs()
    if words[0] not in known:
        near = get_close_matches(words[0], known, n=1, cutoff=0.4)
        hint = f": did you mean '{near[0]}'?" if near else ""
        return _complain(f"unknown verb '{words[0]}'{hint} (allowed: {', '.join(known)})")
    return _run(words[0], words[1:])


def _run(verb: str, words: list[str]) -> int:
    from simemb.errors import SimembError, in_one_line

    _log_to_stderr()
    try:
        with _stopped_by_signals():
            import_module(f"{COMMANDS}.{verb}").run(words)
    except SimembError as error:
        return _complain(in_one_line(error))
    except OSError as error:  # what the system refuses: a name that is too long, a device that fails
        if not (error.strerror and error.filename):
            raise
        return _complain(in_one_line(f"{error.filename}: {error.strerror}"))
    except SystemExit as done:  # tyro exits after --help
        return int(done.code or 0)
    return 0


@contextmanager
def _stopped_by_signals() -> Generator[None, None, None]:
    """End a verb as Ctrl-C does when `kill`, `timeout`, a job queue or a closed terminal asks for it.

    A signal that is ignored (as under `nohup`) or handled already stays so.
    """
    import signal
    import threading

    from simemb.errors import Stopped

    received: list[int] = []

    def stop(number: int, frame: object) -> None:  # noqa: ARG001
        received.append(number)
        raise Stopped(number)

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]  # Windows has one
    able = threading.current_thread() is threading.main_thread()
    taken = [number for number in numbers if able and signal.getsignal(number) == signal.SIG_DFL]
    for number in taken:
        signal.signal(number, stop)
    try:
        yield
    except Exception:
        if received:  # a library took the signal for a failure of its own
            raise Stopped(received[0]) from None
        raise
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _complain(line: str) -> int:
    _say_last(f"simemb: {line}")
    return 2


def _say_last(line: str) -> None:
    """Say why this process ends, unless another one of its launch has said it for all."""
    if "simemb.ranks" not in sys.modules or sys.modules["simemb.ranks"].has_last_word():
        streams.say(line)


class _StderrHandler(logging.Handler):
    """Log records as plain lines on standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; the work goes on if nobody can read it."""
        streams.say(record.getMessage())


def _log_to_stderr() -> None:
    log = logging.getLogger("simemb")
    if not log.handlers:
        log.addHandler(_StderrHandler())
        log.setLevel(logging.INFO)


if __name__ == "__main__":
    sys.exit(main())
