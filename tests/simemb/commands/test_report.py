"""`simemb report` as it is typed."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from simemb import extras
from simemb.commands import report
from simemb.errors import SimembError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_report_is_one_file(tiny_base: Path, dev_file: Path):
    report.run([str(tiny_base), "--suite", str(dev_file), "--output", "out/report.html"])
    assert [path.name for path in Path("out").iterdir()] == ["report.html"]
    assert Path("out/report.html").read_text().startswith("<!doctype html>")


def test_a_page_that_is_there_is_replaced_if_asked(tiny_base: Path, dev_file: Path):
    Path("a.html").write_text("old")
    report.run([str(tiny_base), "--suite", str(dev_file), "--output", "a.html", "--overwrite"])
    assert len(Path("a.html").read_text()) > 10_000


def test_a_folder_that_is_a_file_is_refused(tiny_base: Path, dev_file: Path):
    Path("file").touch()
    with pytest.raises(SimembError, match=r"file/a\.html: cannot be written"):
        report.run([str(tiny_base), "--suite", str(dev_file), "--output", "file/a.html"])


def test_what_is_missing_is_named_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "matplotlib" else find_spec(name))
    with pytest.raises(SimembError, match=r'^simemb report needs matplotlib: pip install "simemb\[plot\]"$'):
        report.run(["run", "--output", "a.svg"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--output", "a.html"], "missing: RUN, at least one"),
        (["run"], "missing: --output"),
        (["run", "--output", "."], "is a directory"),
        (["run", "--output", "here.html"], r"here\.html exists \(a file of 0 bytes\): --overwrite"),
        (["run", "run", "--output", "a.html"], "run: is named twice"),
        (["nothing-here", "--suite", "sample", "--output", "a.html"], "nothing-here"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(words: list[str], message: str):
    Path("here.html").touch()
    Path("run").mkdir()
    before = sorted(Path().iterdir())
    with pytest.raises(SimembError, match=message) as refused:
        report.run(words)
    assert "\n" not in str(refused.value)
    assert sorted(Path().iterdir()) == before


def test_reading_the_options_loads_neither_matplotlib_nor_torch():
    code = "import sys; import simemb.commands.report; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"matplotlib", "jinja2", "torch", "numpy"} & set(loaded)
