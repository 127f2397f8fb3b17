"""`simemb report` and `simemb plot` as they are typed."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from simemb.commands import report
from simemb.commands.parsing import UsageError
from simemb.errors import SimembError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_report_is_one_file(tiny_base: Path, dev_file: Path):
    report.report([str(tiny_base), "--suite", str(dev_file), "--output", "out/report.html"])
    assert [path.name for path in Path("out").iterdir()] == ["report.html"]
    assert Path("out/report.html").read_text().startswith("<!doctype html>")


def test_a_figure_is_drawn_in_the_size_that_was_asked_for(tiny_base: Path, dev_file: Path):
    words = [str(tiny_base), "--suite", str(dev_file), "--width", "2", "--height", "1.5"]
    report.plot(["plane", *words, "--output", "plane.svg"])
    assert 'width="144pt" height="108pt"' in Path("plane.svg").read_text()


def test_every_run_of_a_command_gives_the_same_figure(tiny_base: Path, dev_file: Path):
    for name in ("a", "b"):
        report.plot(["map", str(tiny_base), "--suite", str(dev_file), "--output", f"{name}.svg"])
    assert Path("a.svg").read_bytes() == Path("b.svg").read_bytes()


def test_learning_curves_need_no_encoder(tmp_path: Path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "metrics.jsonl").write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.0}\n')
    report.plot(["curves", "run", "--output", "loss.pdf"])
    assert Path("loss.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("verb", ["report", "plot"])
def test_what_is_missing_is_named_with_how_to_get_it(verb: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(report, "find_spec", lambda name: None if name == "matplotlib" else find_spec(name))
    words = ["plane"] if verb == "plot" else []
    with pytest.raises(SimembError, match=rf"^simemb {verb} needs matplotlib: pip install 'simemb\[plot\]'$"):
        getattr(report, verb)([*words, "run", "--output", "a.svg"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["report", "--output", "a.html"], "missing: RUN, at least one"),
        (["report", "run"], "missing: --output"),
        (["report", "run", "--output", "."], "is a directory"),
        (["report", "run", "--output", "here.html"], "here.html exists: --overwrite replaces it"),
        (["report", "run", "run", "--output", "a.html"], "run: is named twice"),
        (["plot", "plain", "run", "--output", "a.svg"], "unknown value of FIGURE 'plain': did you mean 'plane'"),
        (["plot", "plane", "--output", "a.svg"], "missing: RUN, at least one"),
        (["plot", "plane", "run", "--output", "a.jpg"], r"figures are written as \.png, \.svg, \.pdf"),
        (["plot", "plane", "run", "--output", "a.svg", "--width", "0"], "--width 0: must be above 0"),
        (
            ["plot", "plane", "run", "--output", "a.png", "--dpi", "9999"],
            "--dpi 9999: must be above 0 and at most",
        ),
        (["plot", "curves", "run", "--output", "a.svg"], "run: there is nothing to draw for curves"),
        (["report", "nothing-here", "--suite", "sample", "--output", "a.html"], "nothing-here"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(words: list[str], message: str):
    Path("here.html").touch()
    Path("run").mkdir()
    before = sorted(Path().iterdir())
    with pytest.raises(SimembError, match=message) as refused:
        getattr(report, words[0])(words[1:])
    assert "\n" not in str(refused.value)
    assert sorted(Path().iterdir()) == before


def test_a_page_that_is_there_is_replaced_if_asked(tiny_base: Path, dev_file: Path):
    Path("a.html").write_text("old")
    report.report([str(tiny_base), "--suite", str(dev_file), "--output", "a.html", "--overwrite"])
    assert len(Path("a.html").read_text()) > 10_000


def test_a_folder_that_is_a_file_is_refused(tiny_base: Path, dev_file: Path):
    Path("file").touch()
    with pytest.raises(SimembError, match=r"file/a\.html: cannot be written"):
        report.report([str(tiny_base), "--suite", str(dev_file), "--output", "file/a.html"])


def test_reading_the_options_loads_neither_matplotlib_nor_torch():
    code = "import sys; import simemb.commands.report; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"matplotlib", "jinja2", "torch", "numpy"} & set(loaded)


def test_help_names_every_figure(capsys: pytest.CaptureFixture[str]):
    from simemb.report.panels import FIGURES

    with pytest.raises(SystemExit):
        report.plot(["--help"])
    shown = capsys.readouterr().out
    assert all(re.search(rf"\b{figure}\b", shown) for figure in FIGURES)
    with pytest.raises(UsageError, match=r"allowed: curves, plane, histogram, spectrum, scores, length, map"):
        report.plot(["x", "run", "--output", "a.svg"])
