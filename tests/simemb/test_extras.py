"""The core encodes without the libraries of the extras; what needs one of them says so before it does anything."""

import configparser
import json
import subprocess
import sys
from pathlib import Path

import pytest

from simemb import extras
from simemb.errors import LibraryError, SimembError
from simemb.extras import Extra, need

ROOT = Path(__file__).resolve().parents[2]
DISTRIBUTIONS = {
    "faiss": "faiss-cpu",
    "sklearn": "scikit-learn",
    "sentence_transformers": "sentence-transformers",
    "ray": "ray[data]",
}
EXTRAS = {name: value for name, value in vars(extras).items() if isinstance(value, Extra)}
HIDDEN = (
    "accelerate",
    "datasets",
    "faiss",
    "scipy",
    "sklearn",
    "sentence_transformers",
    "matplotlib",
    "jinja2",
    "mteb",
    "starlette",
    "uvicorn",
)

CORE = """
import json, sys
from importlib.machinery import PathFinder

class Hiding(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in {hidden!r} else PathFinder.find_spec(name, path, target)

    @classmethod
    def find_distributions(cls, context):
        return () if (context.name or "").replace("-", "_") in {hidden!r} else PathFinder.find_distributions(context)

sys.meta_path[:] = [Hiding if finder is PathFinder else finder for finder in sys.meta_path]
{code}
"""

COMMANDS = {
    "train": ["train", "simcse", "--output", "run"],
    "eval": ["eval", "mini", "--suite", "sample", "--json", "scores.json"],
    "compare": ["compare", "mini", "base", "--suite", "sample"],
    "index": ["index", "mini", "sample_search", "--output", "texts.index"],
    "search": ["search", "texts.index", "music"],
    "serve": ["serve", "mini"],
    "mine": ["mine", "mini", "sample_pairs", "--output", "triplets.tsv"],
    "report": ["report", "mini", "--output", "report.html"],
    "plot": ["plot", "plane", "mini", "--output", "plane.svg"],
    "help": ["train", "simcse", "--help"],
    "list": ["list"],
    "demo": ["demo", "--output", "demo"],
}
"""Verbs without the libraries of the extras; every one but the last leaves nothing behind."""

ANSWERS = """
from io import StringIO
from contextlib import redirect_stderr, redirect_stdout
from simemb.cli import main
answers = {}
for name, words in json.loads(sys.argv[1]).items():
    said, shown = StringIO(), StringIO()
    with redirect_stderr(said), redirect_stdout(shown):
        code = main(words)
    answers[name] = [code, said.getvalue(), shown.getvalue()]
print(json.dumps(answers))
"""

REFUSALS = """
from pathlib import Path
import simemb
from simemb.corpus.rows import open_rows
from simemb.encoder.reranker import load_reranker
from simemb.search.mining import mine

texts, pairs = ["a man", "a dog"], [("a man", "a dog", 1.0), ("a cat", "the cat", 4.0), ("a bird", "a boat", 2.0)]
calls = {
    "fit": lambda: simemb.fit("simcse", "nowhere", texts, output="run"),
    "evaluate": lambda: simemb.evaluate("nowhere", pairs),
    "transfer": lambda: simemb.evaluate("nowhere", "transfer"),
    "retrieval": lambda: simemb.evaluate("nowhere", "retrieval"),
    "mteb": lambda: simemb.evaluate("nowhere", "mteb:STSBenchmark"),
    "compare": lambda: simemb.compare(["nowhere", "elsewhere"], pairs),
    "build": lambda: simemb.Index.build("nowhere", texts),
    "load": lambda: simemb.Index.load("nowhere"),
    "dedupe": lambda: simemb.dedupe(texts),
    "mine": lambda: mine("nowhere", [("a", "b")], "triplets.tsv"),
    "columns": lambda: open_rows({"sentence": texts}),
}
refusals = {}
for name, call in calls.items():
    try:
        call()
    except simemb.SimembError as error:
        refusals[name] = str(error)
encoder = simemb.Encoder.load("mini")
encoder.save("saved")
loaded = simemb.Encoder.load("saved")
whitened = simemb.whiten(encoder, [f"text number {number}" for number in range(20)], dims=4)
modules = json.loads(Path("saved/modules.json").read_text())
modules.append({"idx": 9, "name": "9", "path": "", "type": "sentence_transformers.models.LayerNorm"})
Path("saved/modules.json").write_text(json.dumps(modules))
try:
    simemb.Encoder.load("saved")
except simemb.SimembError as error:
    refusals["foreign"] = str(error)
Path("judge").mkdir()
Path("judge/config.json").write_text('{"architectures": ["BertForSequenceClassification"]}')
try:
    load_reranker("judge")
except simemb.SimembError as error:
    refusals["reranker"] = str(error)
refusals["shapes"] = [list(model.encode(texts).shape) for model in (loaded, whitened)]
print(json.dumps(refusals))
"""


