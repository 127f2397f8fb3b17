"""The doors of the public API: every argument of every public callable is checked, and none can be forgotten.

The callables and their parameters are found by inspection. `CALLS` says how each is called rightly; then each of its
parameters is given what can never be right, and `WRONG` and `EQUAL` say what people give besides.
"""

import dataclasses
import inspect
import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from trigrams import Trigrams, sentences

import simemb
from simemb import (
    Encoder,
    Index,
    InfoNCE,
    Queue,
    Recipe,
    Suite,
    View,
    cluster,
    compare,
    dedupe,
    distil_static,
    encode_shards,
    evaluate,
    fit,
    index_vectors,
    pairs,
    whiten,
)
from simemb.corpus.rows import open_rows
from simemb.encoder.external import ExternalEncoder
from simemb.encoder.untrained import new
from simemb.errors import ArgumentError, SimembError
from simemb.evaluation.tasks import Similarity
from simemb.search.lance import build_table
from simemb.search.mining import mine
from simemb.search.mining_rules import Rules

PAIRS = [("a man", "a dog", 1.0), ("a cat", "the cat", 4.0), ("a bird", "a boat", 2.0)]
TEXTS = ["a man", "a dog", "a cat"]


@dataclasses.dataclass(frozen=True)
class Kitchen:
    """What the calls need: a tiny encoder, one of another library, an index, and an empty folder."""

    encoder: Any
    external: ExternalEncoder
    index: Index
    here: Path


@pytest.fixture
def kitchen(tiny_base: Path, tmp_path: Path) -> Kitchen:
    model = SimpleNamespace(get_embedding_dimension=lambda: 4)
    external = ExternalEncoder(model, directory=tmp_path, name="external")
    return Kitchen(Encoder.load(tiny_base), external, Index.build(Trigrams(), sentences(5)), tmp_path)


Call = tuple[Callable[..., Any], dict[str, Any]]

