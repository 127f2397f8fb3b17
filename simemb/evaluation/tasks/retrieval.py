"""Retrieval: for each query, do the documents that people judged relevant stand at the top of all documents?

Folders in the layout of BEIR (Thakur et al., 2021, https://arxiv.org/abs/2104.08663), read and scored as its code
does; every document is compared with every query, and once more through the approximate index.
"""

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from simemb.corpus.formats import open_file
from simemb.corpus.rows import Rows
from simemb.corpus.sources import cache_folder, sha256_of
from simemb.errors import AbsentError, DataError
from simemb.evaluation import ranking
from simemb.evaluation.outcomes import Outcomes
from simemb.evaluation.scores import TaskScores
from simemb.evaluation.tasks.task import LoadedTask, Task, TaskResult
from simemb.evaluation.text_vectors import TextVectors
from simemb.search.nearest import SearchRequest, approximate, exact

log = logging.getLogger("simemb")

DEPTH = 1000
"""Documents of a ranking that count, for MAP: as many as BEIR and TREC take."""
MEASURES: dict[str, Callable[[Sequence[str], ranking.Judgments], float]] = {
    "ndcg@10": lambda found, judged: ranking.ndcg(found, judged, 10),
    "recall@1": lambda found, judged: ranking.recall(found, judged, 1),
    "recall@10": lambda found, judged: ranking.recall(found, judged, 10),
    "recall@100": lambda found, judged: ranking.recall(found, judged, 100),
    "mrr@10": lambda found, judged: ranking.reciprocal_rank(found, judged, 10),
    "map": ranking.average_precision,
}


@dataclass(frozen=True)
class RetrievalScores(TaskScores):
    """Means over queries of the measures of their rankings, in points (see `simemb.evaluation.ranking`).

    Attributes:
        exact: Where every document is compared with the query.
        approximate: Where the index chooses which to compare.
        index: How that index was arranged, and how much of it was looked at.
        depth: Documents of each ranking that count.
        documents: All there are.
        queries: Those with a relevant document; they are scored.
        without_relevant: Judged queries with none, which are left out (trec_eval counts them as 0).
        judgments: Of the queries scored.
        absent: Judgments among them of a document that is not there, which no ranking can find.
    """

    exact: dict[str, float]
    approximate: dict[str, float]
    index: str
    depth: int
    documents: int
    queries: int
    without_relevant: int
    judgments: int
    absent: int

    def numbers(self) -> dict[str, float]:
        """`ndcg@10` and so on by exact search; `approximate.ndcg@10` and so on through the index."""
        return self.exact | {f"approximate.{name}": value for name, value in self.approximate.items()}


@dataclass(frozen=True)
class Retrieval(Task):
    """A folder in BEIR layout: documents, queries, and which documents are relevant for which query.

    Attributes:
        folder: The name of a folder in `retrieval/` of the `$SIMEMB_DATA` layout, or the path of one. In it
            corpus.jsonl (_id, title, text) and queries.jsonl (_id, text), each perhaps .gz, and qrels/<split>.tsv or
            qrels_<split>.tsv (query-id, corpus-id, score).
        split: Whose judgments.
        kind: How the approximate index is arranged (see `simemb.search.segment.arrange`).
        effort: How thoroughly it is searched (see `simemb.Index`).
    """

    folder: str | Path
    split: str = "test"
    kind: str = "ivf"
    effort: int = 128

    @classmethod
    def at(cls, path: Path) -> "Retrieval":
        """The task of a folder by its path: the split "test", else "dev", else the first there is."""
        splits = _Folder(path, str(path)).splits()
        first = next((split for split in ("test", "dev", *splits) if split in splits), "test")
        return cls(path.resolve().name, path, first)

    def load(self) -> "LoadedRetrieval":
        """Read the folder; `AbsentError` if the layout has none of that name, `DataError` for what cannot be used."""
        return LoadedRetrieval(self, _found(self.folder))


