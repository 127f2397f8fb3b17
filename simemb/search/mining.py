"""Hard negatives mined from an index: for every pair the texts nearest to its anchor that are not known to be right.

A candidate as near as the positive is likely a positive that nobody marked; the margins of `Rules` keep such ones out
(Moreira et al., 2024, NV-Retriever, https://arxiv.org/abs/2407.15831).
"""

import json
import os
import random
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Float32

from simemb.corpus.rows import Rows, open_rows
from simemb.errors import DataError
from simemb.files import new_file
from simemb.progress import track

if TYPE_CHECKING:
    from simemb.encoder.streaming import TextEncoder
    from simemb.search.index import Hit, Index

ENCODED, SEARCHED = 8192, 512
"""Pairs that are encoded in one call, and anchors that are searched in one: `SEARCHED` x depth hits are in memory."""
COLUMNS = ("anchor", "positive", "negative")


@dataclass(frozen=True)
class Rules:
    """Which of the texts near an anchor a become its negatives; p is the positive of the same row.

    Taken are the nearest n, or some at random, of those that the index finds, that are neither the anchor nor one of
    its positives, and for which

        cos(a, n) <= min(cos(a, p) - margin, cos(a, p) - relative_margin |cos(a, p)|, max_similarity),

    without the terms that are None.

    relative_margin=0.05 is TopK-PercPos at 95 %, the best of Moreira et al. (2024); margin is their
    TopK-MarginPos, max_similarity their TopK-Abs, skip their Top-K shifted by N.
    """

    negatives: int = 1
    """Negatives of a row, 1 or more: as many lines are written, fewer where fewer are found."""
    depth: int = 100
    """Nearest texts that are looked at for each anchor. More finds more, and takes longer."""
    skip: int = 0
    """Pass over so many of the nearest texts that are not known to be right: many may be right all the same."""
    margin: float = 0.0
    """A negative is less similar to the anchor than the positive is by at least this, in [-2, 2]; -2 allows all."""
    relative_margin: float | None = None
    """The same as a share of the positive's similarity, in [0, 1]: 0.05 allows up to 95 % of it."""
    max_similarity: float | None = None
    """No negative is more similar to the anchor than this, in [-1, 1]."""
    pick: Literal["nearest", "random"] = "nearest"
    """Of those that are allowed take the nearest, the hardest ones, or any."""
    seed: int = 1
    """Decides what `--pick random` takes."""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("negatives", 1, None),
            ("skip", 0, None),
            ("depth", self.skip + self.negatives, None),
            ("margin", -2, 2),
            ("relative_margin", 0, 1),
            ("max_similarity", -1, 1),
            ("seed", 0, None),
        ):
            value = getattr(self, name)
            if value is not None and not low <= value <= (high or float("inf")):
                allowed = f"{low} or more" if high is None else f"in [{low}, {high}]"
                reason = " (skip + negatives)" if name == "depth" else ""
                raise DataError(f"{name} must be {allowed}{reason}, not {value}")
        if self.pick not in ("nearest", "random"):
            raise DataError(f"pick must be nearest or random, not {self.pick!r}")

    def choose(self, candidates: Iterable["Hit"], positive: float, dice: random.Random) -> list["Hit"]:
        """The negatives among candidates that are not known to be right, nearest first.

        positive: cos(a, p), in [-1, 1].
        """
        limit = positive - self.margin
        if self.relative_margin is not None:
            limit = min(limit, positive - self.relative_margin * abs(positive))
        if self.max_similarity is not None:
            limit = min(limit, self.max_similarity)
        allowed = (hit for hit in islice(candidates, self.skip, None) if hit.score <= limit)
        if self.pick == "nearest":
            return list(islice(allowed, self.negatives))
        pool = list(allowed)
        return sorted(dice.sample(pool, min(self.negatives, len(pool))), key=lambda hit: hit.rank)


@dataclass(frozen=True)
class Mined:
    """What was found.

    rows: pairs read. found: those with at least one negative. triplets: lines written. positive, negative: mean
    cosines of the anchors with their positives and negatives over all triplets, in [-1, 1].
    """

    rows: int
    found: int
    triplets: int
    positive: float
    negative: float


def mine(
    encoder: "TextEncoder",
    data: Any,
    output: str | os.PathLike[str],
    *,
    corpus: Any = None,
    columns: Sequence[str] | None = None,
    rules: Rules | None = None,
) -> Mined:
    """Write triplets of anchor, positive and mined negative, one negative a line, ready for `simcse_sup`.

    A text is known to be right for an anchor if it is the anchor or stands beside it in any row of the data; case and
    white space make no difference. Rows for which nothing is found are left out. The same input gives the same file.

    Args:
        encoder: gives the vectors whose cosines are compared.
        data: pairs, as anything that `open_rows` takes; a third column is ignored. They are read several times, and
            16 bytes a row stay in memory.
        output: a .tsv file (tabs and line ends in texts become blanks) or .jsonl; it appears whole or not at all.
        corpus: where negatives are looked for: an `Index` of the same encoder, its directory, or anything that
            `open_rows` takes, of which the first text column is indexed. By default the positives of all rows.
        columns: the text columns in role order: anchor, positive.
        rules: what a negative is; by default the nearest text that is not nearer than the positive.

    Raises:
        DataError: no pairs, no negative for any row, an output of another kind, or one that cannot be written.
        SearchError: an index that cannot be used, or one of another encoder.
    """
    path, rules = Path(output), rules or Rules()
    if path.suffix not in _LINES:
        raise DataError(f"{path}: triplets are written to {' or '.join(_LINES)}, not to {path.suffix or 'a folder'!r}")
    _refuse_input(path, data, corpus)
    rows = open_rows(data, columns=columns)
    if len(rows.columns) < 2:
        has = f"{rows.name} has 1 text column ({', '.join(rows.columns)})"
        raise DataError(f"{has}: mining needs pairs, to know what is right for an anchor (--columns names them)")
    known = {_mark(anchor, positive) for anchor, positive in _pairs(rows)}
    try:
        with new_file(path) as partial, _index(encoder, corpus, rows, path) as index:
            found = _found(encoder, rows, index, rules, known)
            return _write(partial, _LINES[path.suffix], found, rows.name)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror or error}") from error


