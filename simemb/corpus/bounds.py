"""How much of a file is read at once: what is beyond is refused in one line, before it takes memory or time.

They are generous for texts, and small against a machine: a packed file of some MB can hold a line of some GB.
"""

from simemb.errors import DataError

LINE = 64 << 20
"""Bytes of a line (characters in UTF-16 and UTF-32), and characters of a row of quoted cells over several lines."""
CELL = 16_000_000
"""Characters of a quoted cell. Python's own limit of 131,072 would refuse long documents; some limit must stay, because
one quote that is never closed makes a single cell of the rest of the file."""
HEAD = 16_000_000
"""Characters of the lines that are looked at to see how a file is laid out."""
COLUMNS = 16_384
"""Columns of a table: as many as a spreadsheet has."""


def too_long(place: str) -> DataError:
    """The refusal of a line or a row that is longer than `LINE`."""
    return DataError(
        f"{place} is longer than {LINE >> 20} MB, the most that is read of one: is it text, with line ends?"
    )


def check_columns(name: str, count: int) -> None:
    """Raise `DataError` for more columns than `COLUMNS`."""
    if count > COLUMNS:
        raise DataError(f"{name} has {count:,} columns or more, and at most {COLUMNS:,} are read: is it a table?")
