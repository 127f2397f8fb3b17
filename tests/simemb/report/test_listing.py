"""Lists for people: every text as it is, on one line."""

import re

import pytest

from simemb.report import listing
from simemb.search.hits import Hit


def test_a_hit_is_shown_as_it_is_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    text = "a [bold]text[/bold] :smile: [link=x] [/] with\ta tab " + "and much more " * 40
    listing.print_hits("[red]query[/] :dog:", [Hit(1, "id[1]", 0.98765, text), Hit(2, "b", -1.0, "")])
    title, *_, first, second, _ = capsys.readouterr().out.splitlines()
    assert title.strip() == "[red]query[/] :dog:"
    assert first.split()[:3] == ["1", "0.9877", "id[1]"]
    assert "a [bold]text[/bold] :smile: [link=x] [/] with a tab" in first
    assert first.rstrip().endswith("and much more")
    assert second.split() == ["2", "-1.0000", "b"]
    assert "\x1b" not in title + first


def test_a_list_folds_no_line_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    listing.print_list("things", [("name", "[x] " + "word " * 60), ("other", "short")])
    title, first, second = capsys.readouterr().out.splitlines()
    assert title.strip() == "things"
    assert first.split()[:2] == ["name", "[x]"]
    assert first.count("word") == 60
    assert second.split() == ["other", "short"]


def test_a_list_may_say_more_between_the_name_and_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    listing.print_list("recipes", [("mine", "Gao et al.", "2021", "A line."), ("other", "", "", "No paper.")])
    _, first, second = capsys.readouterr().out.splitlines()
    assert re.split(r"\s{2,}", first.strip()) == ["mine", "Gao et al.", "2021", "A line."]
    assert second.split() == ["other", "No", "paper."]
    assert first.index("A line.") == second.index("No paper.")