class LoadedRetrieval(LoadedTask):
    """Documents, queries and judgments.

    Attributes:
        documents: Id -> text, the ids falling: in the order in which trec_eval has documents of equal score.
        queries: Id -> text of those that have a relevant document.
        judgments: Query -> document -> relevance, of these queries.
        without_relevant: How many other queries have judgments.
        absent: How many of the judgments are of a document that is not there.
    """

    def __init__(self, task: Retrieval, folder: "_Folder"):
        self._task = task
        corpus, queries = (folder.first(f"{name}.jsonl", f"{name}.jsonl.gz") for name in ("corpus", "queries"))
        qrels = folder.qrels(task.split)
        self.documents = dict(sorted(_documents(folder, corpus).items(), reverse=True))
        asked = _unique(folder.rows(queries, "_id", "text"))
        judged = _judgments(folder, qrels, queries, asked)
        self.judgments = {
            query: found for query, found in judged.items() if any(relevance > 0 for relevance in found.values())
        }
        self.queries = {query: asked[query] for query in self.judgments}
        self.without_relevant = len(judged) - len(self.judgments)
        self.absent = self._count_absent(folder.shown(qrels))
        self.origins = {folder.shown(file): sha256_of(folder.path / file) for file in (corpus, queries, qrels)}

    def texts(self) -> Iterator[str]:
        """Every document and every query that is scored."""
        yield from self.documents.values()
        yield from self.queries.values()

    def score(self, vectors: TextVectors) -> TaskResult:
        """The measures of each query's ranking, by exact search and through the index, and their means."""
        queries = vectors[list(self.queries.values())]
        texts = list(self.documents.values())
        # One more, since a document that is the query itself does not count.
        request = SearchRequest(queries, lambda start, stop: vectors[texts[start:stop]], len(texts), DEPTH + 1)
        best = self._measured(exact(request))
        rows, index = approximate(request, self._task.kind, self._task.effort)
        scores = RetrievalScores(
            exact=_mean(best),
            approximate=_mean(self._measured(rows)),
            index=index,
            depth=DEPTH,
            documents=len(texts),
            queries=len(self.queries),
            without_relevant=self.without_relevant,
            judgments=sum(map(len, self.judgments.values())),
            absent=self.absent,
        )
        return TaskResult(scores, self._outcomes([found["ndcg@10"] for found in best]))

    def _measured(self, rows: NDArray[np.int64]) -> list[dict[str, float]]:
        """Every measure of each query, whose nearest documents are in `rows` [query, hit]."""
        names = list(self.documents)
        measured: list[dict[str, float]] = []
        for (query, judged), hits in zip(self.judgments.items(), rows.tolist(), strict=True):
            # BEIR has queries that are documents too, and does not count that they find themselves.
            found = [names[row] for row in hits if names[row] != query][:DEPTH]
            measured.append({name: measure(found, judged) for name, measure in MEASURES.items()})
        return measured

    def _outcomes(self, values: Sequence[float]) -> Outcomes:
        texts = [(text,) for text in self.queries.values()]
        return Outcomes(texts, np.array(values), None, [self._task.split] * len(texts))

    def _count_absent(self, qrels: str) -> int:
        """How many judgments are of no document: a few occur in BEIR's own ArguAna, but not all of them may."""
        judged = [document for found in self.judgments.values() for document in found]
        absent = [document for document in judged if document not in self.documents]
        if not judged:
            raise DataError(f"{qrels}: no query has a relevant document (a score above 0)")
        if len(absent) == len(judged):
            raise DataError(f"{qrels}: none of the judged documents is in the corpus; the first: {absent[0]!r}")
        if absent:
            share = f"{len(absent)} of {len(judged)} judgments are of documents"
            log.warning("%s: %s that are not in the corpus, so they cannot be found: %r ...", qrels, share, absent[0])
        return len(absent)


def _mean(measured: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: 100 * fmean(found[name] for found in measured) for name in MEASURES}


@dataclass(frozen=True)
class _Folder:
    """Where a folder is, and what messages and records call it."""

    path: Path
    name: str

    def shown(self, file: str) -> str:
        return f"{self.name}/{file}"

    def first(self, *files: str) -> str:
        """The first of these files that is there."""
        for file in files:
            if (self.path / file).is_file():
                return file
        layout = "a folder in BEIR layout has corpus.jsonl, queries.jsonl and qrels/test.tsv"
        raise DataError(f"{self.name} has no {' or '.join(files)}: {layout}")

    def qrels(self, split: str) -> str:
        """The file with the judgments of a split."""
        files = f"qrels/{split}.tsv", f"qrels_{split}.tsv"
        try:
            return self.first(*files)
        except DataError:
            there = ", ".join(self.splits()) or "none"
            raise DataError(f"{self.name} has no {' or '.join(files)} (splits there: {there})") from None

    def splits(self) -> list[str]:
        """The splits that have judgments."""
        beir = [path.stem for path in self.path.glob("qrels/*.tsv")]
        return sorted({*beir, *(path.stem.removeprefix("qrels_") for path in self.path.glob("qrels_*.tsv"))})

    def rows(self, file: str, *columns: str, score: str | None = None) -> Rows:
        """The rows of a file."""
        path, name = self.path / file, self.shown(file)
        return Rows(open_file(path, name), name, lambda: sha256_of(path), columns=columns, score=score)


def _found(folder: str | Path) -> _Folder:
    """The folder at a path, or the one of that name in the `$SIMEMB_DATA` layout."""
    if isinstance(folder, Path):
        return _Folder(folder, str(folder))
    data, cache, name = os.environ.get("SIMEMB_DATA"), cache_folder(), f"retrieval/{folder}"
    for place in (*([Path(data)] if data else []), cache):
        if (place / name).is_dir():
            return _Folder(place / name, name)
    looked = f"$SIMEMB_DATA ({Path(data) / name if data else 'not set'}) and not in the cache ({cache / name})"
    advice = "set SIMEMB_DATA to a folder that holds it, or copy it into the cache"
    raise AbsentError(f"retrieval set {folder!r} was not found: not in {looked}; {advice}")


def _documents(folder: _Folder, file: str) -> dict[str, str]:
    """Id -> text of every document; a title stands before the text, as in BEIR."""
    titled = "title" in open_file(folder.path / file, folder.shown(file)).columns
    rows = folder.rows(file, "_id", *(["title"] if titled else []), "text")
    return {name: text.strip() for name, text in _unique(rows).items()}


def _unique(rows: Rows) -> dict[str, str]:
    """Id -> the other columns, with a blank between; an id that occurs twice is an error."""
    found: dict[str, str] = {}
    for number, (name, *texts) in enumerate(rows.texts(), 1):
        if name in found:
            raise DataError(f"{rows.name}, row {number}: the id {name!r} occurs twice")
        found[name] = " ".join(texts)
    return found


def _judgments(folder: _Folder, qrels: str, queries: str, asked: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """Query -> document -> relevance, in the order of the file."""
    rows = folder.rows(qrels, "query-id", "corpus-id", score="score")
    found: dict[str, dict[str, int]] = {}
    for number, (query, document, score) in enumerate(rows.scored(), 1):
        place = f"{rows.name}, judgment {number}"
        if query not in asked:
            raise DataError(f"{place}: the query {query!r} is not in {folder.shown(queries)}")
        if score != int(score):
            raise DataError(f"{place}: score {score:g} is not a whole number")
        if document in found.setdefault(query, {}):
            raise DataError(f"{place}: query {query!r} and document {document!r} were judged before")
        found[query][document] = int(score)
    return found
