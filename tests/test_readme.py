"""The README does what it says: its tours run as they stand, and its table says what the recipes say."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from simemb.cookbook import RECIPES, card, names
from simemb.method.recipe_files import find
from simemb.training.plan import sample_for

ROOT = Path(__file__).resolve().parent.parent
ENGLISH = (ROOT / "README.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "README.zh.md").read_text(encoding="utf-8")
DATA = {
    "sample": ("sentences",),
    "sample_triplets": ("pairs", "triplets"),
    "sample_pairs": ("scored pairs",),
    "sample_stories": ("running text",),
}
"""What the table calls the data that a recipe reads by default."""


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", page, re.DOTALL)


def table(page: str) -> list[list[str]]:
    inside = page.partition("<!-- recipes")[2].partition("<!-- end of recipes -->")[0]
    lines = [line for line in inside.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def run(command: list[str], folder: Path) -> str:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "SIMEMB_CACHE": str(folder / "cache"),
        "HF_HUB_OFFLINE": "1",
    }
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_tour_of_the_command_line_runs_as_written(tmp_path):
    (tour,) = blocks(ENGLISH, "sh tour")
    shown = run(["bash", "-euo", "pipefail", "-c", tour], tmp_path)
    assert "before" in shown
    assert "after" in shown
    assert (tmp_path / "vectors.npy").exists()
    assert (tmp_path / "report.html").exists()
    assert "tour is better than base on sample" in shown
    music, money = re.findall(r"^ +1 +0\.\d+ +\d+ +(.*)$", shown, re.MULTILINE)
    assert "guitar" in music or "orchestra" in music
    assert "profits" in money or "interest rates" in money


def test_the_tour_of_python_runs_as_written(tmp_path):
    (tour,) = blocks(ENGLISH, "python tour")
    shown = run([sys.executable, "-c", tour], tmp_path)
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
    assert len(pairs) == len(dict(pairs)) == len({other for _, other in pairs}) == 5


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
