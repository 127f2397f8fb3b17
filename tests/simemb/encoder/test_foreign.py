"""A model's folder that names code, or places outside of it: one line, and nothing of it is run or followed."""

import json
import os
import pickle
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sentence_transformers
import transformers.dynamic_module_utils
from families import make_encoder

from simemb import cli
from simemb.encoder.encoder import Encoder
from simemb.encoder.external import ExternalEncoder
from simemb.errors import ModelError
from simemb.search.index import Index

OLD, NEW = "sentence_transformers.models.", "sentence_transformers.sentence_transformer.modules."


class Marked:
    """A pickle that leaves a file when it is read."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.marker), "w")


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "marker"


@pytest.fixture
def model(tmp_path: Path, marker: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model whose folder holds code that leaves a file. Python would find it, and older releases would run it."""
    path = make_encoder().save(tmp_path / "model")
    classes = "from torch.nn import Tanh\nclass Odd(Tanh):\n    pass\nDense = ReLU = Odd\n"
    code = f"open({str(marker)!r}, 'w').close()\n{classes}"
    (path / "evil.py").write_text(code)
    monkeypatch.chdir(path)
    monkeypatch.syspath_prepend(path)
    return path


@pytest.fixture
def not_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """What sentence-transformers would do with a folder does not matter: it does not get it."""

    def read(*args: object, **kwargs: object) -> None:
        raise AssertionError("the folder was handed over")

    monkeypatch.setattr(sentence_transformers.SentenceTransformer, "__init__", read)


def edit(path: Path, **fields: Any) -> None:
    content = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(content | fields))


def append(path: Path, kind: str, **config: Any) -> Path:
    """One more module at the end, of a class that sentence-transformers has to run."""
    modules = json.loads((path / "modules.json").read_text())
    (path / "2_More").mkdir()
    entry = {"idx": 2, "name": "2", "path": "2_More", "type": kind}
    (path / "modules.json").write_text(json.dumps([*modules, entry]))
    edit(path / "2_More" / "config.json", **config)
    return path / "2_More"


def only(path: Path, kind: str) -> None:
    (path / "modules.json").write_text(json.dumps([{"idx": 0, "name": "0", "path": "", "type": kind}]))


def pickled(path: Path, marker: Path) -> None:
    path.write_bytes(pickle.dumps(Marked(marker)))


# ---- code ----------------------------------------------------------------------------------------------


def nested(path: Path) -> None:
    """A whole model in place of a module: its own modules.json is read by sentence-transformers."""
    inner = append(path, "sentence_transformers.SentenceTransformer")
    only(inner, "evil.Odd")


def routed(path: Path, name: str) -> None:
    more = append(path, f"{OLD}Router")
    (more / "inner").mkdir()
    edit(more / name, types={"inner": "evil.Odd"}, structure={"query": ["inner"]}, parameters={})


def routed_twice(path: Path) -> None:
    more = append(path, f"{OLD}Asym")
    (more / "inner").mkdir()
    edit(more / "config.json", types={"inner": f"{OLD}Router"}, structure={"query": ["inner"]}, parameters={})
    edit(more / "inner" / "router_config.json", types={"x": "evil.Odd"}, structure={"query": ["x"]}, parameters={})


def tokenized(path: Path, name: str) -> None:
    only(path, f"{OLD}WordEmbeddings")
    edit(path / "wordembedding_config.json", tokenizer_class=name, max_seq_length=9, update_embeddings=False)


CODE: dict[str, Callable[[Path], Any]] = {
    "evil.Odd": lambda path: only(path, "evil.Odd"),
    "evil.Dense": lambda path: append(path, "evil.Dense"),
    "sentence_transformers.evil.Odd": lambda path: append(path, "sentence_transformers.evil.Odd"),
    "base.modules.module.torch": lambda path: append(path, "sentence_transformers.base.modules.module.torch"),
    "util.import_from_string": lambda path: append(path, "sentence_transformers.util.import_from_string"),
    "sentence_transformers.SentenceTransformer": nested,
    "names evil.Odd": lambda path: routed(path, "router_config.json"),
    "inner names evil.Odd|More names evil.Odd": lambda path: routed(path, "config.json"),
    "inner/x names evil.Odd": routed_twice,
    "wordembedding_config.json names evil.Odd": lambda path: tokenized(path, "evil.Odd"),
    "json names sentence_transformers.SentenceTransformer": lambda path: tokenized(
        path, "sentence_transformers.SentenceTransformer"
    ),
    "config.json names evil.Odd": lambda path: append(path, f"{OLD}Dense", activation_function="evil.Odd"),
    "config.json names evil.ReLU": lambda path: append(path, f"{NEW}Dense", activation_function="evil.ReLU"),
    "names torch.hub.load": lambda path: append(path, f"{NEW}Dense", activation_function="torch.hub.load"),
}