CALLS: dict[str, Callable[[Kitchen], Call]] = {
    "fit": lambda kitchen: (
        fit,
        {"recipe": "simcse", "model": kitchen.encoder, "data": TEXTS, "output": kitchen.here / "run", "dev": "none"},
    ),
    "evaluate": lambda kitchen: (evaluate, {"encoder": kitchen.encoder, "suite": PAIRS}),
    "compare": lambda kitchen: (compare, {"models": [kitchen.encoder, Trigrams()], "suite": PAIRS}),
    "whiten": lambda kitchen: (whiten, {"encoder": kitchen.encoder, "texts": TEXTS, "dims": 2}),
    "distil_static": lambda kitchen: (
        distil_static,
        {"teacher": kitchen.encoder, "output": kitchen.here / "static"},
    ),
    "mine": lambda kitchen: (
        mine,
        {"encoder": Trigrams(), "data": [pair[:2] for pair in PAIRS], "output": kitchen.here / "triplets.tsv"},
    ),
    "new": lambda kitchen: (new, {"output": kitchen.here / "new", "data": TEXTS}),
    "open_rows": lambda _: (open_rows, {"data": TEXTS}),
    "Encoder.load": lambda _: (Encoder.load, {"model": "mini"}),
    "Encoder.encode": lambda kitchen: (kitchen.encoder.encode, {"texts": TEXTS}),
    "Encoder.encode_to_file": lambda kitchen: (
        kitchen.encoder.encode_to_file,
        {"texts": TEXTS, "path": kitchen.here / "vectors.npy"},
    ),
    "encode_shards": lambda kitchen: (
        encode_shards,
        {"model": kitchen.encoder, "data": "sample_search", "output": kitchen.here / "vectors"},
    ),
    "index_vectors": lambda kitchen: (
        index_vectors,
        {"vectors": kitchen.here / "vectors", "path": kitchen.here / "index"},
    ),
    "build_table": lambda kitchen: (
        build_table,
        {"encoder": Trigrams(), "texts": TEXTS, "path": kitchen.here / "texts.lance"},
    ),
    "Encoder.encode_query": lambda kitchen: (kitchen.encoder.encode_query, {"texts": TEXTS}),
    "Encoder.encode_document": lambda kitchen: (kitchen.encoder.encode_document, {"texts": TEXTS}),
    "Encoder.set_prompts": lambda kitchen: (kitchen.encoder.set_prompts, {"prompts": {"query": "a "}}),
    "ExternalEncoder.encode_query": lambda kitchen: (kitchen.external.encode_query, {"texts": TEXTS}),
    "ExternalEncoder.encode_document": lambda kitchen: (kitchen.external.encode_document, {"texts": TEXTS}),
    "ExternalEncoder.set_prompts": lambda kitchen: (kitchen.external.set_prompts, {"prompts": {"query": "a "}}),
    "Encoder.spread": lambda kitchen: (kitchen.encoder.spread, {"devices": "cpu"}),
    "ExternalEncoder.spread": lambda kitchen: (kitchen.external.spread, {"devices": "cpu"}),
    "Encoder.quantize": lambda kitchen: (kitchen.encoder.quantize, {}),
    "Encoder.train": lambda kitchen: (kitchen.encoder.train, {}),
    "Encoder.save": lambda kitchen: (kitchen.encoder.save, {"directory": kitchen.here / "saved"}),
    "Encoder.push_to_hub": lambda kitchen: (kitchen.encoder.push_to_hub, {"name": "org/name"}),
    "Encoder.set_dropout": lambda kitchen: (kitchen.encoder.set_dropout, {"probability": 0.1}),
    "Encoder.intercept": lambda kitchen: (kitchen.encoder.intercept, {"transform": max}),
    "Encoder.tokenize": lambda kitchen: (kitchen.encoder.tokenize, {"texts": TEXTS}),
    "ExternalEncoder.encode": lambda kitchen: (kitchen.external.encode, {"texts": TEXTS}),
    "ExternalEncoder.encode_to_file": lambda kitchen: (
        kitchen.external.encode_to_file,
        {"texts": TEXTS, "path": kitchen.here / "vectors.npy"},
    ),
    "dedupe": lambda kitchen: (dedupe, {"data": kitchen.index}),
    "cluster": lambda kitchen: (cluster, {"data": kitchen.index}),
    "pairs": lambda kitchen: (pairs, {"data": kitchen.index}),
    "Index": lambda kitchen: (Index, {"origin": kitchen.index.origin}),
    "Index.build": lambda _: (Index.build, {"encoder": Trigrams(), "texts": TEXTS}),
    "Index.add": lambda kitchen: (kitchen.index.add, {"texts": TEXTS}),
    "Index.update": lambda kitchen: (kitchen.index.update, {"texts": TEXTS, "ids": ["x", "y", "z"]}),
    "Index.delete": lambda kitchen: (kitchen.index.delete, {"ids": ["0"]}),
    "Index.search": lambda kitchen: (kitchen.index.search, {"query": "a man"}),
    "Index.search_batch": lambda kitchen: (kitchen.index.search_batch, {"queries": TEXTS}),
    "Index.save": lambda kitchen: (kitchen.index.save, {"directory": kitchen.here / "index"}),
    "Index.load": lambda kitchen: (Index.load, {"directory": kitchen.here / "index"}),
    "Recipe.from_json": lambda _: (Recipe.from_json, {"content": {}}),
}
"""Every public function and method, with the least that it needs."""

