"""The words between the commands of the demo: commands can be copied, text fits a terminal of 80 columns."""

from pathlib import Path

import pytest

from simemb.report import walkthrough


def test_a_command_is_one_line_that_a_shell_takes(capsys: pytest.CaptureFixture[str]) -> None:
    walkthrough.print_command(["search", "a b.index", "Who's there?", "--output", "x" * 90])
    (line,) = capsys.readouterr().out.splitlines()
    assert line == "$ simemb search 'a b.index' 'Who'\"'\"'s there?' --output " + "x" * 90


def test_a_step_has_a_number_a_title_and_folded_text(capsys: pytest.CaptureFixture[str]) -> None:
    walkthrough.print_step("1 of 3", "Search", "word " * 40)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("1 of 3  Search ")
    assert sum(line.count("word") for line in lines) == 40
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("kept", [None, Path("somewhere")])
def test_the_end_says_where_everything_is(kept: Path | None, capsys: pytest.CaptureFixture[str]) -> None:
    walkthrough.print_end(kept=kept)
    shown = capsys.readouterr().out
    assert ("are in somewhere" in shown) is (kept is not None)
    assert "simemb list recipes" in shown
    assert max(map(len, shown.splitlines())) <= 80
