"""What the texts of this repository name exists: modules and their members by dotted name, files by path."""

import importlib
import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("simemb", "train", "eval", "data", "tests", "benchmarks", "docs")
TEXTS = sorted(
    path
    for pattern in ("*.md", "*.cfg", *(f"{folder}/**/*.{ending}" for folder in FOLDERS for ending in ("py", "md")))
    for path in ROOT.glob(pattern)
    if path.name != "CHANGELOG.md"  # it names what has gone
)
DOTTED = re.compile(r"(?<![\w/.])simemb(?:\.[A-Za-z_]\w*)+")
PATHS = re.compile(r"(?<![\w/.])(?:tests|simemb|benchmarks|docs|train|eval)/[\w/]+\.(?:py|md)\b")
EXAMPLES = {"simemb.Encodr", "simemb.commands.VERB"}


def exists(name: str) -> bool:
    """Whether a dotted name is a module, or a member of one."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        module = ".".join(parts[:count])
        try:
            spec = importlib.util.find_spec(module)
        except ModuleNotFoundError:  # the parent is no package
            continue
        if spec is not None:
            member = None if count == len(parts) else importlib.import_module(module)
            for part in parts[count:]:
                member = getattr(member, part, None)
            return count == len(parts) or member is not None
    return False


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_that_a_text_names_exists(path: Path):
    names = set(DOTTED.findall(path.read_text(encoding="utf-8"))) - EXAMPLES
    assert [name for name in sorted(names) if not exists(name)] == []


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_text_names_exists(path: Path):
    names = set(PATHS.findall(path.read_text(encoding="utf-8"))) - EXAMPLES
    assert [name for name in sorted(names) if not (ROOT / name).exists()] == []