INSIDE = {
    "Encoder": "its parts are those of transformers: `Encoder.load` makes it",
    "Encoder.complete": "takes nothing",
    "Encoder.forward": "called by PyTorch, with a batch of the engine",
    "Encoder.embed": "called with what `tokenize` gives",
    "Encoder.hidden_states": "called with a batch of the engine",
    "Encoder.eager_states": "called with a batch of the engine",
    "Encoder.fingerprint": "`exact` is for an index",
    "Index.segments": "takes nothing",
    "Index.compact": "takes nothing",
    "ExternalEncoder.embed": "called by `encode`",
    "ExternalEncoder.fingerprint": "`exact` is for an index",
    "ExternalEncoder.load": "called by `Encoder.load`",
    "ExternalEncoder.tokenize": "called by `encode`",
    "ExternalEncoder.to": "called with what PyTorch takes as a device",
    "ExternalEncoder.eval": "takes nothing",
    "ExternalEncoder.save": "refused whatever it is given",
    "ExternalEncoder.train": "refused whatever it is given",
    "ExternalEncoder.quantize": "refused whatever it is given",
}
"""Callables without a door, and why."""

BASES = {
    "Auxiliary",
    "Callback",
    "EmbeddingAugmentation",
    "Objective",
    "TextAugmentation",
    "TokenAugmentation",
    "SimembError",
}
"""Public names that are not called, but subclassed or caught."""
BY_THE_ENGINE = {"Pair"}
"""Made once a step, of tensors."""

NOUNS: dict[str, Any] = {
    **{
        name: getattr(simemb, name)
        for name in simemb.__all__
        if dataclasses.is_dataclass(getattr(simemb, name)) and name not in BASES | BY_THE_ENGINE
    },
    "Rules": Rules,
    "Similarity": Similarity,
}
LEAST: dict[str, dict[str, Any]] = {
    "Matryoshka": {"objective": InfoNCE(), "dims": (1, 2)},
    "Recipe": {"views": (View(), View()), "objective": InfoNCE()},
    "Similarity": {"name": "pairs", "subsets": {}},
    "Source": {"name": "own", "description": "", "columns": ("text",), "license": "", "citation": ""},
    "Suite": {"name": "own", "description": "", "tasks": ()},
    "Sum": {"objectives": (InfoNCE(),)},
    "Term": {"objective": InfoNCE(), "memory": Queue()},
}
"""The fields of nouns that have no default."""


def parameters(function: Callable[..., Any]) -> list[str]:
    found = inspect.signature(function).parameters.values()
    return [each.name for each in found if each.name not in ("self", "cls") and each.kind is not each.VAR_KEYWORD]


def methods(kind: type) -> list[str]:
    """The public methods of a class that simemb itself defines."""
    ours = [base for base in kind.__mro__ if base.__module__.startswith("simemb")]
    names = {name for base in ours for name in vars(base) if not name.startswith("_")}
    return [name for name in sorted(names) if inspect.isroutine(inspect.getattr_static(kind, name))]


def test_every_public_callable_has_a_row() -> None:
    public = {name for name in simemb.__all__ if name not in BASES | BY_THE_ENGINE}
    public |= {f"{kind.__name__}.{name}" for kind in (Encoder, ExternalEncoder, Index) for name in methods(kind)}
    assert sorted(public - {*CALLS, *INSIDE, *NOUNS}) == []


@pytest.mark.parametrize("name", CALLS)
def test_every_argument_is_checked(name: str, kitchen: Kitchen) -> None:
    if name == "build_table":
        pytest.importorskip("lancedb", reason='needs LanceDB: pip install "simemb[lancedb]"')
    function, given = CALLS[name](kitchen)
    before = sorted(kitchen.here.iterdir())
    for parameter in parameters(function):
        with pytest.raises(ArgumentError, match=rf"^{parameter} ") as caught:
            function(**{**given, parameter: object()})
        assert "\n" not in str(caught.value)
    assert sorted(kitchen.here.iterdir()) == before


@pytest.mark.parametrize("name", CALLS)
def test_a_name_that_is_no_argument_is_answered_with_the_nearest(name: str, kitchen: Kitchen) -> None:
    function, given = CALLS[name](kitchen)
    nearly = f"{parameters(function)[0]}s"
    with pytest.raises(ArgumentError, match=rf"'{nearly}': did you mean '{nearly[:-1]}'"):
        function(**given, **{nearly: 1})
    with pytest.raises(ArgumentError, match="too many positional arguments"):
        function(*range(30))