def in_the_core(code: str, folder: Path, *arguments: str, hidden: tuple[str, ...] = HIDDEN) -> dict[str, list]:
    """What a fresh interpreter prints in which the libraries of the extras cannot be imported."""
    command = [sys.executable, "-c", CORE.format(hidden=hidden, code=code), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder, check=False)
    assert not done.returncode, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_core_encodes_and_every_verb_that_needs_more_names_the_pip_line(tmp_path: Path) -> None:
    answers = in_the_core(ANSWERS, tmp_path, json.dumps(COMMANDS))
    wanted = {
        "train": ("accelerate and scipy", "train"),
        "eval": ("scipy", "eval"),
        "compare": ("scipy", "eval"),
        "index": ("faiss", "index"),
        "search": ("faiss", "index"),
        "serve": ("starlette and uvicorn", "serve"),
        "mine": ("faiss", "index"),
        "report": ("matplotlib, jinja2 and scipy", "plot"),
        "plot": ("matplotlib, jinja2 and scipy", "plot"),
    }
    for verb, (modules, extra) in wanted.items():
        line = f'simemb: simemb {verb} needs {modules}: pip install "simemb[{extra}]"\n'
        assert answers[verb][:2] == [2, line], verb
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]
    assert [answers[verb][0] for verb in ("help", "list", "demo")] == [0, 0, 0]
    shown = answers["demo"][2]
    assert 'can be imported: pip install "simemb[all]"' in " ".join(shown.split())
    music, money = (
        part.split("cosine")[1].splitlines()[2] for part in shown.split("Somebody is making music.")[1].split("economy")
    )
    assert "guitar" in music or "orchestra" in music
    assert "profits" in money or "interest rates" in money


def test_the_api_names_the_pip_line_before_it_loads_anything(tmp_path: Path) -> None:
    refusals = in_the_core(REFUSALS, tmp_path)
    assert refusals == {
        "fit": 'training needs accelerate and scipy: pip install "simemb[train]"',
        "evaluate": 'suite pairs needs scipy: pip install "simemb[eval]"',
        "transfer": 'suite transfer needs scipy and sklearn: pip install "simemb[eval]"',
        "retrieval": 'suite retrieval needs scipy and faiss: pip install "simemb[eval]"',
        "mteb": 'mteb:STSBenchmark needs mteb and scipy: pip install "simemb[mteb]"',
        "compare": 'suite pairs needs scipy: pip install "simemb[eval]"',
        "build": 'Index needs faiss: pip install "simemb[index]"',
        "load": 'Index needs faiss: pip install "simemb[index]"',
        "dedupe": 'dedupe needs faiss: pip install "simemb[index]"',
        "mine": 'mine needs faiss: pip install "simemb[index]"',
        "columns": 'data: a dict needs datasets: pip install "simemb[train]"',
        "foreign": "saved, which has modules of other kinds, needs sentence_transformers: "
        'pip install "simemb[external]"',
        "reranker": 'judge, a cross-encoder, needs sentence_transformers: pip install "simemb[external]"',
        "shapes": [[2, 256], [2, 4]],
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["judge", "saved"]
    versions = json.loads((tmp_path / "saved" / "config_sentence_transformers.json").read_text())["__version__"]
    assert "sentence_transformers" not in versions  # which of its releases would read this, nobody knows
    assert "simemb" in versions


@pytest.mark.parametrize("name", EXTRAS)
def test_the_pip_line_installs_what_is_missing(name: str) -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    stated = config["options.extras_require"]
    extra = EXTRAS[name]
    installed = stated[extra.name] + "".join(
        stated[other] for other in stated if f"simemb[{other}]" in stated[extra.name]
    )
    for module in extra.modules:
        assert f"{DISTRIBUTIONS.get(module, module)}>=" in installed
    assert extra.name in ("plot", "mteb", "serve", "lancedb", "ray") or extra.name in stated["all"]


def test_a_missing_library_is_a_line_of_ours_and_an_import_error() -> None:
    with pytest.raises(SimembError, match=r'^x needs tomorrow: pip install "simemb\[all\]"$'):
        need("x", Extra("all", ("json", "tomorrow")))
    assert issubclass(LibraryError, ImportError)


def test_versions_leave_out_what_is_not_installed() -> None:
    assert set(extras.versions(("torch", "tomorrow"))) == {"torch"}
