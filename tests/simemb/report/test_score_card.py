"""The section "Scores" of a run's model card: made from the records in scores/, the rest of the card untouched."""

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from simemb.comparison.contamination import Overlap, TaskOverlap
from simemb.errors import DataError
from simemb.evaluation.scores import BinaryScores, Correlation, Scores, SimilarityScores, TaskScores
from simemb.evaluation.tasks.geometry import GeometryMeasures, VectorGeometryScores
from simemb.evaluation.tasks.retrieval import RetrievalScores
from simemb.report import score_card

BODY = "\n---\n\n# A sentence encoder\n\nWords of mine.\n\n## Training\n\n- seed 1\n"
CARD = f"---\nlibrary_name: x{BODY}"
LOW, HIGH = Correlation(10.0, 11.0), Correlation(76.543, 70.0)


def similarity(correlation: Correlation) -> SimilarityScores:
    return SimilarityScores(correlation, LOW, LOW, 5, {})


def scores(suite: str = "sts", *, headline: str = "spearman", **tasks: TaskScores) -> Scores:
    return Scores(
        model="a run",
        fingerprint="f",
        suite=suite,
        tasks=tasks,
        average=next(iter(tasks.values())).average(list(tasks.values())),
        geometry=None,
        data={},
        versions={},
        date="2026-01-02T03:04:05+00:00",
        headline=headline,
    )


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "best").mkdir()
    (tmp_path / "best" / "README.md").write_text(CARD, encoding="utf-8")
    return tmp_path


def card_after(run: Path, *found: Scores) -> str:
    for one in found:
        name = f"{one.suite.replace(':', '-').replace('/', '-')}@{one.truncate_dim}"
        one.save(run / "scores" / f"{name}.json", overwrite=True)
    path = score_card.update(run)
    assert path == run / "best" / "README.md"
    return path.read_text(encoding="utf-8")


def test_the_card_gets_the_headline_of_each_task_and_their_average(run: Path) -> None:
    after = card_after(run, scores(stsb=similarity(HIGH), sickr=similarity(Correlation(70.0, 1.0))))
    assert BODY in after
    assert "\n## Scores\n\n### sts\n\nspearman, in points; 2026-01-02\n" in after
    assert "| stsb | sickr | average |\n| ---: | ---: | ---: |\n| 76.54 | 70.00 | 73.27 |\n" in after
    data: Any = ModelCard(after).data
    found = {(each.dataset_name, each.metric_type): each.metric_value for each in data.eval_results}
    expected = {"stsb": 0.76543, "sickr": 0.7, "sts": 0.732715}
    assert found == {(name, "spearman_cosine"): value for name, value in expected.items()}
    assert data.library_name == "x"


def test_writing_it_again_changes_nothing_and_new_scores_take_the_place_of_the_old(run: Path) -> None:
    first = card_after(run, scores(stsb=similarity(HIGH)))
    assert card_after(run, scores(stsb=similarity(HIGH))) == first
    second = card_after(run, scores(stsb=similarity(LOW)))
    assert "76.54" not in second
    assert second.count("## Scores") == 1
    assert BODY in second


def test_what_stands_below_the_section_stays(run: Path) -> None:
    card_after(run, scores(stsb=similarity(HIGH)))
    card = run / "best" / "README.md"
    card.write_text(card.read_text(encoding="utf-8") + "\n## My notes\n\nKeep these.\n", encoding="utf-8")
    after = card_after(run, scores(stsb=similarity(LOW)))
    assert "## My notes\n\nKeep these.\n" in after
    assert BODY in after
    assert card_after(run) == after


def test_a_headline_that_is_no_share_is_not_said_to_be_in_points(run: Path) -> None:
    shape = GeometryMeasures({"uniformity": -2.5}, (), ())
    found = VectorGeometryScores(shape, None, 0, 4.0, (), (), 5, 9)
    after = card_after(run, scores("geometry", headline="uniformity", stsb=found))
    assert "### geometry\n\nuniformity; 2026-01-02\n" in after
    assert "| -2.50 | -2.50 |" in after


def test_numbers_are_found_in_the_record_of_any_kind_of_task(run: Path) -> None:
    binary = BinaryScores(LOW, LOW, LOW, 5, {}, 91.234, 1.0, 2.0, 0.1, 3.0, 0.2, 2)
    found = RetrievalScores({"ndcg@10": 61.0}, {"ndcg@10": 59.0}, "flat", 10, 5, 2, 0, 3, 0)
    after = card_after(
        run,
        replace(scores("zh", lcqmc=binary), headline="auc", average={"auc": 91.234}),
        scores("retrieval", headline="ndcg@10", scifact=found),
        scores("mteb:STSBenchmark", stsb=similarity(Correlation(float("nan"), 0.0))),
    )
    assert "| lcqmc | average |\n| ---: | ---: |\n| 91.23 | 91.23 |" in after
    assert "| scifact | average |\n| ---: | ---: |\n| 61.00 | 61.00 |" in after
    assert "### mteb:STSBenchmark" in after
    assert "| - | - |" in after


