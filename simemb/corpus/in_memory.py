"""Tables that are in memory already: lists of texts or of tuples, and `datasets.Dataset`.

`simemb.corpus.formats` reads files; `simemb.corpus.rows` makes rows of both.
"""

import hashlib
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from simemb.corpus.table import Record
from simemb.errors import DataError

if TYPE_CHECKING:
    from datasets import Dataset


def list_digest(values: Sequence[object]) -> str:
    """The SHA-256 of the values of a list."""
    digest = hashlib.sha256()
    for value in values:
        digest.update(repr(value).encode())
        digest.update(b"\n")  # repr contains no line end, so different lists never give the same bytes
    return digest.hexdigest()


class ListTable:
    """A list of texts, or of tuples of texts (anchor, positive, one or more negatives), or of two texts and a score."""

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
        return cast(tuple[object, ...], tuple(value)) if isinstance(value, list | tuple) else (value,)


_STRINGS = ("string", "large_string")


class DatasetTable:
    """A `datasets.Dataset`, read a few thousand rows at a time."""

    unit = "row"

    def __init__(self, dataset: "Dataset") -> None:
        self._dataset = dataset
        self.columns = tuple(dataset.column_names)
        kinds = {name: getattr(feature, "dtype", "") for name, feature in dataset.features.items()}
        self.text_columns = tuple(name for name in self.columns if kinds[name] in _STRINGS)
        items = {name: getattr(feature, "feature", None) for name, feature in dataset.features.items()}
        self.list_columns = tuple(name for name in self.columns if getattr(items[name], "dtype", "") in _STRINGS)

    def records(self, chosen: Sequence[str]) -> Iterator[Record]:
        """Every row as plain Python values, whatever format the dataset is set to."""
        plain = self._dataset.with_format(None).select_columns(list(chosen))
        batches = cast(Iterator[dict[str, list[object]]], plain.iter(batch_size=4096))
        rows = chain.from_iterable(zip(*batch.values(), strict=True) for batch in batches)
        yield from enumerate(rows, 1)


def as_dataset(data: Any) -> "Dataset":
    """The dataset itself. Raises `DataError` for a dataset with splits, and for data of another type."""
    # Look at the class only if datasets has been imported already: importing it takes seconds.
    datasets = sys.modules.get("datasets")
    if datasets is not None and isinstance(data, datasets.Dataset):
        return data
    if datasets is not None and isinstance(data, datasets.DatasetDict):
        splits = ", ".join(map(str, data))
        raise DataError(f"the dataset has splits ({splits}): pass one of them")
    allowed = "a path, -, a corpus, a datasets.Dataset or a list of texts"
    raise DataError(f"data of type {type(data).__name__} cannot be read: allowed are {allowed}")
