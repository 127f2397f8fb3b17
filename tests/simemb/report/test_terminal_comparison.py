"""The tables of a comparison: what stands in them, and what a reader is told below."""

from math import nan
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from simemb.comparison import published
from simemb.comparison.compare import Comparison
from simemb.comparison.pairwise import AVERAGE, Entry, PairComparison, Standing
from simemb.comparison.verdict import Difference
from simemb.report import terminal_comparison as tables


def entry(label: str, first: tuple[float, ...], second: tuple[float, ...], **more: Any) -> Entry:
    columns = {"sts12": first, "sts13": second, AVERAGE: tuple((a + b) / 2 for a, b in zip(first, second, strict=True))}
    standings = {
        name: Standing(sum(runs) / len(runs), 0.5 if len(runs) > 1 else nan, runs) for name, runs in columns.items()
    }
    return Entry(label, (label,) * len(first), ("abc",) * len(first), standings, **more)


def difference(value: float, corrected: float, **tests: float) -> Difference:
    return Difference(
        value, value - 1, value + 1, 0.0005, **({"steiger": nan, "welch": nan} | tests), corrected=corrected
    )


def comparison(*entries: Entry, **changes: Any) -> Comparison:
    differences = {
        "sts12": difference(2.345, 0.0123, steiger=0.0213),
        "sts13": difference(-1.5, 0.4, steiger=0.3),
        AVERAGE: difference(nan, nan),
    }
    pairs = tuple(PairComparison(entries[0].label, other.label, differences, "B is better.") for other in entries[1:])
    plain = {
        "suite": "sts",
        "measure": "spearman",
        "entries": entries,
        "pairs": pairs,
        "units": {"sts12": 10, "sts13": 20},
        "resamples": 2000,
        "seed": 1,
        "level": 0.05,
        "missing": (),
        "unresampled": (),
        "data": {},
        "versions": {},
        "date": "now",
        "command": (),
    }
    return Comparison(**{**plain, **changes})


A, B = entry("A", (50.0,), (60.0,)), entry("B", (52.345,), (58.5,))
SEEDS = entry("C", (50.0, 52.0), (60.0, 62.0))


def drawn(table: Table) -> str:
    console = Console(width=200, no_color=True)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def rows(table: Table) -> list[list[str]]:
    return [line.split() for line in drawn(table).splitlines() if line.strip()]


def test_standings_have_a_row_for_each_and_a_column_for_each_task():
    found = rows(tables.standings_table(comparison(A, B)))
    assert found[:2] == [["sts:", "spearman", "x", "100"], ["model", "sts12", "sts13", "average"]]
    assert found[3:] == [["A", "50.00", "60.00", "55.00"], ["B", "52.34", "58.50", "55.42"]]


def test_several_seeds_have_a_mean_and_a_deviation():
    text = drawn(tables.standings_table(comparison(A, SEEDS)))
    assert "C (2 seeds)" in text
    assert "51.00 ± 0.50" in text


def test_notes_of_training_and_of_what_is_missing_stand_below():
    noted = entry("A", (50.0,), (nan,), notes=("A: 12 of 20 texts were trained on",))
    text = drawn(tables.verdicts_table(comparison(noted, B, missing=("sts14",), unresampled=("topics",))))
    assert "A: 12 of 20 texts were trained on" in text
    assert "without sts14: the data are not there" in text
    assert "without topics: no units" in text
    assert "- undefined" in text


def test_a_duel_has_a_row_for_each_task_with_every_test_that_applies():
    found = comparison(A, B)
    lines = rows(tables.pair_table(found, found.pairs[0]))
    assert lines[0] == ["B", "less", "A"]
    assert lines[1] == ["difference", "95%", "interval", "p", "steiger", "corrected", "p"]
    assert lines[3] == ["sts12", "+2.35", "+1.35", "to", "+3.35", "<0.001", "0.021", "0.012"]
    assert lines[4] == ["sts13", "-1.50", "-2.50", "to", "-0.50", "<0.001", "0.300", "0.400"]
    assert lines[5] == ["average", "-", "-", "<0.001"]


def test_a_single_task_has_no_average():
    found = comparison(A, B, units={"sts12": 10})
    for table in (tables.standings_table(found), tables.pair_table(found, found.pairs[0])):
        assert AVERAGE not in drawn(table)


def test_the_verdict_says_how_it_came_about():
    text = drawn(tables.verdicts_table(comparison(A, B)))
    assert "B is better." in text
    assert "2,000 resamples of units, the same units for all, drawn within subsets (seed 1)" in text
    assert "Steiger's test, which for correlations of ranks is an approximation" in text
    assert "Holm's method" in text
    assert "one run says nothing about other seeds: A, B" in text
    assert "Welch" not in text
    assert "pairs of models" not in text


def test_a_single_model_has_notes_and_no_method():
    assert drawn(tables.verdicts_table(comparison(A))).split() == []
    assert "the data are not there" in drawn(tables.verdicts_table(comparison(A, missing=("sts14",))))


def test_several_seeds_and_pairs_are_told_of():
    found = comparison(A, B, SEEDS)
    welch = difference(1.0, 0.1, welch=0.03)
    pairs = tuple(
        PairComparison(pair.first, pair.second, {**pair.differences, "sts12": welch}, "") for pair in found.pairs
    )
    text = drawn(tables.verdicts_table(comparison(A, B, SEEDS, pairs=pairs)))
    assert "resamples of units and of seeds" in text
    assert "Welch's test over seeds; a difference must pass it too" in text
    assert "2 pairs of models were compared; for that nothing is corrected" in text
    assert "other seeds: A, B\n" in "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def test_ours_stand_among_the_published_where_they_belong():
    found = comparison(entry("mine", (68.0,), (83.0,)))
    lines = drawn(tables.published_table(found, published.results("sts"), published.cautions("sts"))).splitlines()
    (place,) = [row for row, line in enumerate(lines) if line.strip().startswith(">")]
    assert lines[place].split()[:6] == [">", "mine", "ours", "68.00", "83.00", "75.50"]
    assert "SimCSE BERT-base" in lines[place - 1]
    assert "76.25" in lines[place - 1]
    assert "75.27" in lines[place + 1]
    assert any("75.11 ± 0.84 (73.16 to 76.70" in line for line in lines)


def test_an_average_over_fewer_tasks_than_the_published_is_told():
    found = comparison(A, missing=("sts14",), unresampled=("topics",))
    text = drawn(tables.published_table(found, published.results("sts"), ["mind"]))
    assert "our average is without sts14, topics, the published ones are over all tasks" in text
    assert "our average" not in drawn(tables.published_table(comparison(A), published.results("sts"), ["mind"]))


def test_what_has_no_average_stands_last():
    found = comparison(entry("broken", (nan,), (83.0,)))
    lines = drawn(tables.published_table(found, published.results("sts"), ["mind"])).splitlines()
    ours = next(row for row, line in enumerate(lines) if "broken" in line)
    assert not any("Gao et al." in line for line in lines[ours:])


@pytest.mark.parametrize(("value", "shown"), [(0.00099, "<0.001"), (0.001, "0.001"), (1.0, "1.000"), (nan, "")])
def test_a_p_value_is_never_shown_as_zero(value: float, shown: str):
    assert tables._p(value) == shown