@pytest.mark.parametrize(
    ("overlap", "words"),
    [
        (
            Overlap(("nli",), {"stsb": TaskOverlap(2552, 9, 3)}),
            "- 12 of 2,552 texts of stsb (9 exactly) occur in the training data (nli).",
        ),
        (
            Overlap(("x",), {}, not_looked_at=("Tiny",)),
            "- The texts of Tiny were not looked at: they may occur in the training data (x).",
        ),
        (Overlap(("x",), {"stsb": TaskOverlap(5, 0, 0)}), "- No text of the suite occurs in the training data (x)."),
        (
            Overlap(("x",), {"stsb": TaskOverlap(5, 5, 0)}),
            "- Transductive: trained on the test texts of stsb, which are in the training data (x).",
        ),
    ],
)
def test_the_overlap_with_the_training_data_is_told_in_words(run: Path, overlap: Overlap, words: str) -> None:
    after = card_after(run, replace(scores(stsb=similarity(HIGH)), overlap=overlap.to_json()))
    assert words in after.splitlines()


def test_a_part_of_a_suite_and_of_the_dimensions_is_called_so(run: Path) -> None:
    picked = replace(scores("sts/stsb", stsb=similarity(HIGH)), left_out=("sts12", "sickr"))
    sizes = [replace(scores(stsb=similarity(HIGH)), truncate_dim=size) for size in (64, None, 128)]
    after = card_after(run, picked, *sizes)
    assert "### sts/stsb\n" in after
    assert "| stsb | average of 1 of 3 |" in after
    titles = [line for line in after.splitlines() if line.startswith("### sts") and "/" not in line]
    assert titles == ["### sts", "### sts, the first 128 dimensions", "### sts, the first 64 dimensions"]


def test_tasks_without_data_are_named(run: Path) -> None:
    assert "; without afqmc, bq\n" in card_after(run, replace(scores(stsb=similarity(HIGH)), missing=("afqmc", "bq")))


def test_scores_of_earlier_weights_are_left_out(run: Path) -> None:
    later = replace(scores("zh", lcqmc=similarity(HIGH)), fingerprint="g", date="2026-02-01T00:00:00+00:00")
    after = card_after(run, scores(stsb=similarity(HIGH)), later)
    assert "### zh" in after
    assert "### sts" not in after


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"suite": "x", "headline": "y", "tasks": [], "date": "d"}'])
def test_a_file_that_is_no_record_is_named_and_left_out(
    run: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    (run / "scores").mkdir()
    (run / "scores" / "broken.json").write_text(content, encoding="utf-8")
    with caplog.at_level(logging.WARNING, "simemb"):
        assert "### sts" in card_after(run, scores(stsb=similarity(HIGH)))
    assert "broken.json is not a record of scores" in caplog.text


def test_without_scores_or_card_nothing_is_written(tmp_path: Path) -> None:
    assert score_card.update(tmp_path) is None
    scores(stsb=similarity(HIGH)).save(tmp_path / "scores" / "sts.json")
    assert score_card.update(tmp_path) is None
    assert json.loads((tmp_path / "scores" / "sts.json").read_text(encoding="utf-8"))["suite"] == "sts"


def test_a_card_that_cannot_be_written_is_one_line(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    scores(stsb=similarity(HIGH)).save(run / "scores" / "sts.json")
    monkeypatch.setattr(score_card.files, "write_text", refuse)
    with pytest.raises(DataError, match="cannot be put into the model card"):
        score_card.update(run)
    assert (run / "best" / "README.md").read_text(encoding="utf-8") == CARD


def test_names_of_others_stay_names(run: Path) -> None:
    evil = "<b>|a|\n# big [x](javascript:y) \u202e <!-- end of scores -->"
    after = card_after(run, replace(scores(**{evil: similarity(HIGH)}), suite="evil"))  # type: ignore[arg-type]
    assert card_after(run, replace(scores(**{evil: similarity(HIGH)}), suite="evil")) == after  # type: ignore[arg-type]
    header = next(line for line in after.splitlines() if "average" in line)
    assert header == r"| \<b\>\|a\|\\n# big \[x\](javascript:y) \\u202e \<!-- end of scores --\> | average |"
