"""Refuses files that are laid out otherwise than their ending says, with the option that reads them."""

from collections.abc import Sequence

from simemb.corpus.columns import is_recognized
from simemb.corpus.delimited import (
    DELIMITERS,
    SPOKEN,
    DelimitedFile,
    Layout,
    head,
    is_sentence,
    other_delimiter,
)
from simemb.corpus.formats import TextFile
from simemb.corpus.json_shape import are_objects, fault
from simemb.corpus.table import Table
from simemb.errors import UnclearError


def check_layout(name: str, table: Table, layout: Layout, columns: Sequence[str] | None) -> None:
    """Raise `UnclearError` for a table whose delimiter or header line cannot be what it was opened with.

    Columns that the user named and that exist settle it.
    """
    if not isinstance(table, TextFile | DelimitedFile) or (columns is not None and set(columns) <= set(table.columns)):
        return
    if layout.delimiter is None:
        _check_json(name, table)
        _check_delimiter(name, table, layout)
    if isinstance(table, DelimitedFile) and table.header and not any(map(is_recognized, table.columns)):
        sentence = next(filter(is_sentence, table.columns), None)
        if sentence is not None and not table.heads_numbers():
            raise UnclearError(
                f"{name}: its first line looks like data ({sentence!r:.60}), not like the names of columns: "
                f"--no-header reads it as a row; if it is names, choose with --columns"
            )


def _check_json(name: str, table: TextFile | DelimitedFile) -> None:
    lines = head(table.path, name)
    problem = "JSON objects, one a line: let its name end in .jsonl" if are_objects(lines) else fault(lines)
    if problem:
        raise UnclearError(f"{name} has {problem}{_whole_lines(table)}")


def _whole_lines(table: TextFile | DelimitedFile) -> str:
    return f"; --columns {table.columns[0]} reads whole lines" if isinstance(table, TextFile) else ""


def _check_delimiter(name: str, table: TextFile | DelimitedFile, layout: Layout) -> None:
    lines = head(table.path, name)
    found = other_delimiter(lines, table.delimiter) or _header_delimiter(lines, table)
    if found is None:
        return
    cells = _names(lines[0], found)
    named = any(map(is_recognized, cells))
    # Commas stand in every sentence, and only tabs stand in none.
    if not named and (found == "," or (found != "\t" and isinstance(table, TextFile))):
        return
    which = "every line is cut by {}, the first" if all(found in line for line in lines) else "the header is cut by {}"
    shown = next((word for word, character in SPOKEN.items() if character == found and character == "\t"), repr(found))
    headless = " --no-header" if not named and layout.header and any(map(is_sentence, cells)) else ""
    raise UnclearError(
        f"{name}: {which.format(shown)} into {', '.join(f'{cell!r:.30}' for cell in cells[:8])}"
        f"{' ...' * (len(cells) > 8)}: --delimiter {shown}{headless} reads them as columns{_whole_lines(table)}"
    )


def _header_delimiter(lines: Sequence[str], table: TextFile | DelimitedFile) -> str | None:
    """The character that cuts the first line alone into names: quoted cells below it may go on over several lines."""
    if isinstance(table, TextFile) or not table.header or not lines or table.delimiter in lines[0]:
        return None
    return next((found for found in DELIMITERS if found != "," and _are_names(_names(lines[0], found))), None)


def _are_names(cells: Sequence[str]) -> bool:
    return len(cells) > 1 and any(map(is_recognized, cells)) and not any(map(is_sentence, cells))


def _names(line: str, delimiter: str) -> list[str]:
    return [cell.strip().strip('"') for cell in line.split(delimiter)]
