"""The console: texts are texts, however they reach it, and measured as they are shown."""

import io
import re

import pytest
from rich.table import Table
from rich.text import Text

from simemb.console import PlainConsole
from simemb.progress import track

HOSTILE = "\x1b]0;a\x9b\u202e[bold]b[/bold][/x] :smile:"
SHOWN = r"\x1b]0;a\u009b\u202e[bold]b[/bold][/x] :smile:"


def test_a_text_is_shown_as_it_is_by_whichever_way_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(title=HOSTILE, caption=HOSTILE)
    table.add_column(HOSTILE)
    table.add_row(HOSTILE)
    table.add_row(Text(HOSTILE))
    console = PlainConsole()
    console.width = 200
    for piece in (HOSTILE, Text(HOSTILE), table):
        console.print(piece)
    shown = capsys.readouterr().out
    assert shown.count(SHOWN) == 7
    assert not re.search("[\x1b\x9b\u202e]", shown)


def test_a_column_is_as_wide_as_what_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("name", "number")
    for name in (HOSTILE, "plain"):
        table.add_row(name, "1")
    PlainConsole().print(table)
    lines = capsys.readouterr().out.splitlines()
    assert len({len(line) for line in lines}) == 1


def test_what_a_bar_is_about_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with track(HOSTILE, total=1, shown=True) as advance:
        advance(1)
    assert SHOWN[:8] in screen.getvalue()
    assert not re.search("\x1b]|[\x9b\u202e]", screen.getvalue())
