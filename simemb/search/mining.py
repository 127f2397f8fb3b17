"""Hard negatives mined from an index: for each pair, the texts nearest to its anchor that are not known positives.

A candidate as near as the positive is likely an unlabeled positive; the margins of `Rules` exclude such candidates
(Moreira et al., 2024, NV-Retriever, https://arxiv.org/abs/2407.15831).
"""

import logging
import os
import random
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32

from simemb import extras
from simemb.arguments import checked
from simemb.corpus import labels
from simemb.corpus.column_values import examples, samples
from simemb.corpus.columns import listed
from simemb.corpus.documents import open_documents
from simemb.corpus.rows import Rows, open_rows
from simemb.devices import AUTO
from simemb.encoder.models import Model, encoder_of
from simemb.encoder.prompts import announce, prompted
from simemb.encoder.reranker import Reranker, load_reranker
from simemb.errors import DataError, unknown
from simemb.files import scratch
from simemb.outputs import check_file, new_file
from simemb.progress import counted, track
from simemb.search import mined_files
from simemb.search.finite import finite_unit
from simemb.search.mined_files import FORMATS, SHAPES, MinedRow, MiningSummary, Shape
from simemb.search.mining_rules import Rules
from simemb.search.reranking import relevance

if TYPE_CHECKING:
    from simemb.encoder.streaming import TextEncoder
    from simemb.search.hits import Hit
    from simemb.search.index import Index

log = logging.getLogger("simemb")

ENCODE_BATCH, SEARCH_BATCH = 8192, 512
"""Pairs encoded in one call, and anchors searched in one call: `SEARCH_BATCH` x depth hits are in memory."""


@checked
def mine(
    encoder: Model,
    data: Any,
    output: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    corpus: Any = None,
    columns: Sequence[str] | None = None,
    delimiter: str | None = None,
    header: bool = True,
    rules: Rules | None = None,
    shape: Shape = "rows",
    reranker: str | os.PathLike[str] | None = None,
    device: str | None = None,
) -> MiningSummary:
    """Write pairs of anchor and positive with mined negatives, ready for `simcse_sup`.

    A known positive of an anchor is the anchor itself or a text that is paired with it in any row of the data; case and
    white space are ignored. Rows without a negative are left out. The same input gives the same file.

    Args:
        encoder: gives the vectors whose cosines are compared; a directory or a hub name is loaded. If it has prompts,
            anchors are queries and all other texts documents.
        data: pairs, as anything that `open_rows` takes; a third column is ignored. They are read several times, and
            16 bytes a row stay in memory.
        output: a .tsv file (tabs and line ends in texts become blanks) or .jsonl; it is replaced atomically.
        overwrite: replace an existing file.
        corpus: the source of negatives: an `Index` of the same encoder, its directory, or anything that `open_rows`
            takes, whose first text column is indexed. By default the positives of all rows.
        columns: the text columns in the order of their roles: anchor, positive.
        delimiter, header: see `simemb.corpus.rows.open_rows`.
        rules: the definition of a negative; by default the nearest text that is not nearer than the positive.
        shape: a line for each negative (rows), which repeats the pair, or for each pair, with the columns negative_1,
            negative_2 ... (columns); a row that has fewer lacks the last of them.
        reranker: a cross-encoder, or another encoder, whose relevances the rules compare in place of the cosines (see
            `Rules`): a directory or a hub name.
        device: for a model given by name, as in `Encoder.load`.

    Raises:
        ModelError: the reranker cannot be used.
        DataError: the data are not pairs, no row has a negative, or the output is of another kind, exists (without
            `overwrite`) or cannot be written.
        SearchError: the index cannot be used, or is of another encoder.
    """
    extras.need("mine", extras.INDEXES)
    path, rules = Path(output), rules or Rules()
    if shape not in SHAPES:
        raise DataError(unknown("shape", shape, SHAPES))
    check_output(path, data, corpus, overwrite=overwrite)
    judge = None if reranker is None else load_reranker(os.fspath(reranker), device or AUTO)
    encoder = encoder_of(encoder, device)
    rows = open_rows(data, columns=columns, delimiter=delimiter, header=header)
    if len(rows.columns) < 2:
        among = examples(samples(rows, rows.every_column))
        has = f"{rows.name} has 1 text column ({', '.join(rows.columns)}) among {among}"
        raise DataError(f"{has}: mining needs pairs of anchor and positive (--columns names them)")
    rows = _positives(rows, columns)
    positives = {_digest(anchor, positive) for anchor, positive in _pairs(rows)}
    try:
        with new_file(path, overwrite=overwrite) as partial, _open_index(encoder, corpus, rows, path) as index:
            mined_rows = _mine_rows(encoder, rows, index, rules, positives, judge)
            names = mined_files.columns(shape, rules.negatives)
            return mined_files.write(partial, FORMATS[path.suffix], mined_rows, rows.name, names)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror or error}") from error


def _positives(rows: Rows, columns: Sequence[str] | None) -> Rows:
    """The pairs that are positives by their label, if there is one; a notice names the columns that are not used."""
    pairs = rows.narrowed(2)
    if labels.is_asked_for(rows, columns):
        pairs = labels.positives(pairs, "mining")
    else:
        labels.check_unused(pairs, "mining")
    score = [rows.score] if rows.score and pairs.score else []
    if unused := [*pairs.ignored, *score]:
        log.warning("%s: not used: column %s", rows.name, listed(unused))
    return pairs