def _refuse_input(path: Path, *inputs: Any) -> None:
    for given in inputs:
        if isinstance(given, str | os.PathLike) and path.exists() and Path(given).exists() and path.samefile(given):
            raise DataError(f"{path} is the input too: give the output another name")


def _pairs(rows: Rows) -> Iterator[tuple[str, str]]:
    return ((anchor, positive) for anchor, positive, *_ in rows.texts())


def _mark(*texts: str) -> bytes:
    """A digest of texts that is the same whatever their case and white space."""
    plain = "\n".join(" ".join(text.casefold().split()) for text in texts)
    return blake2b(plain.encode(), digest_size=16).digest()


# ---- where negatives are looked for --------------------------------------------------------------


@contextmanager
def _index(encoder: "TextEncoder", corpus: Any, rows: Rows, output: Path) -> Generator["Index"]:
    """The index of the corpus; one that is made here lies beside the output as long as it is needed."""
    from simemb.search.index import Index
    from simemb.search.storage import MANIFEST

    if isinstance(corpus, Index):
        corpus.encoder = encoder
        yield corpus
    elif isinstance(corpus, str | os.PathLike) and (Path(corpus) / MANIFEST).is_file():
        yield Index.load(corpus, encoder=encoder)
    else:
        texts = (text for _, text in _pairs(rows)) if corpus is None else (row[0] for row in open_rows(corpus).texts())
        with (
            TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.", suffix=".partial") as folder,
            track("indexing") as advance,
        ):
            yield Index.build(encoder, _counted(_distinct(texts), advance), path=folder)


def _distinct(texts: Iterable[str]) -> Iterator[str]:
    seen: set[bytes] = set()
    for text in texts:
        if (mark := _mark(text)) not in seen:
            seen.add(mark)
            yield text


def _counted(texts: Iterable[str], advance: Any) -> Iterator[str]:
    for text in texts:
        advance(1)
        yield text


# ---- mining --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Found:
    anchor: str
    positive: str
    similarity: float
    negatives: list["Hit"]


def _found(encoder: "TextEncoder", rows: Rows, index: "Index", rules: Rules, known: set[bytes]) -> Iterator[_Found]:
    """The negatives of every row, in order."""
    from simemb.search.segment import finite_unit

    dice, pairs = random.Random(rules.seed), _pairs(rows)
    with track("mining", total=sum(1 for _ in _pairs(rows)), unit="rows") as advance:
        while chunk := list(islice(pairs, ENCODED)):
            texts = [text for column in zip(*chunk, strict=True) for text in column]
            vectors = finite_unit(encoder.encode(texts, progress=False), rows.name)
            anchors, positives = vectors[: len(chunk)], vectors[len(chunk) :]
            similarities = (anchors * positives).sum(axis=1)
            nearest = _nearest(index, anchors, rules.depth)
            for (anchor, positive), similarity, hits in zip(chunk, similarities.tolist(), nearest, strict=True):
                others = _not_right(anchor, hits, known)
                yield _Found(anchor, positive, similarity, rules.choose(others, similarity, dice))
                advance(1)


def _nearest(index: "Index", queries: Float32[np.ndarray, "query dim"], depth: int) -> Iterator[list["Hit"]]:
    for start in range(0, len(queries), SEARCHED):
        yield from index.search_batch(queries[start : start + SEARCHED], depth)


def _not_right(anchor: str, hits: Iterable["Hit"], known: set[bytes]) -> Iterator["Hit"]:
    """The hits that are neither the anchor nor one of its positives, each text once."""
    seen = {_mark(anchor)}
    for hit in hits:
        if (mark := _mark(hit.text)) not in seen and _mark(anchor, hit.text) not in known:
            seen.add(mark)
            yield hit


# ---- writing -------------------------------------------------------------------------------------


def _tabs(cells: Sequence[str]) -> str:
    return "\t".join(re.sub(r"[\t\r\n\0]", " ", cell) for cell in cells)


def _json(cells: Sequence[str]) -> str:
    return json.dumps(dict(zip(COLUMNS, cells, strict=True)), ensure_ascii=False)


_LINES = {".tsv": _tabs, ".jsonl": _json}


def _write(path: Path, line: Any, found: Iterable[_Found], name: str) -> Mined:
    rows = successes = triplets = 0
    positive = negative = 0.0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        if line is _tabs:
            file.write(_tabs(COLUMNS) + "\n")
        for row in found:
            rows += 1
            successes += bool(row.negatives)
            for hit in row.negatives:
                file.write(line((row.anchor, row.positive, hit.text)) + "\n")
                triplets, positive, negative = triplets + 1, positive + row.similarity, negative + hit.score
    if not triplets:
        advice = "lower the margins, raise depth or give a corpus"
        raise DataError(f"{name}: no negative for any of {rows} rows: {advice}")
    return Mined(rows, successes, triplets, positive / triplets, negative / triplets)
