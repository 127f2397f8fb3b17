"""Tables that are in memory already: texts or tuples of them, datasets, data frames.

`simemb.corpus.formats` reads files; `simemb.corpus.rows` makes rows of both.
"""

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, cast

from simemb.arguments import shown
from simemb.corpus.column_values import LOOKED_AT, holds_inference, holds_numbers
from simemb.corpus.table import Record
from simemb.errors import ArgumentError, DataError
from simemb.extras import TABLES, need
from simemb.texts import check_values, column_names, values

if TYPE_CHECKING:
    from datasets import Dataset

FILES = 100
"""Above this many strings nobody means the names of files."""
ALLOWED = "a path, a corpus, a datasets.Dataset, a data frame, or a list of texts or of tuples of texts"


def list_digest(values: Sequence[object]) -> str:
    """The SHA-256 of the values of a list."""
    digest = hashlib.sha256()
    for value in values:
        digest.update(repr(value).encode())
        digest.update(b"\n")  # repr contains no line end, so different lists never give the same bytes
    return digest.hexdigest()


class ListTable:
    """A list of texts, or of tuples of texts (anchor, positive, one or more negatives).

    Two texts may come with a score, or with a label of natural language inference in words.
    """

    unit = "row"
    list_columns: tuple[str, ...] = ()
    columns: tuple[str, ...]
    text_columns: tuple[str, ...]

    def __init__(self, values: Sequence[object], columns: tuple[str, ...] = ()) -> None:
        """columns: their names, the score included; by default those of their roles."""
        self._values = values
        if columns:
            self.columns = self.text_columns = columns
            return
        first = self._cells(values[0]) if values else ("",)
        last = [cells[-1] for cells in map(self._cells, islice(values, LOOKED_AT)) if len(cells) > 2]
        if len(first) > 2 and holds_inference(last):
            if len(first) > 3:
                raise DataError(
                    f"the list, row 1 has {len(first) - 1} texts and a label: a label is allowed after 2 texts"
                )
            self.columns = self.text_columns = ("premise", "hypothesis", "label")
            return
        if len(first) > 2 and isinstance(first[-1], str) and holds_numbers(last):
            raise DataError(
                f"the list, row 1 ends with {first[-1]!r:.40}, and every row with a number that is text: a score is a "
                "number, and a negative has letters"
            )
        scored = len(first) > 1 and isinstance(first[-1], int | float)
        texts = len(first) - scored
        if scored and texts > 2:
            raise DataError(f"the list, row 1 has {texts} texts and a score: a score is allowed after 1 or 2 texts")
        negatives = ("negative",) if texts < 4 else tuple(f"negative_{number}" for number in range(1, texts - 1))
        names = ("sentence1", "sentence2") if scored else ("anchor", "positive", *negatives)
        self.text_columns = ("sentence",) if texts == 1 else names[:texts]
        self.columns = (*self.text_columns, "score") if scored else self.text_columns

    def records(self, chosen: Sequence[str]) -> Iterator[Record]:
        """Every value; one of another width than the first is an error."""
        places = [self.columns.index(column) for column in chosen]
        for number, value in enumerate(self._values, 1):
            cells = self._cells(value)
            if len(cells) != len(self.columns):
                raise DataError(f"the list, row {number} has {len(cells)} values, the first has {len(self.columns)}")
            yield number, tuple(cells[place] for place in places)

    @staticmethod
    def _cells(value: object) -> tuple[object, ...]:
        cells = cast(Sequence[object], value) if isinstance(value, list | tuple) else (value,)
        return tuple(cell if isinstance(cell, str) else _plain(cell) for cell in cells)


def _plain(cell: Any) -> object:
    """A number of NumPy or PyTorch as Python's; anything else as it is."""
    return cell.item() if getattr(cell, "ndim", None) == 0 else cell


_STRINGS = ("string", "large_string")


