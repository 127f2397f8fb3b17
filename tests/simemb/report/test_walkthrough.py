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


@pytest.mark.parametrize(
    ("kept", "words"), [(None, "is removed at the end"), (Path("somewhere"), "made in somewhere.")]
)
def test_the_start_says_what_becomes_of_the_files(
    kept: Path | None, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    walkthrough.print_start(kept=kept, missing=[])
    shown = capsys.readouterr().out
    assert words in shown
    assert "pip install" not in shown


def test_the_start_says_how_to_see_what_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    walkthrough.print_start(kept=None, missing=["faiss", "scipy"])
    assert 'where faiss and scipy can be imported: pip install "simemb[all]"' in " ".join(
        capsys.readouterr().out.split()
    )


def test_the_end_says_what_to_type_next(capsys: pytest.CaptureFixture[str]) -> None:
    walkthrough.print_end()
    shown = capsys.readouterr().out
    assert "simemb list recipes" in shown
    assert max(map(len, shown.splitlines())) <= 80
