"""Retrieval: whether the documents judged relevant for a query rank at the top of all documents.

The data are folders in the layout of BEIR (Thakur et al., 2021, https://arxiv.org/abs/2104.08663), read and scored as
by its code. Each query is compared with all documents, and a second time with those that an approximate index chooses.
"""

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from simemb.arguments import checked_fields
from simemb.corpus.delimited import head, is_number
from simemb.corpus.documents import documents_of
from simemb.corpus.formats import open_file
from simemb.corpus.rows import Rows
from simemb.encoder.prompts import Role
from simemb.errors import AbsentError, DataError
from simemb.evaluation import ranking
from simemb.evaluation.outcomes import Outcomes
from simemb.evaluation.scores import TaskScores
from simemb.evaluation.tasks.task import LoadedTask, Task, TaskResult
from simemb.evaluation.text_vectors import TextVectors
from simemb.extras import RANKINGS, Extra
from simemb.files import cache_folder, sha256_of
from simemb.search.nearest import SearchRequest, approximate, exact

log = logging.getLogger("simemb")

DEPTH = 1000
"""Length of a ranking, which only MAP uses in full; as in BEIR and TREC."""
MEASURES: dict[str, Callable[[Sequence[str], ranking.Judgments], float]] = {
    "ndcg@10": lambda documents, judged: ranking.ndcg(documents, judged, 10),
    "recall@1": lambda documents, judged: ranking.recall(documents, judged, 1),
    "recall@10": lambda documents, judged: ranking.recall(documents, judged, 10),
    "recall@100": lambda documents, judged: ranking.recall(documents, judged, 100),
    "mrr@10": lambda documents, judged: ranking.reciprocal_rank(documents, judged, 10),
    "map": ranking.average_precision,
}