def check_output(path: Path, *inputs: Any, overwrite: bool) -> None:
    """Raise `DataError` for an output that triplets of these inputs cannot or must not be written to."""
    if path.suffix not in FORMATS:
        raise DataError(f"{path}: triplets are written to {' or '.join(FORMATS)}, not to {path.suffix or 'a folder'!r}")
    for source in inputs:
        if isinstance(source, str | os.PathLike) and path.exists() and Path(source).exists() and path.samefile(source):
            raise DataError(f"{path} is the input too: give the output another name")
    check_file(path, overwrite=overwrite)


def _pairs(rows: Rows) -> Iterator[tuple[str, str]]:
    """Anchors and positives; an empty text is neither."""
    return ((anchor, positive) for anchor, positive, *_ in rows.texts() if anchor.strip() and positive.strip())


def _digest(*texts: str) -> bytes:
    """A digest of texts that ignores case and white space."""
    normalized = "\n".join(" ".join(text.casefold().split()) for text in texts)
    return blake2b(normalized.encode(), digest_size=16).digest()


# ---- the index ---------------------------------------------------------------------------------------


@contextmanager
def _open_index(encoder: "TextEncoder", corpus: Any, rows: Rows, output: Path) -> Generator["Index"]:
    """The index of the corpus. An index that is built here is a temporary directory next to the output."""
    from simemb.search.index import Index
    from simemb.search.storage import MANIFEST

    if isinstance(corpus, Index):
        corpus.encoder = encoder
        yield corpus
    elif isinstance(corpus, str | os.PathLike) and (Path(corpus) / MANIFEST).is_file():
        yield Index.load(corpus, encoder=encoder)
    else:
        texts = (text for _, text in _pairs(rows)) if corpus is None else _candidates(corpus)
        with (
            scratch(output) as folder,
            track("indexing") as advance,
        ):
            yield Index.build(encoder, counted(_distinct(texts), advance), path=folder / "index")


def _candidates(corpus: Any) -> Iterator[str]:
    """The texts of a corpus; an empty one is no negative."""
    return (text for text in open_documents(corpus, name="corpus").texts() if text.strip())


def _distinct(texts: Iterable[str]) -> Iterator[str]:
    digests: set[bytes] = set()
    for text in texts:
        if (digest := _digest(text)) not in digests:
            digests.add(digest)
            yield text


# ---- mining --------------------------------------------------------------------------------------


def _mine_rows(
    encoder: "TextEncoder",
    rows: Rows,
    index: "Index",
    rules: Rules,
    positives: set[bytes],
    judge: Reranker | None,
) -> Iterator[MinedRow]:
    """The negatives of each row, in order; `positives` holds the digest of each pair of anchor and positive."""
    announce(encoder, "document", "query")
    rng, pairs = random.Random(rules.seed), _pairs(rows)
    with track("mining", total=sum(1 for _ in _pairs(rows)), unit="rows") as advance:
        while chunk := list(islice(pairs, ENCODE_BATCH)):
            vectors = finite_unit(_encode(encoder, chunk)[:, : index.origin.kept], rows.name)
            anchors = vectors[: len(chunk)]
            similarities = (anchors * vectors[len(chunk) :]).sum(axis=1)
            nearest = _nearest(index, anchors, rules.depth)
            for (anchor, positive), similarity, hits in zip(chunk, similarities.tolist(), nearest, strict=True):
                others = list(_without_positives(anchor, hits, positives))
                if judge is None:
                    chosen = rules.choose(others, similarity, rng)
                else:
                    relevant = float(judge.relevances([(anchor, positive)])[0])
                    chosen = rules.choose(others, relevant, rng, relevance(judge, anchor, others))
                yield MinedRow(anchor, positive, similarity, chosen)
                advance(1)


def _encode(encoder: "TextEncoder", pairs: Sequence[tuple[str, str]]) -> Float32[np.ndarray, "text dim"]:
    """Vectors of the anchors, then of the positives; a model may have prompts for them: queries and documents."""
    anchors, positives = zip(*pairs, strict=True)
    of_queries, of_documents = prompted(encoder, "query"), prompted(encoder, "document")
    if of_queries == of_documents:
        return encoder.encode([*anchors, *positives], progress=False, **of_queries)
    sides = (anchors, of_queries), (positives, of_documents)
    return np.concatenate([encoder.encode(texts, progress=False, **prompt) for texts, prompt in sides])


def _nearest(index: "Index", queries: Float32[np.ndarray, "query dim"], depth: int) -> Iterator[list["Hit"]]:
    for start in range(0, len(queries), SEARCH_BATCH):
        yield from index.search_batch(queries[start : start + SEARCH_BATCH], depth)


def _without_positives(anchor: str, hits: Iterable["Hit"], positives: set[bytes]) -> Iterator["Hit"]:
    """The hits that are neither the anchor nor one of its positives, each text once."""
    digests = {_digest(anchor)}
    for hit in hits:
        if (digest := _digest(hit.text)) not in digests and _digest(anchor, hit.text) not in positives:
            digests.add(digest)
            yield hit