@pytest.mark.parametrize("name", NOUNS)
def test_every_field_of_a_noun_is_checked(name: str) -> None:
    for field in dataclasses.fields(NOUNS[name]):
        with pytest.raises(ArgumentError, match=rf"^{field.name} must be "):
            NOUNS[name](**{**LEAST.get(name, {}), field.name: object()})


def frame() -> Any:
    return pytest.importorskip("pandas").DataFrame({"id": [1, 2, 3], "text": TEXTS})


TEXT_DOORS = (
    *(("whiten", "texts"), ("Encoder.encode", "texts"), ("Encoder.encode_to_file", "texts")),
    *(("Encoder.quantize", "sentences"), ("Encoder.tokenize", "texts"), ("ExternalEncoder.encode", "texts")),
    *(("Index.build", "texts"), ("Index.build", "ids"), ("Index.add", "texts"), ("Index.search_batch", "queries")),
    *(("Index.update", "texts"), ("Index.update", "ids"), ("Index.delete", "ids")),
)
DATA_DOORS = (
    ("fit", "data"),
    ("fit", "dev"),
    ("evaluate", "suite"),
    ("compare", "suite"),
    ("mine", "data"),
    ("dedupe", "data"),
)


@pytest.mark.parametrize(("name", "parameter"), TEXT_DOORS)
def test_what_holds_no_texts_in_an_order_is_refused_at_every_door(name: str, parameter: str, kitchen: Kitchen) -> None:
    function, given = CALLS[name](kitchen)
    for wrong in (7, b"a man", {"a man"}, {"q": "a man"}, Path("x.txt"), np.array("a man"), io.StringIO("a"), frame()):
        with pytest.raises(ArgumentError, match=rf"^{parameter} (is|must be) "):
            function(**{**given, parameter: wrong})
    with pytest.raises(SimembError, match=r"^(text|sentence|query|id) 2 is (None|nan)"):
        function(**{**given, parameter: ["a", None, "c"]})


@pytest.mark.parametrize(("name", "parameter"), DATA_DOORS)
def test_what_is_no_data_is_refused_at_every_door(name: str, parameter: str, kitchen: Kitchen) -> None:
    function, given = CALLS[name](kitchen)
    for wrong in (7, b"a man", {"a man"}, {"q": "a man"}, np.array("a man"), io.StringIO("a")):
        with pytest.raises(ArgumentError, match=rf"^{parameter} (is|must be) "):
            function(**{**given, parameter: wrong})


