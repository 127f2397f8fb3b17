"""Tables that are wider than the screen: their columns are put in blocks, one below the other."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from rich.table import Column, Table


def stack(table: Table, fits: Callable[[Table], bool]) -> list[Table]:
    """The table itself if it fits, otherwise blocks of as many columns as fit, each with the columns of names.

    Names are the columns before the first right-justified one. The first block has the title, the last the caption. A
    column that fits nowhere has a block of its own.
    """
    labels = next((place for place, column in enumerate(table.columns) if column.justify == "right"), 1)
    names, values = table.columns[:labels], table.columns[labels:]
    if len(values) < 2 or fits(table):
        return [table]
    blocks = [[values[0]]]
    for column in values[1:]:
        if fits(_block(table, [*names, *blocks[-1], column])):
            blocks[-1].append(column)
        else:
            blocks.append([column])
    tables = [_block(table, [*names, *block]) for block in blocks]
    tables[0].title, tables[-1].caption = table.title, table.caption
    return tables


def _block(table: Table, columns: Sequence[Column]) -> Table:
    """A table of some of the columns, without title and caption."""
    block = Table(box=table.box, show_header=table.show_header, title_justify=table.title_justify)
    block.columns = [replace(column, _index=place, _cells=[]) for place, column in enumerate(columns)]
    cells = zip(*(column.cells for column in columns), strict=True)
    for row, values in zip(table.rows, cells, strict=True):
        block.add_row(*values, style=row.style)
    return block
