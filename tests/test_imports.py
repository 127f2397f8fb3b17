"""What is imported when, by whom, and what may stand where: the rules of the house that code can check."""

import ast
import importlib
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import simemb

ROOT = Path(__file__).resolve().parent.parent
COOKBOOK = ("train", "eval", "data")
PACKAGES = ("simemb", *COOKBOOK)
HEAVY = {
    *("torch", "transformers", "sentence_transformers", "datasets", "faiss", "scipy", "pyarrow", "accelerate"),
    *("sklearn", "matplotlib", "jinja2", "mteb"),
}
# transformers hands its attention functions whatever a model was called with.
FORWARDING = {"hf_forward"}

FILES = [
    pytest.param(path, id=str(path.relative_to(ROOT))) for name in PACKAGES for path in (ROOT / name).rglob("*.py")
]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported_at_once(path: Path) -> Iterator[str]:
    """What a file imports when it is imported itself, absolute; not what its functions or type checkers import."""
    waiting: list[ast.AST] = list(tree(path).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{absolute(path, node)}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def public(where: ast.AST) -> Iterator[ast.FunctionDef]:
    """The functions of a module and the methods of its classes, without those whose name starts with _."""
    for node in ast.iter_child_nodes(where):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            if isinstance(node, ast.FunctionDef):
                yield node
            else:
                yield from public(node)


def absolute(path: Path, node: ast.ImportFrom) -> str:
    package = list(path.relative_to(ROOT).parent.parts)
    full = package if package[0] == "simemb" else ["simemb", *package]
    above = full[: len(full) - node.level + 1] if node.level else []
    return ".".join([*above, *filter(None, [node.module])])


def run(code: str, *arguments: str) -> str:
    """The standard output of a fresh interpreter."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


LOADED = """
import json, sys
{}
print()
print(json.dumps(sorted(sys.modules)))
"""
CLI = "import simemb.cli; assert simemb.cli.main(sys.argv[1:]) == {}"


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("import simemb", []),
        (CLI.format(0), []),
        (CLI.format(0), ["--help"]),
        (CLI.format(0), ["--version"]),
        (CLI.format(0), ["compare", "--help"]),
        (CLI.format(0), ["report", "--help"]),
        (CLI.format(0), ["plot", "--help"]),
        (CLI.format(0), ["whiten", "--help"]),
        (CLI.format(2), ["trian"]),
        (CLI.format(0), ["list", "recipes"]),
        (CLI.format(0), ["list"]),
        (CLI.format(0), ["train", "--help"]),
        (CLI.format(0), ["encode", "--help"]),
        (CLI.format(2), ["search", "--modle"]),
        (CLI.format(0), ["mine", "--help"]),
        (CLI.format(0), ["new", "--help"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_nothing_heavy_is_imported_before_it_is_needed(code: str, arguments: list[str]) -> None:
    loaded = json.loads(run(LOADED.format(code), *arguments).splitlines()[-1])
    assert HEAVY.isdisjoint(loaded)
    assert "simemb" in loaded


def test_import_simemb_loads_no_other_module_of_it() -> None:
    loaded = json.loads(run(LOADED.format("import simemb")).splitlines()[-1])
    assert [name for name in loaded if name.startswith("simemb.")] == []


@pytest.mark.parametrize("path", FILES)
def test_the_library_imports_no_cookbook_and_the_cookbook_nothing_but_the_library_and_its_siblings(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    others = {f"simemb.{name}." for name in COOKBOOK if name != package} | {f"{name}." for name in COOKBOOK}
    assert [name for name in imported_at_once(path) if f"{name}.".startswith(tuple(others))] == []


@pytest.mark.parametrize("path", FILES)
def test_a_file_has_at_most_300_lines_and_opens_with_what_it_is_for(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300
    assert ast.get_docstring(tree(path))


@pytest.mark.parametrize(
    "path", [param for param in FILES if param.values[0] != ROOT / "simemb" / "report" / "terminal.py"]
)
def test_only_the_report_prints(path: Path) -> None:
    names = [
        node.func.id for node in ast.walk(tree(path)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    assert "print" not in names


@pytest.mark.parametrize("path", FILES)
def test_no_public_function_takes_just_anything(path: Path) -> None:
    functions = [node for node in public(tree(path)) if node.args.kwarg]
    assert [node.name for node in functions if path.stem not in FORWARDING] == []


def test_the_cookbook_has_no_name_that_would_hide_it() -> None:
    assert not {"train", "eval", "data"} & set(vars(importlib.import_module("simemb")).get("__all__", ()))


@pytest.mark.parametrize("name", simemb.__all__)
def test_every_public_name_can_be_imported_and_says_what_it_is(name: str) -> None:
    found = getattr(simemb, name)
    assert inspect.getdoc(found)
    assert found.__doc__.strip()


def test_the_public_names_are_sorted_and_every_one_of_them_is_listed() -> None:
    # as ruff sorts them: abbreviations, classes, functions, each without regard to case
    order = {name: (not name.isupper(), name.islower(), name.casefold()) for name in simemb.__all__}
    assert simemb.__all__ == sorted(order, key=order.__getitem__)
    assert dir(simemb) == sorted(set(simemb.__all__))
    with pytest.raises(AttributeError, match="Encodr"):
        _ = simemb.Encodr


def test_the_reference_page_names_what_is_public() -> None:
    page = ROOT / "docs" / "reference.md"
    named = re.findall(r"^\| `(\w+)` \|", page.read_text(encoding="utf-8").partition("\n## ")[0], flags=re.MULTILINE)
    assert sorted(named) == sorted(simemb.__all__)
