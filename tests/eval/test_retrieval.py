"""The retrieval suite on real data: sizes, and a real encoder against trec_eval itself."""

from pathlib import Path

import numpy as np
import pytest

from simemb import Encoder, evaluate
from simemb.evaluation.evaluate import find
from simemb.evaluation.suite import Suite
from simemb.evaluation.tasks.retrieval import LoadedRetrieval

SIZES = {"scifact": (5183, 300, 339), "captions": (4000, 1000, 4000)}


@pytest.fixture(scope="module")
def loaded(shared_data: Path) -> dict[str, LoadedRetrieval]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIMEMB_DATA", str(shared_data))
        return {task.name: task.load() for task in find("retrieval").tasks}


@pytest.fixture(scope="module")
def potion(shared_models: Path) -> Encoder:
    return Encoder.load(shared_models / "potion-base-4M")


def test_the_sets_have_the_published_sizes(loaded):
    sizes = {
        name: (len(task.documents), len(task.queries), sum(map(len, task.judgments.values())))
        for name, task in loaded.items()
    }
    assert sizes == SIZES
    assert all(task.without_relevant == task.absent == 0 for task in loaded.values())


def test_every_file_is_on_record(loaded):
    files = {"corpus.jsonl.gz", "queries.jsonl", "qrels_test.tsv"}
    assert set(loaded["scifact"].origins) == {f"retrieval/scifact/{file}" for file in files}


def test_the_suite_is_scored_with_what_is_there(tmp_path, monkeypatch, shared_data, potion):
    monkeypatch.setenv("SIMEMB_DATA", str(tmp_path))
    (tmp_path / "retrieval").mkdir()
    (tmp_path / "retrieval" / "captions").symlink_to(shared_data / "retrieval" / "captions")
    scores = evaluate(potion, "retrieval")
    assert (scores.missing, list(scores.tasks)) == (("scifact",), ["captions"])
    assert scores.points == scores.tasks["captions"].numbers()["ndcg@10"]


def test_static_embeddings_have_the_scores_that_trec_eval_gives_their_cosines(loaded, potion, shared_data):
    pytrec_eval = pytest.importorskip("pytrec_eval")
    task = loaded["captions"]
    queries, documents = (
        potion.encode(list(texts.values()), normalize=True).astype(np.float64)
        for texts in (task.queries, task.documents)
    )
    names = np.array(list(task.documents))
    run = {}
    for query, cosines in zip(task.queries, (queries @ documents.T).astype(np.float32), strict=True):
        # with all that ties at rank 1000, so that trec_eval, not this test, decides what is cut
        top = np.flatnonzero(cosines >= np.sort(cosines)[-1000])
        run[query] = dict(zip(names[top].tolist(), cosines[top].tolist(), strict=True))
    measures = {"ndcg@10": "ndcg_cut_10", "recall@1": "recall_1", "recall@100": "recall_100", "map": "map_cut_1000"}
    evaluator = pytrec_eval.RelevanceEvaluator(
        task.judgments, {"ndcg_cut.10", "recall.1,100", "map_cut.1000"}
    ).evaluate(run)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIMEMB_DATA", str(shared_data))
        suite = Suite("captions", "one task", (find("retrieval").tasks[1],), None, "ndcg@10")
        scores = evaluate(potion, suite)
    for ours, theirs in measures.items():
        expected = 100 * np.mean([values[theirs] for values in evaluator.values()])
        # one query of 1,000 whose first two documents are equal up to float32's last digit moves recall@1 by 0.025
        assert scores.number(ours) == pytest.approx(expected, abs=0.03), ours
        assert scores.number(f"approximate.{ours}") == pytest.approx(expected, abs=1), ours
