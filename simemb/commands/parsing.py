"""The words after a verb, parsed by tyro into the dataclass of its options; a mistake becomes one line.

Each attribute's docstring is its help text. A truth value has two spellings, `--cache, --no-cache`, and its docstring
says what holds of the first; `(default: True)` says which one holds unasked.
"""

import logging
import os
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from difflib import SequenceMatcher
from functools import partial
from io import BytesIO, StringIO, TextIOWrapper
from typing import Any

import tyro

from simemb import streams
from simemb.commands.options import Option, check_value, options_of
from simemb.errors import SimembError
from simemb.extras import Extra, need

log = logging.getLogger("simemb")

NEAR, SPREAD = 0.6, 0.1
"""How like an option a mistyped one must be to be told (1 is equal), and by how much a second one may be less so."""


class UsageError(SimembError):
    """An option that does not exist, or a value that it does not take."""


def parse(kind: Any, words: Sequence[str], *, prog: str, default: Any = None, needs: Extra | None = None) -> Any:
    """Parse the words after a verb. Raises `UsageError`, in one line, with the nearest option.

    needs: the libraries that the verb cannot do without; `LibraryError` if one is missing.

    tyro has no public hook for errors: its `tyro.cli` prints a box of several lines and exits with code 2. That box
    is discarded, and the words are read a second time against the fields of the dataclass, which say what is wrong.
    """
    options = options_of(kind, default)
    words = [_at_home(word) for word in words]
    try:
        words = _gathered(words, [option.name for option in options if option.gathered])
        _check_repeated(words, options)
        parsed = _tyro(kind, words, prog, default)
        for option in options:
            if option.at_least_one and not getattr(parsed, option.field):
                raise UsageError(f"missing: {option.name}, at least one")
    except SystemExit as exit:
        if not exit.code:  # after --help
            raise
        raise UsageError(f"{_mistake(words, options)}; `{prog} --help` tells more") from None
    except UsageError as error:
        raise UsageError(f"{error}; `{prog} --help` tells more") from None
    if needs is not None:
        need(prog, needs)
    return parsed


def _at_home(word: str) -> str:
    """`--output=~/runs` with the home directory, which a shell puts in only where a word begins with it."""
    name, equals, value = word.partition("=")
    at_home = name.startswith("--") and (value == "~" or value.startswith("~/"))
    return f"{name}{equals}{os.path.expanduser(value)}" if at_home else word  # noqa: PTH111 (Path drops a last slash)


def _tyro(kind: Any, words: Sequence[str], prog: str, default: Any) -> Any:
    """What tyro makes of the words. Help is shown as our own words are; tyro styles it for a terminal.

    A help text holds texts of others too, such as the defaults of somebody's recipe. What tyro writes plainly tells
    whether they are harmless; only then is it written again in tyro's styles.
    """
    config = (tyro.conf.AvoidSubcommands,)
    keywords = {} if default is None else {"default": default}
    parsed = partial(tyro.cli, kind, args=list(words), prog=prog, config=config, **keywords)
    page = TextIOWrapper(BytesIO(), sys.stdout.encoding or "utf-8", errors=streams.ESCAPE, newline="\n")
    try:
        with redirect_stdout(page), redirect_stderr(StringIO()):
            return parsed()
    except SystemExit as done:
        page.seek(0)
        text = page.read()
        if not done.code and sys.stdout.isatty() and streams.visible(text) == text:
            return parsed()
        streams.show(streams.folded(text))
        raise


def _check_repeated(words: Sequence[str], options: Sequence[Option]) -> None:
    """Say so where an option is given twice, of which tyro keeps the last; refuse it where it takes several values.

    A command that is kept in a variable is often changed by options after it, which replace those in it.
    """
    counts = Counter(option_name(word) for word in words)
    for option in options:
        if option.values != 0 and sum(counts[spelling] for spelling in option.spellings) > 1:
            if option.values is None:
                raise UsageError(f"{option.name} is given twice; it takes all its values at once")
            log.warning("%s is given twice: the last one counts", option.name)


