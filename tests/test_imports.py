"""What is imported when, by whom, and what may stand where: the rules of the house that code can check."""

import ast
import importlib
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from functools import cache
from pathlib import Path

import pytest

import simemb

ROOT = Path(__file__).resolve().parent.parent
COOKBOOK = ("train", "eval", "data")
PACKAGES = ("simemb", *COOKBOOK)
HEAVY = {
    *("torch", "transformers", "sentence_transformers", "datasets", "faiss", "scipy", "pyarrow", "accelerate"),
    *("sklearn", "matplotlib", "jinja2", "mteb", "starlette", "uvicorn"),
}
# transformers hands its attention functions whatever a model was called with; the console passes on what rich gives it;
# `fit` hands fields to the recipe, which knows its own.
FORWARDING = {"hf_forward", "console", "fit"}

# The arrows of the house: what the files of a package may import besides their own package and FOUNDATIONS, which may
# import each other. docs/design.md, section 1, says what each package is for.
FOUNDATIONS = {
    *("errors", "arguments", "texts", "files", "json_files", "cached_files", "locks", "outputs", "streams", "console"),
    *("progress", "cookbook", "devices", "distributed", "extras", "libraries", "ranks", "records"),
}
ARROWS = {
    "bundled": "comparison training evaluation method encoder transformer corpus",
    "commands": "report service comparison training evaluation search method encoder transformer corpus",
    "report": "comparison training evaluation search encoder",
    "service": "search encoder corpus",
    "comparison": "training evaluation corpus encoder",
    "training": "evaluation method encoder transformer corpus",
    "evaluation": "search encoder corpus",
    "method": "encoder transformer corpus",
    "search": "encoder corpus",
    "encoder": "transformer corpus",
    "transformer": "",
    "corpus": "",
}
# Programs: nobody imports them, so they may import anything.
PROGRAMS = {"simemb", "simemb.cli", "simemb.__main__", "simemb.bundled.__main__"}
# Packages whose __init__ hands on the names of its modules; every other one is a docstring alone.
HANDING_ON = {
    *("simemb/method/objectives", "simemb/method/auxiliaries"),
    *("simemb/evaluation/tasks", "simemb/report/panels"),
}

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


def module_name(path: Path) -> str:
    parts = [*path.relative_to(ROOT).with_suffix("").parts]
    package = parts if parts[0] in ("simemb", "benchmarks") else ["simemb", *parts]
    return ".".join(package[:-1] if package[-1] == "__init__" else package)


@cache
def modules() -> dict[str, Path]:
    """The files of the library, the cookbook and the benchmarks by the name under which they are imported."""
    return {module_name(path): path for name in (*PACKAGES, "benchmarks") for path in (ROOT / name).rglob("*.py")}


@cache
def imported_anywhere(path: Path) -> frozenset[str]:
    """The modules of this repository that a file imports: at once, inside a function, or for type checkers alone."""
    names: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{absolute(path, node)}.{alias.name}" for alias in node.names} | {absolute(path, node)}
    if path.parent.name == "benchmarks":  # its files are run from their folder
        names |= {f"benchmarks.{name}" for name in names}
        names |= {name.rpartition(".")[0] for name in names}
    return frozenset(name for name in names if name in modules() and name != module_name(path))


def circles() -> list[set[str]]:
    """Files that import each other in a loop. What can be reached from a file and leads back to it is in its loop."""
    names = {name: imported_anywhere(path) for name, path in modules().items() if name != "simemb"}

    @cache
    def reached(start: str) -> frozenset[str]:
        waiting, done = [start], set[str]()
        while waiting:
            for name in names[waiting.pop()] - done - {"simemb"}:
                done.add(name)
                waiting.append(name)
        return frozenset(done)

    loops = {frozenset(other for other in reached(name) if name in reached(other)) for name in names}
    return [set(loop) for loop in loops if loop]


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
        (CLI.format(0), ["distil", "--help"]),
        (CLI.format(2), ["trian"]),
        (CLI.format(0), ["list", "recipes"]),
        (CLI.format(0), ["list"]),
        (CLI.format(0), ["train", "--help"]),
        (CLI.format(0), ["encode", "--help"]),
        (CLI.format(2), ["search", "--modle"]),
        (CLI.format(0), ["mine", "--help"]),
        (CLI.format(0), ["new", "--help"]),
        (CLI.format(0), ["serve", "--help"]),
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


LIBRARY = [param for param in FILES if module_name(param.values[0]) not in PROGRAMS and "simemb/" in str(param.id)]


@pytest.mark.parametrize("path", LIBRARY)
def test_a_package_imports_only_from_the_floors_below(path: Path) -> None:
    home = module_name(path).split(".")[1]
    allowed = FOUNDATIONS if home in FOUNDATIONS else FOUNDATIONS | {home} | set(ARROWS.get(home, "").split())
    assert [name for name in imported_anywhere(path) - {"simemb"} if name.split(".")[1] not in allowed] == []


def test_the_table_of_arrows_names_every_package_and_has_no_circle_itself() -> None:
    folders = {path.parent.name for path in (ROOT / "simemb").glob("*/__init__.py")}
    assert folders == set(ARROWS)
    order = list(ARROWS)  # from the top floor down
    assert all(order.index(below) > order.index(above) for above in ARROWS for below in ARROWS[above].split())


def test_no_file_imports_itself_by_way_of_others() -> None:
    assert circles() == []


@pytest.mark.parametrize("path", sorted((ROOT / "simemb").rglob("__init__.py")), ids=str)
def test_the_init_of_a_package_is_a_docstring(path: Path) -> None:
    if path.parent == ROOT / "simemb" or str(path.parent.relative_to(ROOT)) in HANDING_ON:
        return
    assert [type(node) for node in tree(path).body] == [ast.Expr]


@pytest.mark.parametrize("path", FILES)
def test_a_file_has_at_most_300_lines_and_opens_with_what_it_is_for(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300
    assert ast.get_docstring(tree(path))


DOOR = {"streams", "console"}
WRITERS = ("print", "pprint", "warn", "sys.stdout.write", "sys.stderr.write", "sys.stdout.buffer.write", "Console")
"""What writes to a terminal by another way than the door (`simemb.streams`); `Console` is rich's own."""


@pytest.mark.parametrize("path", [param for param in FILES if param.values[0].stem not in DOOR])
def test_words_for_people_go_through_one_door(path: Path) -> None:
    calls = [ast.unparse(node.func) for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
    assert [call for call in calls if call in WRITERS or call.endswith((".pprint", ".warn"))] == []


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
    # as ruff sorts them: abbreviations, classes, functions
    order = {name: (not name.isupper(), name.islower(), name) for name in simemb.__all__}
    assert simemb.__all__ == sorted(order, key=order.__getitem__)
    assert dir(simemb) == sorted(set(simemb.__all__))
    with pytest.raises(AttributeError, match="Encodr"):
        _ = simemb.Encodr


def test_every_package_is_installed() -> None:
    configuration = ConfigParser()
    configuration.read(ROOT / "setup.cfg")
    listed = configuration["options"]["packages"].split()
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / "simemb").rglob("__init__.py")}
    assert {".".join(folder.parts) for folder in folders} <= set(listed)


def test_the_reference_page_names_what_is_public() -> None:
    page = ROOT / "docs" / "reference.md"
    named = re.findall(r"^\| `(\w+)` \|", page.read_text(encoding="utf-8").partition("\n## ")[0], flags=re.MULTILINE)
    assert sorted(named) == sorted(simemb.__all__)
