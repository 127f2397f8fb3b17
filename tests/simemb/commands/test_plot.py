"""`simemb plot` as it is typed."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from simemb import extras
from simemb.commands import plot
from simemb.commands.parsing import UsageError
from simemb.errors import SimembError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_figure_is_drawn_in_the_size_that_was_asked_for(tiny_base: Path, dev_file: Path):
    words = [str(tiny_base), "--suite", str(dev_file), "--width", "2", "--height", "1.5"]
    plot.run(["plane", *words, "--output", "plane.svg"])
    assert 'width="144pt" height="108pt"' in Path("plane.svg").read_text()


def test_every_run_of_a_command_gives_the_same_figure(tiny_base: Path, dev_file: Path):
    for name in ("a", "b"):
        plot.run(["map", str(tiny_base), "--suite", str(dev_file), "--output", f"{name}.svg"])
    assert Path("a.svg").read_bytes() == Path("b.svg").read_bytes()


def test_learning_curves_need_no_encoder(tmp_path: Path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "metrics.jsonl").write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.0}\n')
    plot.run(["curves", "run", "--output", "loss.pdf"])
    assert Path("loss.pdf").read_bytes().startswith(b"%PDF")


def test_help_names_every_figure(capsys: pytest.CaptureFixture[str]):
    from simemb.report.panels import FIGURES

    with pytest.raises(SystemExit):
        plot.run(["--help"])
    shown = capsys.readouterr().out
    assert all(re.search(rf"\b{figure}\b", shown) for figure in FIGURES)
    with pytest.raises(UsageError, match=r"allowed: curves, plane, histogram, spectrum, scores, length, map"):
        plot.run(["x", "run", "--output", "a.svg"])


def test_what_is_missing_is_named_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "matplotlib" else find_spec(name))
    with pytest.raises(SimembError, match=r'^simemb plot needs matplotlib: pip install "simemb\[plot\]"$'):
        plot.run(["plane", "run", "--output", "a.svg"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plain", "run", "--output", "a.svg"], "unknown value of FIGURE 'plain': did you mean 'plane'"),
        (["plane", "--output", "a.svg"], "missing: RUN, at least one"),
        (["plane", "run", "--output", "a.jpg"], r"figures are written as \.png, \.svg, \.pdf"),
        (["plane", "run", "--output", "a.svg", "--width", "0"], "--width 0: must be above 0"),
        (
            ["plane", "run", "--output", "a.png", "--dpi", "9999"],
            "--dpi 9999: must be above 0 and at most",
        ),
        (["curves", "run", "--output", "a.svg"], "run: there is nothing to draw for curves"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(words: list[str], message: str):
    Path("here.html").touch()
    Path("run").mkdir()
    before = sorted(Path().iterdir())
    with pytest.raises(SimembError, match=message) as refused:
        plot.run(words)
    assert "\n" not in str(refused.value)
    assert sorted(Path().iterdir()) == before


def test_reading_the_options_loads_neither_matplotlib_nor_torch():
    code = "import sys; import simemb.commands.plot; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"matplotlib", "jinja2", "torch", "numpy"} & set(loaded)
