"""Models side by side."""

import json
import logging
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from simemb.errors import AbsentError, DataError
from simemb.evaluation import evaluate
from simemb.evaluation.tasks import Similarity
from simemb.report.report import Report


def keep(run: Path, record: dict[str, Any], name: str = "dev") -> None:
    (run / "scores").mkdir(exist_ok=True)
    (run / "scores" / f"{name}.json").write_text(json.dumps(record))


# ---- what runs started from ----------------------------------------------------------------------


def test_what_a_run_started_from_stands_beside_it(run: Path, dev_file: Path):
    report = Report([str(run)], [str(dev_file)])
    assert [reported.label for reported in report.all_models] == ["first", "tiny-bert (base)"]
    assert report.base_of(report.models[0]) is report.bases[0]
    assert report.bases[0].base


def test_a_base_that_is_one_of_the_models_is_not_shown_twice(own_run: Path, tiny_base: Path, dev_file: Path):
    base = own_run.parent / "with-pooling"
    from simemb.encoder.encoder import Encoder

    Encoder.load(tiny_base, pooling="cls").save(base)
    report = Report([str(own_run), str(base)], [str(dev_file)])
    assert report.bases == []
    assert report.base_of(report.models[0]) is report.models[1]
    assert report.base_of(report.models[1]) is None


def test_two_runs_of_one_base_share_it(run: Path, own_run: Path, dev_file: Path):
    report = Report([str(run), str(own_run)], [str(dev_file)])
    assert len(report.bases) == 1
    assert [report.base_of(reported) for reported in report.models] == report.bases * 2


@pytest.mark.parametrize("what", ["gone", "changed"])
def test_a_base_that_is_gone_or_changed_is_left_out_and_named(
    what: str, own_run: Path, dev_file: Path, caplog: pytest.LogCaptureFixture
):
    recipe = json.loads((own_run / "recipe.json").read_text())
    recipe["run"] |= {"model": str(own_run / "nothing")} if what == "gone" else {"fingerprint": "of another"}
    (own_run / "recipe.json").write_text(json.dumps(recipe))
    with caplog.at_level(logging.WARNING, logger="simemb"):
        report = Report([str(own_run)], [str(dev_file)])
        assert report.bases == []
    assert "own: what it started from is left out" in caplog.text
    assert report.base_of(report.models[0]) is None


def test_bases_can_be_left_out(run: Path, dev_file: Path):
    report = Report([str(run)], [str(dev_file)], base=False)
    assert [reported.label for reported in report.all_models] == ["first"]
    assert report.base_of(report.models[0]) is None


def test_a_model_that_is_named_twice_is_refused():
    with pytest.raises(DataError, match="runs/first: is named twice"):
        Report(["runs/first", "mini", "runs/first"])


# ---- suites --------------------------------------------------------------------------------------


def test_without_the_data_of_sts_the_bundled_sample_is_taken_and_that_is_said(
    run: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def absent(_: Similarity) -> None:
        raise AbsentError("no such file")

    monkeypatch.setattr(Similarity, "load", absent)
    with caplog.at_level(logging.WARNING, logger="simemb"):
        assert [suite.name for suite in Report([str(run)]).suites] == ["sample"]
    assert "the scores are those of the bundled sample, as the data of sts are absent: no such file" in caplog.text


def test_sts_is_the_default(run: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SIMEMB_DATA", str(shared_data))
    assert [suite.name for suite in Report([str(run)]).suites] == ["sts"]


def test_a_suite_that_was_asked_for_must_be_there(run: Path):
    with pytest.raises(DataError, match="unknown suite 'stss': did you mean 'sts'"):
        _ = Report([str(run)], ["stss"]).suites


# ---- what differs --------------------------------------------------------------------------------


def test_runs_are_compared_with_their_base_and_models_with_each_other(own_run: Path, run: Path, dev_file: Path):
    report = Report([str(run), str(own_run)], [str(dev_file)])
    verdicts = report.verdicts(report.suites[0])
    labels = ("first", "own", "tiny-bert")
    named = [[label for label in labels if re.search(rf"\b{label}\b", verdict)] for verdict in verdicts]
    assert named == [["first", "tiny-bert"], ["own", "tiny-bert"], ["first", "own"]]
    assert verdicts[-1].startswith("no difference between first and own was shown")


def test_a_single_model_differs_from_nothing(tiny_base: Path, dev_file: Path):
    report = Report([str(tiny_base)], [str(dev_file)])
    assert report.verdicts(report.suites[0]) == []


# ---- what may not be mixed -----------------------------------------------------------------------


def test_a_record_of_other_data_is_refused_with_the_reason(own_run: Path, dev_file: Path):
    suite = evaluate.find(str(dev_file))
    record = Report([str(own_run)], [suite], base=False).scores(suite)[0].to_json()
    keep(own_run, record)
    assert Report([str(own_run)], [suite], base=False).scores(suite)
    keep(own_run, record | {"data": dict.fromkeys(record["data"], "00" * 32)})
    with pytest.raises(DataError, match=r"own and .*dev\.json cannot be compared on dev: .* is not the same file"):
        Report([str(own_run)], [suite], base=False).scores(suite)


def test_a_stale_record_is_scored_anew_and_never_compared(own_run: Path, dev_file: Path):
    keep(own_run, {"suite": "dev", "tasks": {"another": {}}, "average": {}, "fingerprint": "of another"})
    suite = evaluate.find(str(dev_file))
    assert Report([str(own_run)], [suite], base=False).scores(suite)[0].tasks.keys() == {"dev"}


def test_records_of_further_suites_are_shown_if_they_are_comparable(own_run: Path, dev_file: Path):
    other = Path(shutil.copytree(own_run, own_run.with_name("other")))
    fingerprint = Report([str(own_run)]).models[0].fingerprint
    record = {"suite": "zh", "tasks": {"lcqmc": {}}, "average": {}, "fingerprint": fingerprint, "data": {"a": "00"}}
    for run in (own_run, other):
        keep(run, record, "zh")
    models = [str(own_run), str(other)]
    assert Report(models, [str(dev_file)]).others_on_record() == {"zh": {"own": record, "other": record}}
    keep(other, record | {"data": {"a": "11"}}, "zh")
    with pytest.raises(DataError, match=r"own/scores/zh\.json and .*other/scores/zh\.json cannot be compared on zh"):
        Report(models, [str(dev_file)]).others_on_record()


def test_pairs_are_those_of_the_first_suite_that_has_them(report: Report):
    assert report.pairs is not None
    suite, found = report.pairs
    assert suite.name == "dev"
    assert [len(pairs.gold) for pairs in found] == [150] * len(report.all_models)
