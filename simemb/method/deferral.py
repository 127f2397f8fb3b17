"""Checks of recipes put off: what a recipe file lacks may be among the options that follow it."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

_WANTED: ContextVar[bool] = ContextVar("checks_wanted", default=True)


@contextmanager
def unchecked() -> Generator[None, None, None]:
    """Inside this context recipes are not checked when they are made. Call `simemb.method.recipe.check` then."""
    token = _WANTED.set(False)
    try:
        yield
    finally:
        _WANTED.reset(token)


def checks_wanted() -> bool:
    """Whether a recipe is checked when it is made."""
    return _WANTED.get()
