"""Checks of recipes put off: what a recipe file lacks may be among the options that follow it."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import TypeVar

Noun = TypeVar("Noun")
_WANTED: ContextVar[bool] = ContextVar("checks_wanted", default=True)


@contextmanager
def unchecked() -> Generator[None, None, None]:
    """Inside this context recipes and their nouns are not checked when made. Call `simemb.method.recipe.check` then."""
    token = _WANTED.set(False)
    try:
        yield
    finally:
        _WANTED.reset(token)


def deferrable(check: Callable[[Noun], None]) -> Callable[[Noun], None]:
    """A `__post_init__` that checks a recipe or a noun, and does nothing in the context `unchecked`."""

    @wraps(check)
    def checked(noun: Noun) -> None:
        if _WANTED.get():
            check(noun)

    return checked
