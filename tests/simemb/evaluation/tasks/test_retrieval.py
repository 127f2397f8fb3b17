"""Retrieval on folders of our own: what is read, what is scored, and what is refused."""

import gzip
import json
import logging
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simemb import evaluate
from simemb.errors import AbsentError, DataError
from simemb.evaluation.ranking import average_precision, ndcg, rank_documents, recall, reciprocal_rank
from simemb.evaluation.suite import Suite
from simemb.evaluation.tasks.retrieval import MEASURES, LoadedRetrieval, Retrieval
from simemb.evaluation.text_vectors import TextVectors

CORPUS = [
    {"_id": "d1", "title": "Cats", "text": "a cat sat on a mat", "metadata": {}},
    {"_id": "d2", "title": "", "text": " a dog ran after a cat "},
    {"_id": "d10", "title": "", "text": "a dog ran after a cat"},
    {"_id": "d3", "title": "Rain", "text": "it rains all day"},
    {"_id": "q2", "title": "", "text": "rain all day"},
]
QUERIES = [
    {"_id": "q1", "text": "dogs run after cats", "metadata": {}},
    {"_id": "q2", "text": "rain all day"},
    {"_id": "q3", "text": "nothing relevant"},
    {"_id": "q4", "text": "never judged"},
]
QRELS = [("q2", "d3", 2), ("q1", "d2", 1), ("q1", "d1", 1), ("q1", "d3", 0), ("q3", "d1", 0), ("q2", "q2", 1)]


class Letters:
    """A sentence is how often each letter occurs in it."""

    name = "letters"

    def fingerprint(self) -> str:
        return "abc"

    def encode(self, texts: list[str], *, batch_size: int | None = None, progress: bool | None = None) -> np.ndarray:
        del batch_size, progress
        return np.array([[text.count(chr(97 + i)) for i in range(26)] for text in texts], dtype=np.float32)


