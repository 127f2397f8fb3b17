"""The libraries beyond the core, which encodes: what each of them is for, and how to install it.

simemb encodes with what `pip install simemb` installs. Everything else names here what it cannot do without, and is
refused in one line before anything is computed or written.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from simemb.errors import LibraryError


@dataclass(frozen=True)
class Extra:
    """Libraries that work cannot do without.

    Attributes:
        name: The extra of simemb that installs them: `pip install "simemb[NAME]"`.
        modules: The names under which they are imported.
    """

    name: str
    modules: tuple[str, ...]


TRAINING = Extra("train", ("accelerate", "scipy"))
TABLES = Extra("train", ("datasets",))
"""Data in memory whose columns have names: data frames, dictionaries, Arrow tables."""
INDEXES = Extra("index", ("faiss",))
SCORES = Extra("eval", ("scipy",))
CLASSES = Extra("eval", ("scipy", "sklearn"))
RANKINGS = Extra("eval", ("scipy", "faiss"))
FOREIGN_MODULES = Extra("external", ("sentence_transformers",))
"""Models with modules that simemb does not have, and cross-encoders."""
PICTURES = Extra("plot", ("matplotlib", "jinja2", "scipy"))
SERVER = Extra("serve", ("starlette", "uvicorn"))
MTEB = Extra("mteb", ("mteb", "scipy"))


def need(what: str, extra: Extra) -> None:
    """Raise `LibraryError` if a library is not installed that `what` cannot do without.

    >>> need("simemb index", Extra("index", ("faiss_of_tomorrow",)))
    Traceback (most recent call last):
    ...
    simemb.errors.LibraryError: simemb index needs faiss_of_tomorrow: pip install "simemb[index]"
    """
    if lacking := missing(extra):
        raise LibraryError(f'{what} needs {listed(lacking)}: pip install "simemb[{extra.name}]"')


def missing(*extras: Extra) -> list[str]:
    """The modules of some extras that are not installed, each once."""
    modules = dict.fromkeys(module for extra in extras for module in extra.modules)
    return [module for module in modules if not installed(module)]


def listed(modules: Sequence[str]) -> str:
    """Names in a sentence.

    >>> listed(["scipy"]), listed(["faiss", "accelerate", "scipy"])
    ('scipy', 'faiss, accelerate and scipy')
    """
    return " and ".join(filter(None, [", ".join(modules[:-1]), *modules[-1:]]))


def installed(module: str) -> bool:
    """Whether a module can be imported; it is not imported for that."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # somebody else's finder, or a module without a specification
        return False


def versions(packages: Iterable[str]) -> dict[str, str]:
    """The versions of those of the packages that are installed, for records."""
    found: dict[str, str] = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