@pytest.mark.usefixtures("not_handed_over")
@pytest.mark.parametrize("line", CODE)
def test_code_that_a_folder_names_is_not_run(model: Path, marker: Path, line: str) -> None:
    CODE[line](model)
    with pytest.raises(ModelError, match=line) as caught:
        Encoder.load(model)
    assert "code that is not" in str(caught.value)
    assert "trust_remote_code=True" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not marker.exists()


def test_code_is_run_for_who_asks(model: Path, marker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transformers.dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    only(model, "evil.Odd")
    with pytest.raises(ModelError):
        Encoder.load(model, trust_remote_code=True)
    assert marker.exists()


def test_classes_of_sentence_transformers_and_torch_are_run(model: Path) -> None:
    append(model, f"{OLD}LayerNorm", dimension=32)
    (model / "2_More" / "model.safetensors").write_bytes(_layer_norm())
    assert isinstance(Encoder.load(model), ExternalEncoder)


def _layer_norm() -> bytes:
    import torch
    from safetensors.torch import save

    return save({"norm.weight": torch.ones(32), "norm.bias": torch.zeros(32)})


@pytest.mark.parametrize("name", ["transformers.py", "sentence_transformers.py", "torch.py", "tokenizers.py"])
def test_a_file_called_as_a_library_hides_no_library(model: Path, marker: Path, name: str) -> None:
    (model / "evil.py").rename(model / name)
    (model / name.removesuffix(".py")).mkdir()
    (model / name.removesuffix(".py") / "__init__.py").write_text((model / name).read_text())
    append(model, f"{OLD}Normalize")
    Encoder.load(model).encode("a man")
    assert not marker.exists()


@pytest.mark.parametrize("kind", ["bert", "evil"])
@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_a_mapping_of_transformers_to_code_is_not_followed(model: Path, marker: Path, file: str, kind: str) -> None:
    names = ("AutoConfig", "AutoModel", "AutoModelForMaskedLM", "AutoTokenizer")
    edit(model / "config.json", model_type=kind, custom_generate="evil.py")
    edit(model / file, auto_map=dict.fromkeys(names, "evil.Odd"))
    edit(model / "tokenizer_config.json", tokenizer_class="Odd" if kind == "evil" else "BertTokenizer")
    with suppress(ModelError):
        Encoder.load(model).encode("a man")
    assert not marker.exists()


@pytest.mark.parametrize("name", ["attn_implementation", "_attn_implementation"])
def test_attention_from_the_hub_is_not_fetched(model: Path, name: str) -> None:
    edit(model / "config.json", **{name: "somebody/kernel"})
    with pytest.raises(ModelError, match=f"{name} names somebody/kernel, code of the hub"):
        Encoder.load(model)


# ---- pickles -------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("not_handed_over")
def test_a_pickle_of_a_module_that_only_they_run_is_not_read(model: Path, marker: Path) -> None:
    more = append(model, f"{OLD}LayerNorm", dimension=32)
    pickled(more / "pytorch_model.bin", marker)
    with pytest.raises(ModelError, match=r"has pytorch_model.bin only, a pickle, which is not read"):
        Encoder.load(model)
    assert not marker.exists()


@pytest.mark.usefixtures("not_handed_over")
@pytest.mark.parametrize("name", ["model_args", "model_kwargs"])
@pytest.mark.parametrize(
    "argument", [{"weights_only": False}, {"use_safetensors": False}, {"allow_all_kernels": True}, {"state_dict": {}}]
)
def test_how_weights_are_read_is_not_for_a_directory_to_decide(
    model: Path, marker: Path, name: str, argument: dict[str, Any]
) -> None:
    append(model, f"{OLD}LayerNorm", dimension=32)
    pickled(model / "pytorch_model.bin", marker)
    edit(model / "sentence_bert_config.json", **{name: argument})
    with pytest.raises(ModelError, match=f"{name} has {next(iter(argument))}, which is not for a directory to decide"):
        Encoder.load(model)
    assert not marker.exists()


# ---- places --------------------------------------------------------------------------------------------

OUTSIDE = ("../other", "/etc", "a/../../other", "..\\other", "C:\\other", "C:other", "\\\\server\\share", "link")


@pytest.mark.parametrize("place", OUTSIDE)
@pytest.mark.parametrize("module", [0, 1])
def test_a_module_outside_of_the_directory_is_not_followed(model: Path, place: str, module: int) -> None:
    (model.parent / "other").mkdir()
    (model / "link").symlink_to(model.parent / "other")
    modules = json.loads((model / "modules.json").read_text())
    modules[module]["path"] = place
    (model / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(ModelError, match="names a module outside of its directory"):
        Encoder.load(model)


@pytest.mark.usefixtures("not_handed_over")
@pytest.mark.parametrize("place", OUTSIDE)
def test_a_module_inside_of_a_module_stays_in_the_directory(model: Path, place: str) -> None:
    more = append(model, f"{OLD}Router")
    (model.parent / "other").mkdir()
    (more / "link").symlink_to(model.parent / "other")
    edit(more / "router_config.json", types={place: f"{OLD}Normalize"}, structure={"query": [place]}, parameters={})
    with pytest.raises(ModelError, match="names a module outside of its directory"):
        Encoder.load(model)


def test_a_directory_may_itself_be_a_link_and_its_files_too(model: Path, tmp_path: Path) -> None:
    weights = (model / "model.safetensors").rename(tmp_path / "blob")
    (model / "model.safetensors").symlink_to(weights)
    (tmp_path / "linked").symlink_to(model)
    assert Encoder.load(tmp_path / "linked").dim == 32


@pytest.mark.parametrize(
    "fields", [{"vocab_file": "../vocab.txt"}, {"fast_tokenizer_files": ["/x/tokenizer.5.0.json"]}]
)
def test_a_file_of_a_tokenizer_stays_in_the_directory(model: Path, fields: dict[str, Any]) -> None:
    edit(model / "tokenizer_config.json", **fields)
    with pytest.raises(ModelError, match=f"{next(iter(fields))} names a file outside of its directory"):
        Encoder.load(model)


def test_paths_of_the_author_s_machine_that_nobody_reads_are_left_alone(model: Path) -> None:
    edit(
        model / "tokenizer_config.json", special_tokens_map_file="/elsewhere/x.json", tokenizer_file="/elsewhere/y.json"
    )
    assert Encoder.load(model).encode("a man").shape == (32,)


# ---- every verb ----------------------------------------------------------------------------------------

VERBS = {
    "encode": ["encode", "{model}", "{texts}", "--output", "o.npy"],
    "eval": ["eval", "{model}", "--suite", "{pairs}"],
    "index": ["index", "{model}", "{texts}", "--output", "o"],
    "search --model": ["search", "{index}", "a man", "--model", "{model}"],
    "search": ["search", "{index}", "a man"],
    "compare": ["compare", "mini", "{model}", "--suite", "{pairs}"],
    "train": ["train", "simcse", "--data", "{texts}", "--model", "{model}", "--output", "o", "--max-steps", "1"],
    "train --target.model": [
        *("train", "distil", "--data", "{texts}", "--model", "mini", "--target.model", "{model}", "--output", "o"),
        *("--max-steps", "1"),
    ],
    "whiten": ["whiten", "{model}", "--data", "{texts}", "--output", "o"],
    "mine": ["mine", "{model}", "{pairs}", "--output", "o.tsv"],
}


@pytest.mark.usefixtures("not_handed_over")
@pytest.mark.parametrize("verb", VERBS)
def test_no_verb_runs_the_code_of_a_model(
    model: Path, marker: Path, tmp_path: Path, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "texts.txt").write_text("a man\nthe dog runs\na red sky\n")
    (tmp_path / "pairs.tsv").write_text(
        "score\tsentence1\tsentence2\n1\ta man\tthe man\n2\ta dog\ta man\n3\tsky\tsky\n"
    )
    Index.build(Encoder.load(model), ["a man"], path=tmp_path / "index")
    append(model, f"{OLD}Dense", activation_function="evil.Odd")
    names = {
        "model": model,
        "index": tmp_path / "index",
        "texts": tmp_path / "texts.txt",
        "pairs": tmp_path / "pairs.tsv",
    }
    os.chdir(tmp_path)
    assert cli.main([word.format(**names) for word in VERBS[verb]]) == 2
    assert "names evil.Odd, code that is not torch's and is not run" in capsys.readouterr().err.replace("\n", " ")
    assert not marker.exists()