class DatasetTable:
    """A `datasets.Dataset`, read a few thousand rows at a time.

    label_names: by column of a `ClassLabel`, the names that its numbers stand for. gaps: the columns with nulls.
    """

    unit = "row"

    def __init__(self, dataset: "Dataset") -> None:
        self._dataset = dataset
        self.columns = tuple(dataset.column_names)
        kinds = {name: getattr(feature, "dtype", "") for name, feature in dataset.features.items()}
        self.text_columns = tuple(name for name in self.columns if kinds[name] in _STRINGS)
        items = {name: getattr(feature, "feature", None) for name, feature in dataset.features.items()}
        self.list_columns = tuple(name for name in self.columns if getattr(items[name], "dtype", "") in _STRINGS)
        names = {name: getattr(feature, "names", None) for name, feature in dataset.features.items()}
        self.label_names = {name: tuple(map(str, labels)) for name, labels in names.items() if labels}
        self.gaps = {name for name in self.columns if dataset.data.column(name).null_count}

    def records(self, chosen: Sequence[str]) -> Iterator[Record]:
        """Every row as plain Python values, whatever format the dataset is set to."""
        plain = self._dataset.with_format(None).select_columns(list(chosen))
        batches = cast(Iterator[dict[str, list[object]]], plain.iter(batch_size=4096))
        rows = chain.from_iterable(zip(*batch.values(), strict=True) for batch in batches)
        yield from enumerate(rows, 1)


def gathered(data: Any, name: str = "data", allowed: str = ALLOWED) -> "Dataset | list[object]":
    """What is in memory: a `datasets.Dataset` if its columns have names, else a list of texts or of tuples of them.

    A data frame, an Arrow table, a dict of lists and a list of dicts become a dataset. name, allowed: of the argument,
    for messages.

    Raises:
        ArgumentError: it is neither; says what to pass.
    """
    # Look at the class only if datasets has been imported already: importing it takes seconds.
    datasets = sys.modules.get("datasets")
    if datasets is not None and isinstance(data, datasets.Dataset):
        return data
    if datasets is not None and isinstance(data, datasets.DatasetDict):
        raise ArgumentError(f"{name} has splits ({', '.join(map(str, data))}): pass one of them")
    if datasets is not None and isinstance(data, datasets.IterableDataset):
        raise ArgumentError(f"{name} is a streamed dataset, but data are read several times: load it as a whole")
    if column_names(data) is not None or _is_columns(data):
        return _dataset(data, name)
    check_values(data, name, allowed)
    if getattr(data, "ndim", 1) > 2:
        raise ArgumentError(f"{name} is an array of {data.ndim} dimensions: texts have 1, rows of texts have 2")
    listed = data.tolist() if hasattr(data, "ndim") else list(values(data))
    # Not by `Path.is_file`, which raises for a text that is longer than a name can be.
    if listed and len(listed) <= FILES and all(isinstance(row, str) and os.path.isfile(row) for row in listed):  # noqa: PTH113
        raise ArgumentError(f"{name} holds the names of files: pass them as paths, [pathlib.Path({listed[0]!r}), ...]")
    if listed and all(isinstance(row, Mapping) for row in listed):
        columns = dict.fromkeys(column for row in listed for column in row)
        return _dataset({column: [row.get(column) for row in listed] for column in columns}, name)
    return listed


def _is_columns(data: object) -> bool:
    """Whether these are lists by the names of columns."""
    return isinstance(data, Mapping) and all(isinstance(column, list | tuple) for column in data.values())


def _dataset(data: Any, name: str) -> "Dataset":
    """Columns with names as a dataset. Raises `DataError` if a column holds values of several kinds."""
    need(f"{name}: {shown(data)}", TABLES)
    import pyarrow as pa
    from datasets import Dataset

    try:
        if isinstance(data, Mapping):
            return Dataset.from_dict({str(column): list(cells) for column, cells in data.items()})
        if hasattr(data, "iterrows"):
            return Dataset.from_pandas(data, preserve_index=False)
        return Dataset(data if isinstance(data, pa.Table) else pa.table(data))
    except (ValueError, TypeError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{name}: the columns of {shown(data)} cannot be read: {reason}") from error