def jsonl(records: list[Any]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def tsv(rows: list[tuple[Any, ...]]) -> str:
    return "".join("\t".join(map(str, row)) + "\n" for row in [("query-id", "corpus-id", "score"), *rows])


def folder(path: Path, **files: str) -> Path:
    """A small set in BEIR layout; `files` replace those of the same stem."""
    contents = {"corpus": jsonl(CORPUS), "queries": jsonl(QUERIES), "qrels": tsv(QRELS)} | files
    (path / "qrels").mkdir(parents=True)
    for stem, content in contents.items():
        name = "qrels/test.tsv" if stem == "qrels" else f"{stem}.jsonl"
        (path / name).write_text(content, encoding="utf-8")
    return path


def load(path: Path, split: str = "test") -> LoadedRetrieval:
    return Retrieval("mine", path, split).load()


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return folder(tmp_path / "mine")


def scored(path: Path, **options: Any):
    loaded = Retrieval("mine", path, **options).load()
    return loaded, loaded.score(TextVectors(Letters(), loaded.texts()))


def test_a_title_stands_before_the_text_and_blanks_at_the_ends_go(mine):
    documents = load(mine).documents
    assert documents["d1"] == "Cats a cat sat on a mat"
    assert documents["d2"] == documents["d10"] == "a dog ran after a cat"


def test_a_corpus_may_have_no_titles(tmp_path):
    path = folder(tmp_path / "bare", corpus=jsonl([{"_id": row["_id"], "text": row["text"]} for row in CORPUS]))
    assert load(path).documents["d1"] == "a cat sat on a mat"


def test_numbers_are_ids_and_a_title_may_be_missing(tmp_path):
    corpus = [{"_id": 1, "title": "Cats", "text": "a cat"}, {"_id": 2, "text": "rain"}]
    corpus += [{"_id": 3, "title": None, "text": "dogs"}]
    queries = [{"_id": 9, "text": "a cat"}]
    path = folder(tmp_path / "numbers", corpus=jsonl(corpus), queries=jsonl(queries), qrels=tsv([(9, 1, 1)]))
    loaded = load(path)
    assert loaded.documents == {"3": "dogs", "2": "rain", "1": "Cats a cat"}
    assert loaded.queries == {"9": "a cat"}


def test_documents_stand_in_the_order_that_decides_ties(mine):
    assert list(load(mine).documents) == ["q2", "d3", "d2", "d10", "d1"]


def test_only_queries_with_a_relevant_document_are_scored_and_the_others_counted(mine):
    loaded, (scores, outcomes) = scored(mine)
    assert list(loaded.queries) == ["q2", "q1"]
    assert (scores.queries, scores.without_relevant, scores.documents) == (2, 1, 5)
    assert (scores.judgments, scores.absent, scores.depth) == (5, 0, 1000)
    assert outcomes is not None
    assert outcomes.texts == [("rain all day",), ("dogs run after cats",)]
    assert "nothing relevant" not in set(loaded.texts())


def test_scores_are_the_means_of_the_measures_of_rankings_by_cosine(mine):
    loaded, (scores, outcomes) = scored(mine)
    measured: dict[str, list[float]] = {name: [] for name in MEASURES}
    for query, text in loaded.queries.items():
        cosines = {}
        for document, content in loaded.documents.items():
            a, b = (Letters().encode([one])[0].astype(np.float64) for one in (text, content))
            if document != query:
                cosines[document] = float(np.float32(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))
        ranking, judgments = rank_documents(cosines), {d: score for q, d, score in QRELS if q == query}
        measured["ndcg@10"].append(ndcg(ranking, judgments, 10))
        for k in (1, 10, 100):
            measured[f"recall@{k}"].append(recall(ranking, judgments, k))
        measured["mrr@10"].append(reciprocal_rank(ranking, judgments, 10))
        measured["map"].append(average_precision(ranking, judgments))
    assert scores.exact == {name: pytest.approx(100 * np.mean(values)) for name, values in measured.items()}
    assert outcomes.values == pytest.approx(measured["ndcg@10"])
    assert outcomes.gold is None
    assert outcomes.statistic() == pytest.approx(scores.exact["ndcg@10"])


def test_a_query_does_not_find_itself(mine):
    _, (scores, _) = scored(mine)
    # q2 is judged relevant for itself, but it cannot be found: of its two relevant documents one at most is.
    assert scores.exact["recall@100"] == pytest.approx(100 * (0.5 + 1) / 2)


def test_the_index_misses_nothing_in_a_small_set(mine):
    _, (scores, _) = scored(mine)
    assert scores.approximate == scores.exact
    assert scores.numbers().keys() == {*MEASURES, *(f"approximate.{name}" for name in MEASURES)}
    assert scores.index == "ivf, effort 128: 1 of 1 cells"
    assert scored(mine, kind="hnsw", effort=9)[1].scores.index == "hnsw, effort 9"


def test_a_suite_of_it_is_averaged_recorded_and_compared_unit_by_unit(mine):
    suite = Suite("two", "twice the same", (Retrieval("a", mine), Retrieval("b", mine)), None, "ndcg@10")
    scores = evaluate(Letters(), suite)
    assert scores.points == scores.tasks["a"].numbers()["ndcg@10"]
    record = scores.to_json()
    assert record["tasks"]["b"]["exact"]["map"] == scores.number("map")
    assert record["average"]["approximate.recall@100"] == scores.number("approximate.recall@100")
    files = ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv")
    assert scores.data == {f"{mine}/{file}": sha256((mine / file).read_bytes()).hexdigest() for file in files}
    assert len(scores.outcomes["a"]) == 2


def test_the_path_of_a_folder_is_a_suite(mine, tmp_path):
    scores = evaluate(Letters(), str(mine))
    assert (scores.suite, scores.headline, list(scores.tasks)) == ("mine", "ndcg@10", ["mine"])
    with pytest.raises(DataError, match=r"has no corpus\.jsonl or corpus\.jsonl\.gz"):
        evaluate(Letters(), tmp_path)


def test_files_may_be_packed_and_judgments_may_lie_beside_the_corpus(mine):
    plain = load(mine)
    for name in ("corpus.jsonl", "queries.jsonl"):
        (mine / f"{name}.gz").write_bytes(gzip.compress((mine / name).read_bytes()))
        (mine / name).unlink()
    (mine / "qrels" / "test.tsv").rename(mine / "qrels_test.tsv")
    packed = load(mine)
    assert (packed.documents, packed.queries) == (plain.documents, plain.queries)
    assert packed.judgments == plain.judgments
    assert set(packed.origins) == {
        f"{mine}/{name}" for name in ("corpus.jsonl.gz", "queries.jsonl.gz", "qrels_test.tsv")
    }


def test_ids_may_be_called_id(tmp_path):
    files = {"corpus": CORPUS, "queries": QUERIES}
    renamed = {name: jsonl(records).replace('"_id"', '"id"') for name, records in files.items()}
    loaded, usual = load(folder(tmp_path / "id", **renamed)), load(folder(tmp_path / "_id"))
    assert (loaded.documents, loaded.queries) == (usual.documents, usual.queries)


@pytest.mark.parametrize("lines", ["q1 0 d1 1\nq2 0 d3 2\n", "q1\td1\t1\nq2\td3\t2\n"])
def test_the_command_that_is_named_for_judgments_without_a_header_works(tmp_path, lines):
    path = folder(tmp_path / "trec", qrels=lines)
    qrels = path / "qrels" / "test.tsv"
    with pytest.raises(DataError) as error:
        load(path)
    command = str(error.value).partition("needed: ")[2]
    written = command.replace("FILE.tsv", str(tmp_path / "new.tsv")).replace("FILE", str(qrels))
    subprocess.run(["bash", "-c", written], check=True)
    (tmp_path / "new.tsv").replace(qrels)
    assert load(path).judgments == {"q1": {"d1": 1}, "q2": {"d3": 2}}


def test_a_name_is_looked_for_in_the_layout_and_then_in_the_cache(mine, tmp_path, monkeypatch):
    task = Retrieval("mine", "mine")
    monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SIMEMB_DATA", str(tmp_path / "data"))
    with pytest.raises(AbsentError, match=r"'mine' was not found: .*data/retrieval/mine.* cache") as error:
        task.load()
    assert "\n" not in str(error.value)
    monkeypatch.delenv("SIMEMB_DATA")
    with pytest.raises(AbsentError, match=r"not in \$SIMEMB_DATA \(not set\)"):
        task.load()
    folder(tmp_path / "cache" / "retrieval" / "mine")
    assert next(iter(task.load().origins)) == "retrieval/mine/corpus.jsonl"
    monkeypatch.setenv("SIMEMB_DATA", str(tmp_path / "data"))
    folder(tmp_path / "data" / "retrieval" / "mine", corpus=jsonl(CORPUS[:4]))
    assert len(task.load().documents) == 4


def test_the_path_of_a_folder_is_a_task_with_the_split_it_has(mine, monkeypatch):
    assert Retrieval.at(mine) == Retrieval("mine", mine, "test")
    (mine / "qrels" / "dev.tsv").write_text(tsv(QRELS))
    assert Retrieval.at(mine).split == "test"
    (mine / "qrels" / "test.tsv").unlink()
    assert Retrieval.at(mine).split == "dev"
    (mine / "qrels" / "dev.tsv").rename(mine / "qrels_train.tsv")
    assert Retrieval.at(mine).split == "train"
    monkeypatch.chdir(mine)
    assert Retrieval.at(Path()).name == "mine"
    assert len(Retrieval.at(Path()).load().queries) == 2


def test_a_judgment_of_a_document_that_is_not_there_counts_as_never_found(tmp_path, caplog):
    path = folder(tmp_path / "gap", qrels=tsv([*QRELS, ("q1", "lost", 1)]))
    with caplog.at_level(logging.WARNING, logger="simemb"):
        _, (scores, _) = scored(path)
    assert scores.absent == 1
    assert scores.exact["recall@100"] == pytest.approx(100 * (1 / 2 + 2 / 3) / 2)
    assert "1 of 6 judgments are of documents that are not in the corpus" in caplog.text
    assert "'lost'" in caplog.text


BROKEN = [
    ("corpus", "", r"corpus\.jsonl is empty"),
    ("corpus", "\n\n", r"corpus\.jsonl is empty"),
    ("corpus", jsonl(CORPUS)[:-9], r"corpus\.jsonl, line 5, column \d+: not valid JSON"),
    ("corpus", jsonl([*CORPUS, {"_id": "x", "title": ""}]), r"corpus\.jsonl, line 6, column 'text': nothing where"),
    ("corpus", jsonl([{"key": "x", "text": ""}]), r"corpus\.jsonl has no column _id or id"),
    ("corpus", jsonl([*CORPUS, CORPUS[1]]), r"corpus\.jsonl, line 6: the id 'd2' occurs twice, first in line 2"),
    ("corpus", jsonl([{"_id": 7.5, "text": "seven"}]), r"corpus\.jsonl, line 1, column '_id': the number 7.5 where an"),
    ("corpus", jsonl([{"_id": True, "text": "a"}]), r"corpus\.jsonl, line 1, column '_id': a boolean where an id is"),
    ("corpus", jsonl([{"_id": "7", "text": "a"}, {"_id": 7, "text": "b"}]), r"line 2: the id '7' occurs twice"),
    ("corpus", jsonl([{"_id": "x", "text": None}]), r"corpus\.jsonl, line 1, column 'text': null"),
    ("queries", jsonl([*QUERIES, QUERIES[0]]), r"queries\.jsonl, line 5: the id 'q1' occurs twice, first in line 1"),
    ("queries", jsonl([{"_id": "q1"}]), r"queries\.jsonl: unknown column 'text'"),
    ("qrels", "query\tdocument\tscore\n", r"test\.tsv: unknown column 'query-id'"),
    ("qrels", "q1\tQ0\td1\t1\n", r"a line of TREC's qrels .*a header line is needed: awk .*print \$1, \$3, \$4"),
    ("qrels", "q1 0 d1 1\n", r"a line of TREC's qrels .*a header line is needed: awk .*print \$1, \$3, \$4"),
    ("qrels", "q1\td1\t1\n", r"the first line is a judgment, and a header line is needed: awk .*print \$1, \$2, \$3"),
    ("qrels", tsv([]), r"test\.tsv has no rows"),
    ("qrels", tsv([("q1", "d1", 1), ("q9", "d1", 1)]), r"test\.tsv, judgment 2: the query 'q9' is not in .*queries"),
    ("qrels", tsv([("q1", "d1", 1), ("q1", "d1", 0)]), r"judgment 2: query 'q1' and document 'd1' were judged before"),
    ("qrels", tsv([("q1", "d1", 0.5)]), r"judgment 1: score 0\.5 is not a whole number"),
    ("qrels", tsv([("q1", "d1", "yes")]), r"test\.tsv, line 2, column 'score': 'yes' is not a finite number"),
    ("qrels", tsv([("q1", "d1")]), r"test\.tsv, line 2 has 2 columns, the header has 3"),
    ("qrels", tsv([("q1", "d1", 0)]), r"test\.tsv: no query has a relevant document"),
    ("qrels", tsv([("q1", "x", 1), ("q1", "y", 1)]), r"test\.tsv: none of the judged documents is in the corpus.*'x'"),
]


@pytest.mark.parametrize(("stem", "content", "message"), BROKEN, ids=[message for *_, message in BROKEN])
def test_what_cannot_be_used_is_refused_in_one_line_with_its_place(tmp_path, stem, content, message):
    with pytest.raises(DataError, match=message) as error:
        load(folder(tmp_path / "broken", **{stem: content}))
    assert "\n" not in str(error.value)


def test_a_missing_file_or_split_is_named_with_what_is_there(mine, tmp_path):
    with pytest.raises(DataError, match=r"mine has no qrels/dev\.tsv or qrels_dev\.tsv \(splits there: test\)"):
        load(mine, "dev")
    with pytest.raises(DataError, match=r"has no corpus\.jsonl or corpus\.jsonl\.gz: a folder in BEIR layout has"):
        load(tmp_path)


def test_documents_count_among_the_texts_that_an_encoder_is_scored_on(tmp_path: Path):
    loaded = load(folder(tmp_path / "mine"))
    assert {*loaded.test_texts()} == {*loaded.documents.values(), *loaded.queries.values()}
    scores = evaluate(Letters(), tmp_path / "mine")
    assert "a cat sat on a mat" in " ".join(scores.texts["mine"])
    assert "dogs run after cats" in scores.texts["mine"]
