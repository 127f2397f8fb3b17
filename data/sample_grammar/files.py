"""The files of data/sample: every sample corpus as text, as the grammar makes it and as gzip packs it."""

import gzip
from collections.abc import Iterable
from pathlib import Path

from .corpus import dev_pairs, pairs, sentences, test_pairs, triplets
from .stories import stories

FOLDER = Path(__file__).resolve().parent.parent / "sample"


def contents() -> dict[str, str]:
    """The name of each file and the text in it, uncompressed."""
    return {
        "sentences.txt": _lines(sentences(20_000, seed=0)),
        "triplets.tsv": _table(("anchor", "positive", "negative"), triplets(10_000, seed=0)),
        "pairs.tsv": _table(("sentence1", "sentence2", "score"), pairs(10_000, seed=0)),
        "stories.txt": _lines(sentence for story in stories(2_000, seed=0) for sentence in story),
        "dev.tsv": _table(("sentence1", "sentence2", "score"), dev_pairs()),
        "test.tsv": _table(("sentence1", "sentence2", "score"), test_pairs()),
    }


def write(folder: Path = FOLDER) -> None:
    """Write the files, each compressed as NAME.gz; without a time stamp, so that equal texts give equal files."""
    for name, text in contents().items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(text.encode(), mtime=0))


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _table(columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    return _lines("\t".join(map(str, row)) for row in (columns, *rows))
