"""Wide tables: blocks of columns that fit, every number once, the rows named in each."""

from collections.abc import Callable

import pytest
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from simemb.report import terminal
from simemb.report.stacking import stack


def wide(columns: int = 11, rows: int = 2) -> Table:
    """A table with a column of names and columns of numbers, each its own."""
    table = Table(title="the title", box=SIMPLE_HEAD, caption="the caption")
    table.add_column("model", overflow="fold")
    for column in range(columns):
        table.add_column(f"task{column:02}", justify="right", no_wrap=True)
    for row in range(rows):
        table.add_row(f"model-{row}", *(f"{row}.{column:02}" for column in range(columns)), style="bold" if row else "")
    return table


def fits(width: int) -> Callable[[Table], bool]:
    console = Console(width=10_000)
    return lambda table: Measurement.get(console, console.options, table).minimum <= width


def test_a_table_that_fits_stays_as_it_is() -> None:
    table = wide()
    assert stack(table, fits(1000)) == [table]


@pytest.mark.parametrize("width", [24, 60, 80])
def test_every_column_is_in_one_block_and_the_names_in_each(width: int) -> None:
    table = wide()
    blocks = stack(table, fits(width))
    assert len(blocks) > 1
    assert all(map(fits(width), blocks))
    assert [column.header for block in blocks for column in block.columns[1:]] == [
        column.header for column in table.columns[1:]
    ]
    for block in blocks:
        assert list(block.columns[0].cells) == ["model-0", "model-1"]
        assert [row.style for row in block.rows] == ["", "bold"]
    for column in (column for block in blocks for column in block.columns[1:]):
        assert list(column.cells) == [f"{row}.{str(column.header)[4:]}" for row in range(2)]
    assert [block.title for block in blocks] == ["the title", *[None] * (len(blocks) - 1)]
    assert [block.caption for block in blocks] == [*[None] * (len(blocks) - 1), "the caption"]


def test_a_block_holds_as_many_columns_as_fit() -> None:
    first, *_ = stack(wide(), fits(60))
    one_more = wide(len(first.columns))  # its names and one column more than the first block has
    assert not fits(60)(one_more)


def test_what_fits_nowhere_has_a_block_of_its_own() -> None:
    assert [len(block.columns) for block in stack(wide(3), fits(5))] == [2, 2, 2]


@pytest.mark.parametrize("columns", ["60", "80"])
def test_printed_lines_are_no_longer_than_columns_and_no_header_is_cut(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    terminal.print_table(wide())
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= int(columns)
    assert all(f"task{column:02}" in shown for column in range(11))
    assert shown.count("model-1") == shown.count("model-0") >= 2
