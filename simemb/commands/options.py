"""The options of a verb, read from the fields of its dataclass by tyro's rules.

`simemb.commands.parsing` needs them: tyro's public API does not list the options that it makes of a dataclass.
"""

from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import tyro

from simemb.devices import AUTO
from simemb.errors import unknown

UNPREFIXED = tyro.conf.arg(name="")
"""Mark of a nested dataclass whose options have no prefix: `--epochs` and not `--recipe.epochs`."""


@dataclass(frozen=True)
class AtLeastOne:
    """Mark of an argument of several values that must have one: tyro accepts none. `name` of a positional in help."""

    name: str


GATHERED = object()
"""Mark of an option of several values that may be given several times: its values are taken together."""


@dataclass(frozen=True)
class FileLayout:
    """The options of a verb that reads files."""

    delimiter: str | None = None
    """The character between the cells of a .csv, .tsv or .txt, if its ending does not say it; tab is a word for one."""
    header: bool = True
    """The first line of a .csv or .tsv names its columns; otherwise it is data, and they are column1, column2 ..."""


@dataclass(frozen=True)
class OneDevice:
    """The option of a verb that encodes."""

    device: str = AUTO
    """Where to compute: auto (a GPU where there is one), cpu, cuda, cuda:1 or mps."""


@dataclass(frozen=True)
class SeveralDevices(OneDevice):
    """The options of a verb that may encode many texts."""

    devices: str | None = None
    """Encode in several processes, one for each of these: 0,1 (GPUs by number), all (of them), or cpu,cpu, which share
    the threads of the CPU."""


@dataclass(frozen=True)
class Option:
    """One option or positional argument.

    field: name of the attribute. name: `--batch-size`, or `MODEL` of a positional argument. others: its other
    spellings, as `-k` or `--no-cache`. values: how many values it takes, None for any number. type: of one value.
    gathered: see `GATHERED`.
    """

    field: str
    name: str
    type: Any
    values: int | None
    others: tuple[str, ...] = ()
    positional: bool = False
    required: bool = False
    at_least_one: bool = False
    gathered: bool = False

    @property
    def spellings(self) -> tuple[str, ...]:
        """All that may be typed for it."""
        return () if self.positional else (self.name, *self.others)


def options_of(kind: type, default: Any = None) -> list[Option]:
    """The options of a dataclass, those of nested dataclasses included (`--objective.temperature`).

    A nested dataclass has the fields of its default, as tyro has them with `AvoidSubcommands`.
    """
    return _walk(kind, default, "")


def _walk(kind: type, default: Any, prefix: str) -> list[Option]:
    hints = get_type_hints(kind, include_extras=True)
    options: list[Option] = []
    for field in fields(kind):
        value = getattr(default, field.name, field.default)
        if value is MISSING and field.default_factory is not MISSING:
            value = field.default_factory()
        hint = hints[field.name]
        nested = prefix if UNPREFIXED in getattr(hint, "__metadata__", ()) else f"{prefix}{field.name}."
        options += _nested(value, nested)
        if not _has_dataclass(hint):
            options.append(_leaf(field.name, hint, value, prefix))
    return options


def _nested(value: Any, prefix: str) -> list[Option]:
    """The options of a default that is a dataclass or a tuple with dataclasses."""
    if is_dataclass(value) and not isinstance(value, type):
        return _walk(type(value), value, prefix)
    if isinstance(value, tuple):
        return [option for place, item in enumerate(value) for option in _nested(item, f"{prefix}{place}.")]
    return []


def _has_dataclass(hint: Any) -> bool:
    """Whether a value of this type can be or hold a dataclass; None and the empty tuple then have no option."""
    return (isinstance(hint, type) and is_dataclass(hint)) or any(map(_has_dataclass, get_args(hint)))


def _leaf(name: str, hint: Any, value: Any, prefix: str) -> Option:
    marks = getattr(hint, "__metadata__", ())
    kind, values = _values(hint)
    repeated = next((mark for mark in marks if isinstance(mark, AtLeastOne)), None)
    positional = tyro.conf.Positional in marks
    return Option(
        field=name,
        name=(repeated.name if repeated else name.upper()) if positional else f"--{prefix}{name}".replace("_", "-"),
        type=kind,
        values=values,
        others=(*_aliases(marks), *((f"--{prefix}no-{name}".replace("_", "-"),) if kind is bool else ())),
        positional=positional,
        required=value is MISSING and not (positional and values is None),
        at_least_one=repeated is not None,
        gathered=GATHERED in marks,
    )


def _aliases(marks: Sequence[Any]) -> tuple[str, ...]:
    """The other names that a field's annotation gives it."""
    return tuple(alias for mark in marks for alias in getattr(mark, "aliases", None) or ())


def _values(hint: Any) -> tuple[Any, int | None]:
    """The type of one value, and how many there are."""
    if get_origin(hint) is Annotated:
        return _values(get_args(hint)[0])
    if hint is bool:
        return bool, 0
    if get_origin(hint) is tuple:
        first, *others = get_args(hint)
        return first, None if others == [...] else 1 + len(others)
    if any(get_origin(member) is tuple for member in _members(hint)):
        return str, None
    return hint, 1


def _members(hint: Any) -> tuple[Any, ...]:
    """The types of a union, or the only type."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def check_value(option: Option, value: str) -> str | None:
    """What is wrong with one value, or None: a number that is none, or a word outside a closed list."""
    members = _members(option.type)
    if type(None) in members and value == "None":
        return None
    choices = [str(choice) for member in members if get_origin(member) is Literal for choice in get_args(member)]
    if choices and value not in choices and not {int, float, str} & set(members):
        return unknown(f"value of {option.name}", value, choices)
    numbers = [member for member in members if member in (int, float)]
    if not numbers or str in members or value in choices:
        return None
    try:
        (float if float in numbers else int)(value)
    except ValueError:
        return f"{option.name}: {value!r} is not {'a number' if float in numbers else 'a whole number'}"
    return None
