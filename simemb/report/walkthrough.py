"""The words between the commands of `simemb demo`."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from simemb.console import PlainConsole
from simemb.extras import listed

WIDTH = 80
"""Columns of running text at most: longer lines are hard to read."""


def print_step(number: str, title: str, text: str) -> None:
    """A heading with its number ("1 of 3"), and what the step shows."""
    console = _console()
    console.print()
    console.print(Rule(Text.assemble((f"{number}  ", "dim"), (title, "bold")), align="left", style="dim"))
    console.print(Padding(Text(text), (1, 0)))


def print_command(words: Sequence[str]) -> None:
    """A command as it is typed; never folded, so that it can be copied."""
    console = _console()
    line = Text.assemble(("$ ", "dim"), (f"simemb {shlex.join(words)}", "bold cyan"))
    console.print(line, soft_wrap=True)


def print_start(*, kept: Path | None, missing: Sequence[str]) -> None:
    """Whether what the demo makes will still be there when it ends, and what it lacks to show more."""
    place = f"in {kept}" if kept else "in demo, which is removed at the end (--output DIR keeps it)"
    _console().print(f"What follows is made {place}.")
    if missing:
        more = f'Searching and training are shown where {listed(missing)} can be imported: pip install "simemb[all]"'
        _console().print(Text(more))


def print_end() -> None:
    """What to type next."""
    console = _console()
    console.print(Rule(Text("Next", style="bold"), align="left", style="dim"))
    lines = (
        "your own sentences:  simemb index mini texts.txt --output texts.index",
        "your own encoder:    simemb train simcse_sup --data triplets.csv",
        "all the methods:     simemb list recipes",
    )
    console.print(Padding(Text("\n".join(lines)), (1, 0, 0, 0)))


def _console() -> PlainConsole:
    console = PlainConsole()
    console.width = min(console.width, WIDTH)
    return console
