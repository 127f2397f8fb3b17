"""The door of the public API: each argument is checked by its annotation before anything is done with it.

`checked` guards a function and `checked_fields` a dataclass. What is equal in meaning is made what the annotation says:
numbers of NumPy become Python's, a list becomes a tuple where a tuple is asked for. What is not raises one line.
Texts have a door of their own, `simemb.texts`.
"""

import inspect
import operator
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, wraps
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

from simemb.errors import ArgumentError, unknown

Given = ParamSpec("Given")
Result = TypeVar("Result")

WORDS = {
    "Encoder": ("an Encoder (Encoder.load gives one)", "Encoders"),
    "TextEncoder": ("an encoder (Encoder.load gives one)", "encoders"),
}
"""What messages call a class, and several of it, if not by its name."""


def _as_it_is(value: Any, _: str) -> Any:
    return value


@dataclass(frozen=True)
class Kind:
    """What an argument may be.

    words, plural: for messages. fits: whether a value is of this kind, without a look at its items. read: the value
    as the annotation has it, called with the value and its name; raises `ArgumentError` for an item that does not fit.
    """

    words: str
    plural: str
    fits: Callable[[Any], bool]
    read: Callable[[Any, str], Any] = _as_it_is


def checked(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """The same function; it raises `ArgumentError` for an argument that its annotation does not allow.

    An annotation that says no kind (`Any`, an iterable, an array) is left to the function.
    """
    signature = inspect.signature(function)
    name = function.__qualname__.removesuffix(".__init__").rpartition(".")[2]

    @wraps(function)
    def guarded(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        bound = _bind(signature, name, args, kwargs)
        for parameter, kind in _kinds(function).items():
            if parameter in bound.arguments:
                bound.arguments[parameter] = read(kind, bound.arguments[parameter], parameter)
        return function(*bound.args, **bound.kwargs)

    return guarded


def checked_fields(noun: type[Result]) -> type[Result]:
    """The same dataclass; it raises `ArgumentError` for a field that its annotation does not allow."""
    noun.__init__ = checked(noun.__init__)
    return noun


def read(kind: Kind, value: Any, name: str) -> Any:
    """The value as its kind has it. Raises `ArgumentError` if it is of another."""
    if not kind.fits(value):
        raise ArgumentError(f"{name} must be {kind.words}, not {shown(value)}")
    return kind.read(value, name)


def shown(value: Any) -> str:
    """A value in a message: what it is, and itself if it is short.

    >>> shown(None), shown("five"), shown(2.5), shown({"a": 1}), shown(int)
    ('None', "'five'", '2.5 (float)', 'a dict', 'the class int')
    """
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else f"{value[:60]}...")
    if inspect.isclass(value):
        return f"the class {value.__name__}"
    name = type(value).__name__
    if _is_path(value):
        return f"the path {os.fspath(value)}"
    if isinstance(value, bytes):
        return "bytes"
    if name == "ndarray":
        return f"an array of shape {' x '.join(map(str, value.shape)) or '()'} ({value.dtype})"
    if _is_number(value):
        return f"{value!s:.60} ({name})"
    return _with_article(name)


def excerpt(value: object) -> str:
    """The start of a value's `repr`, in one line.

    >>> excerpt(["a", 1])
    "['a', 1]"
    """
    return " ".join(repr(value).split())[:60]


def _with_article(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeio' else 'a'} {name}"


def _bind(signature: inspect.Signature, name: str, args: Any, kwargs: Any) -> inspect.BoundArguments:
    """The arguments by name; `ArgumentError` if one is missing, unknown or too many, as Python's own `TypeError`."""
    allowed = [parameter for parameter in signature.parameters if parameter not in ("self", "cls")]
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in signature.parameters.values())
    for word in kwargs:
        if word not in allowed and not open_ended:
            raise ArgumentError(unknown(f"argument of {name}()", word, allowed))
    try:
        return signature.bind(*args, **kwargs)
    except TypeError as error:
        raise ArgumentError(f"{name}(): {error}") from None


@cache
def _kinds(function: Callable[..., Any]) -> dict[str, Kind]:
    """The kind of each parameter whose annotation says one."""
    try:
        hints = get_type_hints(function)
    except NameError:  # a name that is imported for type checkers only
        hints = {name: hint for name, hint in function.__annotations__.items() if not isinstance(hint, str)}
    kinds = {name: kind_of(hint) for name, hint in hints.items() if name not in ("self", "cls", "return")}
    return {name: kind for name, kind in kinds.items() if kind is not None}


def kind_of(annotation: Any) -> Kind | None:
    """The kind that an annotation says, or None if it allows what cannot be checked here."""
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return _either(inside)
    if origin is Literal:
        # A word that is not in the list is refused where the list is used, with the nearest one.
        return Kind(f"one of {', '.join(map(str, inside))}", "names", lambda value: isinstance(value, type(inside[0])))
    if origin in (Sequence, tuple):
        return _sequence(origin, inside)
    if origin is Mapping:
        return Kind("a dict", "dicts", lambda value: isinstance(value, Mapping))
    if origin is Callable:
        return Kind("a function", "functions", lambda value: callable(value) and not inspect.isclass(value))
    return _instance(annotation) if annotation is not Any and inspect.isclass(annotation) else None


def _either(members: Sequence[Any]) -> Kind | None:
    """The first of several kinds that fits; a string beside a path names a place, so it is not empty."""
    places = not _PATHS.isdisjoint(members)
    kinds = [_NAME if places and member is str else kind_of(member) for member in members]
    known = [kind for kind in kinds if kind is not None]
    if len(known) < len(kinds):
        return None

    def first(value: Any, name: str) -> Any:
        return next(kind for kind in known if kind.fits(value)).read(value, name)

    return Kind(
        _listed([kind.words for kind in known]),
        _listed([kind.plural for kind in known]),
        lambda value: any(kind.fits(value) for kind in known),
        first,
    )


def _sequence(origin: Any, inside: Sequence[Any]) -> Kind:
    """Any number of items of one kind, or (`tuple[X, Y]`) as many as the annotation names."""
    any_number = origin is Sequence or inside[1:] == (...,)
    kinds = [kind_of(inside[0])] if any_number else [kind_of(item) for item in inside]
    plural = kinds[0].plural if kinds[0] is not None else "values"
    words = f"a list of {plural}" if any_number else f"{len(inside)} {plural}"

    def items(value: Any, name: str) -> Any:
        listed = list(value)
        if not any_number and len(listed) != len(inside):
            raise ArgumentError(f"{name} must be {words}, not {len(listed)}")
        own = kinds * len(listed) if any_number else kinds
        pairs = enumerate(zip(own, listed, strict=True))
        listed = [item if kind is None else read(kind, item, f"{name}[{place}]") for place, (kind, item) in pairs]
        return tuple(listed) if origin is tuple else listed

    return Kind(words, f"lists of {plural}", _is_list, items)


def _instance(kind: type) -> Kind | None:
    """An instance of a class, or (for a protocol) what has its methods; None for an array of a certain shape."""
    if kind.__module__.startswith("jaxtyping"):
        return None
    methods = [name for name, member in vars(kind).items() if callable(member) and not name.startswith("_")]
    protocol = getattr(kind, "_is_protocol", False)

    def fits(value: Any) -> bool:
        alike = all(callable(getattr(value, name, None)) for name in methods) if protocol else isinstance(value, kind)
        return alike and not inspect.isclass(value)

    words = WORDS.get(kind.__name__, (_with_article(kind.__name__), f"{kind.__name__}s"))
    return Kind(*words, fits)


def _listed(words: Sequence[str]) -> str:
    return " or ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


# ---- plain values --------------------------------------------------------------------------------------


def _is_truth(value: Any) -> bool:
    """A truth value of Python, NumPy or PyTorch."""
    return isinstance(value, bool) or (_is_scalar(value) and str(value.dtype) in ("bool", "torch.bool"))


def _is_scalar(value: Any) -> bool:
    """A single value of an array library."""
    return hasattr(value, "dtype") and getattr(value, "ndim", None) == 0


def _is_whole(value: Any) -> bool:
    if _is_truth(value):
        return False
    try:
        operator.index(value)
    except TypeError:
        return False
    return True


def _is_number(value: Any) -> bool:
    """A number, and nan, which no range holds; an array of several is none, nor is one of strings."""
    if hasattr(value, "dtype"):
        single = _is_scalar(value) and getattr(value.dtype, "kind", "f") in "iuf"
    else:
        single = hasattr(type(value), "__float__")
    return _is_whole(value) or (single and not _is_truth(value))


def _is_path(value: Any) -> bool:
    return isinstance(value, os.PathLike) and isinstance(os.fspath(value), str)


def _is_list(value: Any) -> bool:
    """Values in an order: no single string, nothing with keys, no set."""
    plain = isinstance(value, str | bytes | Mapping | set | frozenset)
    return not plain and not inspect.isclass(value) and hasattr(value, "__iter__") and not _is_scalar(value)


def _whole(value: Any, _: str) -> int:
    return operator.index(value)


def _number(value: Any, _: str) -> int | float:
    return value if type(value) in (int, float) else _whole(value, _) if _is_whole(value) else float(value)


def _name(value: Any, name: str) -> str:
    if not value or "\0" in value:
        raise ArgumentError(f"{name} must name something, not {value!r}")
    return home(str(value))


def home(path: str) -> str:
    """The path, from the home folder where it begins with ~/, as a shell reads it."""
    return str(Path(path).expanduser()) if path == "~" or path.startswith("~/") else path


def _path(value: Any, _: str) -> Path:
    return Path(home(os.fspath(value)))


_PATHS = {Path, os.PathLike[str]}
_PLAIN: dict[Any, Kind] = {
    None: Kind("None", "None", lambda value: value is None),
    NoneType: Kind("None", "None", lambda value: value is None),
    bool: Kind("True or False", "truth values", _is_truth, lambda value, _: bool(value)),
    int: Kind("a whole number", "whole numbers", _is_whole, _whole),
    float: Kind("a number", "numbers", _is_number, _number),
    str: Kind("a string", "strings", lambda value: isinstance(value, str), lambda value, _: str(value)),
    os.PathLike[str]: Kind("a path", "paths", _is_path, _path),
    Path: Kind("a path", "paths", _is_path, _path),
}
_NAME = Kind("a name", "names", lambda value: isinstance(value, str), _name)
