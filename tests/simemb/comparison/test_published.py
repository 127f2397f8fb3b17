"""What papers published, as data: complete, from a source, and right as far as it can be checked by itself."""

from collections import Counter
from math import isnan

import pytest

from simemb.comparison import published
from simemb.errors import DataError

TASKS = ("sts12", "sts13", "sts14", "sts15", "sts16", "stsb", "sickr")
# Averages that are not the mean of their seven columns, as they stand in the papers.
ODD = {
    ("SBERT-NLI BERT-base", "baseline"): 74.86,
    ("PromptBERT BERT-base", "unsupervised"): 78.52,
}


def complete() -> list[published.Published]:
    return [row for row in published.results("sts") if len(row.numbers) == len(TASKS) + 1]


def test_the_average_is_the_mean_of_its_columns_but_for_two_that_are_known():
    for row in complete():
        mean = sum(row.numbers[task] for task in TASKS) / len(TASKS)
        assert mean == pytest.approx(ODD.get((row.model, row.family), row.average), abs=0.0101), row.model


@pytest.mark.parametrize("suite", published.TABLES)
def test_every_row_has_an_average_and_a_source_and_stands_there_once(suite: str):
    rows = published.results(suite)
    assert rows
    assert {row.family for row in rows} <= {"baseline", "unsupervised", "supervised"}
    for row in rows:
        assert all(20 < value < 100 for value in row.numbers.values())
        assert ", http" in row.source
        assert row.citation
        assert "http" not in row.citation
    assert max(Counter((row.model, row.family) for row in rows).values()) == 1


@pytest.mark.parametrize("suite", published.TABLES)
def test_the_best_come_first(suite: str):
    averages = [row.average for row in published.results(suite)]
    assert averages == sorted(averages, reverse=True)


def test_rows_have_all_tasks_or_none():
    assert {frozenset(row.numbers) for row in published.results("sts")} == {
        frozenset((*TASKS, "average")),
        frozenset(("average",)),
    }


def test_numbers_that_everybody_knows():
    rows = {(row.model, row.family): row for row in published.results("sts")}
    assert rows["SimCSE BERT-base", "unsupervised"].numbers["sts13"] == 82.41
    assert rows["SimCSE BERT-base", "supervised"].average == 81.57
    assert rows["ConSERT BERT-base on STS texts", "unsupervised"].title.endswith("(transductive: trained on STS texts)")
    assert published.results("transfer")[0].average == 88.66


def test_the_study_of_seeds_is_of_published_rows():
    rows = {(row.model, row.family): row.average for row in published.results("sts")}
    studies = published.seed_studies("sts")
    assert studies
    for study in studies:
        assert rows[study.model, study.family] == study.published
        assert study.lowest < study.average < study.highest
        assert study.seeds == 50
        assert not isnan(study.sd)


def test_the_caution_about_single_seeds_has_the_numbers():
    first, *others = published.cautions("sts")
    assert "76.25" in first
    assert "75.11 ± 0.84" in first
    assert any("SentEval" in line for line in others)
    assert not any("SentEval" in line for line in published.cautions("sts_senteval"))
    assert len(published.cautions("transfer")) == 1


def test_a_suite_that_no_paper_reports_is_refused():
    with pytest.raises(DataError, match=r"nothing published is at hand for suite sample \(allowed: sts, sts_sent"):
        published.results("sample")


def test_results_are_chosen_by_base_and_method():
    def models(**chosen: list[str]) -> set[str]:
        return {row.model for row in published.results("sts", **chosen)}

    assert models(base=["BERT-base"], method=["SimCSE"]) == {"SimCSE BERT-base"}
    assert {"ConSERT joint BERT-large", "ConSERT re-implemented"} < models(method=["consert"])
    assert models(method=["untrained"]) == {"BERT-base first-last", "BERT-base last-2", "BERT-large last-2"}
    assert models(base=["tiny-l4", "tiny-l6"]) == {"DistilCSE Tiny-L4", "DistilCSE Tiny-L6"}
    assert models() == {row.model for row in published.results("sts/stsb+sickr")}


@pytest.mark.parametrize(
    ("chosen", "line"),
    [
        (
            {"base": ["bert-base-uncased"]},
            "unknown base of published results 'bert-base-uncased': did you mean 'bert-base'?",
        ),
        ({"method": ["simsce"]}, "unknown method of published results 'simsce': did you mean 'simcse'?"),
        (
            {"base": ["tiny-l4"], "method": ["simcse"]},
            "nothing published is of simcse from tiny-l4 (allowed: distilcse)",
        ),
    ],
)
def test_a_base_or_method_that_nobody_published_is_answered_with_the_nearest(chosen: dict[str, list[str]], line: str):
    with pytest.raises(DataError) as refused:
        published.results("sts", **chosen)
    assert str(refused.value).startswith(line)