@pytest.mark.parametrize(
    ("name", "given", "line"),
    [
        ("fit", {"output": ""}, "output must name something, not ''"),
        ("fit", {"columns": "text"}, "columns must be a list of strings or None, not 'text'"),
        ("fit", {"model": Encoder}, "ExternalEncoder or None, not the class Encoder"),
        ("fit", {"recipe": InfoNCE()}, "recipe must be a name, a path, a Recipe or None, not an InfoNCE"),
        ("fit", {"seed": 1.0}, "seed must be a whole number or None, not 1.0 (float)"),
        ("fit", {"seed": True}, "seed must be a whole number or None, not True"),
        ("fit", {"metric": "spearmn"}, "did you mean 'spearman'?"),
        ("fit", {"resume": 1}, "resume must be True or False, a name or a path, not 1 (int)"),
        ("evaluate", {"encoder": [1]}, "encoder must be a name, a path or an encoder (Encoder.load gives one), not a"),
        ("evaluate", {"batch_size": 0}, "batch_size must be at least 1, not 0"),
        ("evaluate", {"suite": [("a", "b")]}, "scored pairs need two text columns and a score"),
        ("compare", {"models": "mini"}, "models must be a list of names, paths, encoders or lists of"),
        ("compare", {"models": []}, "models is empty"),
        ("compare", {"models": ["mini", 7]}, "models[1] must be a name, a path, an encoder"),
        ("compare", {"seed": -1}, "seed must be 0 or more, not -1"),
        ("new", {"seed": 2**63}, "seed must be below 2^63"),
        ("Encoder.load", {"default_pooling": "meen"}, "unknown pooling 'meen': did you mean 'mean'?"),
        ("Encoder.set_dropout", {"probability": float("nan")}, "must be in [0, 1), not nan"),
        ("Index.search", {"k": 2.5}, "k must be a whole number, not 2.5 (float)"),
        (
            "Index.search",
            {"query": ["a"]},
            "query must be a string or a vector, not a list; search_batch",
        ),
        ("Index.search", {"query": np.ones((1, 3))}, "not an array of shape 1 x 3 (float64); search_batch takes"),
        ("Index.search_batch", {"queries": np.ones(3)}, "not an array of shape 3 (float64); search takes one"),
        ("Index.search_batch", {"queries": [[1.0], [1.0, 2.0]]}, "query 1 is [1.0] (list), not a string"),
        ("Recipe.from_json", {"content": {"kind": "View"}}, "the content is that of a View, not of a Recipe"),
    ],
)
def test_what_is_wrong_gets_one_line(name: str, given: dict[str, Any], line: str, kitchen: Kitchen) -> None:
    function, least = CALLS[name](kitchen)
    with pytest.raises(SimembError) as caught:
        function(**{**least, **given})
    assert line in str(caught.value)


EQUAL: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("Index.search", {"k": 2}, {"k": np.int64(2)}),
    ("Index.search", {"k": 2}, {"k": np.array(2)}),
    ("Index.search", {"query": "a man"}, {"query": np.str_("a man")}),
    ("Index.search", {"query": np.ones(32)}, {"query": [1] * 32}),
    ("Index.search_batch", {"queries": TEXTS}, {"queries": iter(TEXTS)}),
    ("Index.search_batch", {"queries": TEXTS}, {"queries": np.array(TEXTS)}),
    ("Index.search_batch", {"queries": np.ones((2, 32))}, {"queries": [np.ones(32)] * 2}),
    ("Encoder.encode", {"normalize": True}, {"normalize": np.bool_(True)}),
    ("Encoder.encode", {"truncate_dim": 8, "batch_size": 2}, {"truncate_dim": np.int32(8), "batch_size": np.int8(2)}),
]
"""Arguments of the same meaning."""


@pytest.mark.parametrize(("name", "plain", "other"), EQUAL)
def test_what_is_equal_in_meaning_is_equal(
    name: str, plain: dict[str, Any], other: dict[str, Any], kitchen: Kitchen
) -> None:
    function, least = CALLS[name](kitchen)
    np.testing.assert_equal(function(**{**least, **other}), function(**{**least, **plain}))


def test_numbers_and_lists_become_what_the_annotation_says() -> None:
    assert repr(Queue(size=np.int64(5))) == repr(Queue(size=5))  # pyright: ignore[reportArgumentType]
    recipe = Recipe(views=[View(), View()], objective=InfoNCE(np.float32(0.5)))  # pyright: ignore[reportArgumentType]
    assert repr(recipe) == repr(Recipe(views=(View(), View()), objective=InfoNCE(0.5)))
    assert Suite("own", "", []).tasks == ()  # pyright: ignore[reportArgumentType]


def test_an_index_is_changed_through_a_door_too(kitchen: Kitchen) -> None:
    kitchen.index.effort = np.int64(4)  # pyright: ignore[reportAttributeAccessIssue]
    assert type(kitchen.index.effort) is int
    for effort in (0, "many"):
        with pytest.raises(SimembError, match=r"^effort must be"):
            kitchen.index.effort = effort  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(ArgumentError, match=r"^encoder must be"):
        kitchen.index.encoder = "mini"  # pyright: ignore[reportAttributeAccessIssue]
