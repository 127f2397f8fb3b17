"""A progress bar with rate and time left, on standard error, if that is a terminal."""

import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")


@contextmanager
def track(
    what: str, *, total: int | None = None, unit: str = "texts", shown: bool | None = None
) -> Generator[Callable[[int], None], None, None]:
    """Yield `advance(count)`; a bar shows how many of `total` are done, the rate and the time left.

    shown: None shows it if standard error is a terminal. total: None for a stream of unknown length.

    >>> with track("counting", total=2, shown=False) as advance:
    ...     advance(2)
    """
    if not (sys.stderr.isatty() if shown is None else shown):
        yield lambda _: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from simemb.console import PlainConsole

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=PlainConsole(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total, rate="")

        def advance(count: int) -> None:
            speed = bar.tasks[0].finished_speed or bar.tasks[0].speed
            bar.update(task, advance=count, rate=f"{speed:,.0f} {unit}/s" if speed else "")

        yield advance


def counted(items: Iterable[Item], advance: Callable[[int], None]) -> Iterator[Item]:
    """The same items; each moves a bar of `track` by one."""
    for item in items:
        yield item
        advance(1)