def _gathered(words: Sequence[str], names: Sequence[str]) -> list[str]:
    """The words with all values of an option behind its first occurrence.

    >>> _gathered(["--data", "a", "--seed", "1", "--data=b"], ["--data"])
    ['--data', 'a', 'b', '--seed', '1']
    """
    others: list[str] = []
    values: dict[str, list[str]] = {}
    current = others
    for word in words:
        name = option_name(word)
        if name in names:
            if name not in values:
                others.append(name)
            current = values.setdefault(name, [])
            current += word.partition("=")[2:] if "=" in word else []
        else:
            current = others if word.startswith("--") else current
            current.append(word)
    return [part for word in others for part in (word, *values.get(word, ()))]


def _mistake(words: Sequence[str], options: Sequence[Option]) -> str:
    """The first mistake in words that tyro refused."""
    named = {spelling: option for option in options for spelling in option.spellings}
    arguments, values = _split(words, named)
    for name in values:
        if name not in named:
            near = _nearest(name, named)
            return f"unknown option {name!r}" + (f": did you mean {' or '.join(near)}?" if near else "")
    positional = [option for option in options if option.positional]
    pairs, surplus = _assign(arguments, positional)
    pairs += [(named[name], given) for name, given in values.items()]
    missing = [option.name for option in options if option.required and option not in dict(pairs)]
    if surplus:
        return f"too many arguments: {surplus[0]!r} is not expected"
    if missing:
        return "missing: " + ", ".join(missing)
    complaints = [complaint for option, given in pairs if (complaint := _complaint(option, given))]
    return complaints[0] if complaints else "these options do not go together"


def _split(words: Sequence[str], named: dict[str, Option]) -> tuple[list[str], dict[str, list[str]]]:
    """The words before and between options, and the values of each option."""
    arguments: list[str] = []
    values: dict[str, list[str]] = {}
    current, room = arguments, None
    for word in words:
        name = option_name(word)
        if (name.startswith("--") and len(name) > 2) or name in named:
            current = values.setdefault(name, [])
            current += word.partition("=")[2:] if "=" in word else []
            room = named[name].values if name in named else 0
        else:
            if room is not None and len(current) >= room and current is not arguments:
                current, room = arguments, None
            current.append(word)
    return arguments, values


def _assign(
    arguments: Sequence[str], positional: Sequence[Option]
) -> tuple[list[tuple[Option, list[str]]], Sequence[str]]:
    """The words of each positional argument in order, and the words that are too many."""
    pairs: list[tuple[Option, list[str]]] = []
    for option in positional:
        count = len(arguments) if option.values is None else option.values
        if arguments:
            pairs.append((option, list(arguments[:count])))
        arguments = arguments[count:]
    return pairs, arguments


def _complaint(option: Option, given: Sequence[str]) -> str | None:
    if option.values and len(given) < option.values:
        return f"{option.name}: a value is missing"
    return next(filter(None, (check_value(option, value) for value in given)), None)


def option_name(word: str) -> str:
    """The option in `--batch_size=3`, as help spells it."""
    return word.partition("=")[0].replace("_", "-")


def _nearest(name: str, options: dict[str, Option]) -> list[str]:
    """Up to three options like this one, none much less so than the first; the last part of a nested name is enough."""
    word = name.lstrip("-")
    likeness: dict[str, float] = {}
    for option in options:
        whole = option.lstrip("-")
        likeness[option] = max(SequenceMatcher(None, word, part).ratio() for part in (whole, whole.rpartition(".")[2]))
    least = max(NEAR, max(likeness.values(), default=0) - SPREAD)
    spellings: dict[str, str] = {}  # one for each option
    for spelling in sorted(likeness, key=lambda spelling: -likeness[spelling]):
        if likeness[spelling] >= least:
            spellings.setdefault(options[spelling].name, spelling)
    return list(spellings.values())[:3]
