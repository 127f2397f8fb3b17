"""The README does what it says: its tours run as they stand, and its table says what the recipes say."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from simemb.cli import main
from simemb.cookbook import RECIPES, card, names
from simemb.method.recipe_files import find
from simemb.training.materials import sample_for

ROOT = Path(__file__).resolve().parent.parent
ENGLISH = (ROOT / "README.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "README.zh.md").read_text(encoding="utf-8")
DATA = {
    "sample": ("sentences",),
    "sample_triplets": ("pairs", "triplets"),
    "sample_pairs": ("scored pairs",),
    "sample_stories": ("running text",),
    "sample_classes": ("labeled texts",),
}
"""What the table calls the data that a recipe reads by default."""


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", page, re.DOTALL)


def table(page: str) -> list[list[str]]:
    inside = page.partition("<!-- recipes")[2].partition("<!-- end of recipes -->")[0]
    lines = [line for line in inside.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, without a network."""
    import huggingface_hub.constants

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return tmp_path


def test_the_tour_of_the_command_line_runs_as_written(folder: Path, capsys: pytest.CaptureFixture[str]):
    """The first line by a shell, the others in this process; and a quarter of the steps shows what they do."""
    (tour,) = blocks(ENGLISH, "sh tour")
    tour = tour.replace("--max-steps 60", "--max-steps 15")
    first, *others = tour.splitlines()
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(["bash", "-euo", "pipefail", "-c", first], env=environment, check=True)
    for line in others:
        program, *words = shlex.split(line)
        assert program == "simemb"
        assert main(words) == 0
    shown = capsys.readouterr().out
    assert "before" in shown
    assert "after" in shown
    assert (folder / "vectors.npy").exists()
    assert (folder / "report.html").exists()
    assert "tour is better than base on sample" in shown
    music, money = re.findall(r"^ +1 +0\.\d+ +\d+ +(.*)$", shown, re.MULTILINE)
    assert "guitar" in music or "orchestra" in music
    assert "profits" in money or "interest rates" in money


@pytest.mark.usefixtures("folder")
def test_the_tour_of_python_runs_as_written(capsys: pytest.CaptureFixture[str]):
    (tour,) = blocks(ENGLISH, "python tour")
    tour = tour.replace("max_steps=60", "max_steps=2").replace("eval_every=30", "eval_every=2")
    exec(compile(tour, "README.md", "exec"), {"__name__": "__main__"})
    shown = capsys.readouterr().out
    assert "->" in shown
    assert "Hit(" in shown


LANGUAGES = {"README.md", "README.zh.md"}
"""The links from one page to the other."""
KEPT = {"dropout", "pickle", "safetensors"}
"""Words in small letters that the Chinese page leaves as they are."""


def units(page: str) -> list[str]:
    """The page as headings, bullets, rows of tables, lines of the tree and paragraphs; the code is left out."""
    found: list[str] = []
    in_tree = goes_on = False
    for line in re.sub(r"```(?:sh|python).*?```", "", page, flags=re.DOTALL).splitlines():
        if line.startswith("```"):
            in_tree, goes_on = not in_tree, False
        elif in_tree or (line.strip() and not goes_on) or re.match(r"- |\||#|<!--", line):
            found.append(line)
            goes_on = not in_tree
        elif line.strip():
            found[-1] += f" {line}"
        else:
            goes_on = False
    return found


def kind(unit: str) -> str:
    """How the unit begins: the marks of a heading, a bullet, a row or a comment; nothing for a paragraph."""
    return "".join(re.findall(r"\A(?:#+ |- \*\*|\||<!--)", unit))


def links(unit: str) -> list[str]:
    return [target for target in re.findall(r"\]\(([^)]+)\)", unit) if target not in LANGUAGES]


def code(unit: str) -> list[str]:
    return sorted(re.findall(r"`([^`]+)`", unit))


def prose(unit: str) -> str:
    return re.sub(r"`[^`]+`|\]\([^)]+\)", " ", unit)


def numbers(unit: str) -> list[str]:
    return sorted(re.findall(r"\d+(?:[.,]\d+)*", prose(unit)))


def unchanged(unit: str) -> set[str]:
    """Words that stay as they are in any language: names with a capital or a digit within, and `KEPT`."""
    words = re.findall(r"[A-Za-z][A-Za-z0-9]*", prose(unit))
    return {word for word in words if re.search(r".[A-Z0-9]", word) or word in KEPT}


@pytest.mark.parametrize("part", [kind, links, code, numbers, unchanged])
def test_both_languages_say_the_same_line_by_line(part: Callable[[str], object]):
    english, chinese = units(ENGLISH), units(CHINESE)
    assert len(english) == len(chinese)
    for one, other in zip(english, chinese, strict=True):
        assert part(one) == part(other), f"{one}\n{other}"


def test_a_kind_of_data_has_one_name_in_each_language():
    pairs = {(one[3], other[3]) for one, other in zip(table(ENGLISH), table(CHINESE), strict=True)}
    assert len(pairs) == len(dict(pairs)) == len({other for _, other in pairs}) == 6


def test_both_languages_show_the_same_code():
    for kind in ("sh", "sh tour", "python tour"):
        assert blocks(ENGLISH, kind) == blocks(CHINESE, kind) != []


@pytest.mark.parametrize("page", [ENGLISH, CHINESE], ids=["english", "chinese"])
def test_the_table_of_methods_says_what_the_recipes_say(page):
    rows = table(page)
    assert [row[0] for row in rows] == [f"`{name}`" for name in names(RECIPES)]
    for name, row in zip(names(RECIPES), rows, strict=True):
        found = card(name)
        assert row[2] == f"[{found.paper} {found.year}]({found.url})"
        if page is ENGLISH:
            assert row[1] == found.summary
            assert row[3] in DATA[sample_for(find(name))]