@dataclass(frozen=True)
class RetrievalScores(TaskScores):
    """Means over queries of the measures of their rankings, in points (see `simemb.evaluation.ranking`).

    Attributes:
        exact: Measures of the rankings of all documents.
        approximate: Measures of the rankings of the documents that the index chooses.
        index: The kind of that index, and how much of it was searched.
        depth: Length of each ranking.
        documents: The number of documents.
        queries: The number of queries with a relevant document; only these are scored.
        without_relevant: The number of judged queries without one, which are left out (trec_eval counts them as 0).
        judgments: The number of judgments of the scored queries.
        absent: The number of these judgments whose document is not in the corpus, so that no ranking can find it.
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
        """`ndcg@10` etc. by exact search; `approximate.ndcg@10` etc. through the index."""
        return self.exact | {f"approximate.{name}": value for name, value in self.approximate.items()}


@checked_fields
@dataclass(frozen=True)
class Retrieval(Task):
    """A folder in BEIR layout: documents, queries, and judgments of the relevance of documents for queries.

    Attributes:
        folder: The name of a folder in `retrieval/` of the `$SIMEMB_DATA` layout, or the path of a folder. It holds
            corpus.jsonl (_id or id, title, text) and queries.jsonl (_id or id, text), each optionally .gz, and
            qrels/<split>.tsv or qrels_<split>.tsv (query-id, corpus-id, score).
        split: The split of the judgments.
        kind: The kind of the approximate index (see `simemb.Index`).
        effort: How thoroughly the index is searched (see `simemb.Index`).
    """

    needs: ClassVar[Extra] = RANKINGS

    folder: str | Path
    split: str = "test"
    kind: str = "ivf"
    effort: int = 128

    @classmethod
    def at(cls, path: Path) -> "Retrieval":
        """The task of the folder at `path`, with the split "test", else "dev", else the first split that exists."""
        splits = _Folder(path, str(path)).splits()
        first = next((split for split in ("test", "dev", *splits) if split in splits), "test")
        return cls(path.resolve().name, path, first)

    def load(self) -> "LoadedRetrieval":
        """Read the folder; `AbsentError` if there is none of that name, `DataError` if it cannot be used."""
        return LoadedRetrieval(self, _find_folder(self.folder))


class LoadedRetrieval(LoadedTask):
    """Documents, queries and judgments.

    Attributes:
        documents: Id -> text, by descending id, which is how trec_eval orders documents of equal score.
        queries: Id -> text of the queries with a relevant document.
        judgments: Query -> document -> relevance, of these queries.
        without_relevant: The number of other queries with judgments.
        absent: The number of judgments whose document is not in the corpus.
    """

    def __init__(self, task: Retrieval, folder: "_Folder"):
        self._task = task
        corpus, queries = (folder.first(f"{name}.jsonl", f"{name}.jsonl.gz") for name in ("corpus", "queries"))
        qrels = folder.qrels(task.split)
        self.documents = dict(sorted(_texts(folder, corpus).items(), reverse=True))
        all_queries = _texts(folder, queries)
        judgments = _judgments(folder, qrels, queries, all_queries)
        self.judgments = {
            query: judged for query, judged in judgments.items() if any(relevance > 0 for relevance in judged.values())
        }
        self.queries = {query: all_queries[query] for query in self.judgments}
        self.without_relevant = len(judgments) - len(self.judgments)
        self.absent = self._count_absent(folder.label(qrels))
        self.origins = {folder.label(file): sha256_of(folder.path / file) for file in (corpus, queries, qrels)}

    def texts(self) -> Iterator[str]:
        """All documents, and the queries that are scored."""
        return (text for _, text in self.by_role())

    def by_role(self) -> Iterator[tuple[Role, str]]:
        """Each as a document or as a query."""
        for text in self.documents.values():
            yield "document", text
        for text in self.queries.values():
            yield "query", text

    def score(self, vectors: TextVectors) -> TaskResult:
        """Mean measures by exact search and through the index; the outcomes are nDCG@10 of queries by exact search."""
        queries = vectors.of("query", list(self.queries.values()))
        texts = list(self.documents.values())
        # One more, since a document that is the query itself is removed.
        request = SearchRequest(
            queries, lambda start, stop: vectors.of("document", texts[start:stop]), len(texts), DEPTH + 1
        )
        best = self._measure(exact(request))
        rows, index = approximate(request, self._task.kind, self._task.effort)
        scores = RetrievalScores(
            exact=_mean(best),
            approximate=_mean(self._measure(rows)),
            index=index,
            depth=DEPTH,
            documents=len(texts),
            queries=len(self.queries),
            without_relevant=self.without_relevant,
            judgments=sum(map(len, self.judgments.values())),
            absent=self.absent,
        )
        return TaskResult(scores, self._outcomes([measures["ndcg@10"] for measures in best]))

    def _measure(self, rows: NDArray[np.int64]) -> list[dict[str, float]]:
        """All measures of each query, whose nearest documents are `rows` [query, hit]."""
        names = list(self.documents)
        measures: list[dict[str, float]] = []
        for (query, judged), hits in zip(self.judgments.items(), rows.tolist(), strict=True):
            # As in BEIR, a query that is a document too does not retrieve itself.
            documents = [names[row] for row in hits if names[row] != query][:DEPTH]
            measures.append({name: measure(documents, judged) for name, measure in MEASURES.items()})
        return measures

    def _outcomes(self, values: Sequence[float]) -> Outcomes:
        texts = [(text,) for text in self.queries.values()]
        return Outcomes(texts, np.array(values), None, [self._task.split] * len(texts))

    def _count_absent(self, qrels: str) -> int:
        """The number of judgments whose document is not in the corpus; BEIR's ArguAna has a few.

        Raises:
            DataError: there are no relevant documents, or none of the judged documents is in the corpus.
        """
        judged = [document for of_query in self.judgments.values() for document in of_query]
        absent = [document for document in judged if document not in self.documents]
        if not judged:
            raise DataError(f"{qrels}: no query has a relevant document (a score above 0)")
        if len(absent) == len(judged):
            raise DataError(f"{qrels}: none of the judged documents is in the corpus; the first: {absent[0]!r}")
        if absent:
            share = f"{len(absent)} of {len(judged)} judgments are of documents"
            log.warning("%s: %s that are not in the corpus, so they cannot be found: %r ...", qrels, share, absent[0])
        return len(absent)


def _mean(measures: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: 100 * fmean(of_query[name] for of_query in measures) for name in MEASURES}


@dataclass(frozen=True)
class _Folder:
    """A folder in BEIR layout, and its name in messages and records."""

    path: Path
    name: str

    def label(self, file: str) -> str:
        """The name of a file in messages and records."""
        return f"{self.name}/{file}"

    def first(self, *files: str) -> str:
        """The first of these files that exists."""
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
            splits = ", ".join(self.splits()) or "none"
            raise DataError(f"{self.name} has no {' or '.join(files)} (splits there: {splits})") from None

    def splits(self) -> list[str]:
        """The splits with judgments."""
        beir = [path.stem for path in self.path.glob("qrels/*.tsv")]
        return sorted({*beir, *(path.stem.removeprefix("qrels_") for path in self.path.glob("qrels_*.tsv"))})

    def rows(self, file: str, *columns: str, score: str | None = None) -> Rows:
        """The rows of a file."""
        path, name = self.path / file, self.label(file)
        return Rows(open_file(path, name), name, lambda: sha256_of(path), columns=columns, score=score)


def _find_folder(folder: str | Path) -> _Folder:
    """The folder at a path, or the folder of a name in `$SIMEMB_DATA` or the cache."""
    if isinstance(folder, Path):
        return _Folder(folder, str(folder))
    data, cache, name = os.environ.get("SIMEMB_DATA"), cache_folder(), f"retrieval/{folder}"
    for place in (*([Path(data)] if data else []), cache):
        if (place / name).is_dir():
            return _Folder(place / name, name)
    places = f"$SIMEMB_DATA ({Path(data) / name if data else 'not set'}) and not in the cache ({cache / name})"
    advice = "set SIMEMB_DATA to a folder that holds it, or copy it into the cache"
    raise AbsentError(f"retrieval set {folder!r} was not found: not in {places}; {advice}")


def _texts(folder: _Folder, file: str) -> dict[str, str]:
    """Id -> text of each document or query; a title is put before the text, as in BEIR."""
    documents = documents_of(folder.rows(file, "text"))
    if documents.id is None:
        raise DataError(f"{folder.label(file)} has no column _id or id: documents and queries are judged by their ids")
    return {document.id or "": document.text.strip() for document in documents}


def _judgments(folder: _Folder, qrels: str, queries: str, texts: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """Query -> document -> relevance, in the order of the file; `texts` are those of the queries, by id."""
    _check_header(folder, qrels)
    rows = folder.rows(qrels, "query-id", "corpus-id", score="score")
    judgments: dict[str, dict[str, int]] = {}
    for number, (query, document, score) in enumerate(rows.scored(), 1):
        place = f"{rows.name}, judgment {number}"
        if query not in texts:
            raise DataError(f"{place}: the query {query!r} is not in {folder.label(queries)}")
        if score != int(score):
            raise DataError(f"{place}: score {score:g} is not a whole number")
        if document in judgments.setdefault(query, {}):
            raise DataError(f"{place}: query {query!r} and document {document!r} were judged before")
        judgments[query][document] = int(score)
    return judgments


def _check_header(folder: _Folder, qrels: str) -> None:
    """Raise `DataError` for judgments without a header, TREC's among them, with the command that writes BEIR's."""
    first = next(iter(head(folder.path / qrels, folder.label(qrels))), "").split()
    if len(first) not in (3, 4) or not is_number(first[-1]):
        return
    what = "a line of TREC's qrels (query, 0, document, relevance)" if len(first) == 4 else "a judgment"
    document = len(first) - 1
    names = 'print "query-id", "corpus-id", "score"'
    command = f"awk -v OFS='\\t' 'NR == 1 {{{names}}} {{print $1, ${document}, ${document + 1}}}' FILE > FILE.tsv"
    raise DataError(f"{folder.label(qrels)}: the first line is {what}, and a header line is needed: {command}")
