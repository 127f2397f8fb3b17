"""Static models: their vectors are the means of the rows of a table, and those of sentence-transformers."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from families import SENTENCES, make_encoder
from safetensors.torch import save_file

from simemb.encoder import saving
from simemb.encoder.encoder import Encoder
from simemb.encoder.external import ExternalEncoder
from simemb.encoder.static import StaticEncoder
from simemb.errors import ModelError

OLD = "sentence_transformers.models."
TEXTS = [*SENTENCES, "", "A MAN plays", "[SEP] a man", "猫", "a \ud83d", " "]


def static_model(path: Path, *modules: str, dim: int = 6, **tensors: torch.Tensor) -> Path:
    """A directory of these modules, with the tokenizer of the tests; by default a random table of embeddings."""
    tokenizer: Any = make_encoder().tokenizer
    for number, module in enumerate(modules):
        (path / f"{number}_{module}").mkdir(parents=True)
    entries = [
        {
            "idx": number,
            "name": str(number),
            "path": f"{number}_{module}",
            "type": f"sentence_transformers.models.{module}",
        }
        for number, module in enumerate(modules)
    ]
    (path / "modules.json").write_text(json.dumps(entries))
    (path / "config_sentence_transformers.json").write_text(json.dumps(saving.settings({"query": "the man "}, None)))
    generator = torch.Generator().manual_seed(1)
    table = torch.randn(len(tokenizer), dim, generator=generator)
    save_file(tensors or {"embedding.weight": table}, path / "0_StaticEmbedding" / "model.safetensors")
    tokenizer.backend_tokenizer.save(str(path / "0_StaticEmbedding" / "tokenizer.json"))
    return path


def slow(path: Path, texts: list[str], table: torch.Tensor, *, unit: bool) -> np.ndarray:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path / "0_StaticEmbedding" / "tokenizer.json"))
    rows = []
    for text in texts:
        ids = tokenizer.encode(text.replace("\ud83d", "\ufffd"), add_special_tokens=False).ids
        mean = torch.zeros(table.shape[1])
        for token in ids:
            mean += table[token] / len(ids)
        rows.append(mean / mean.norm() if unit and mean.norm() else mean)
    return torch.stack(rows).numpy()


def theirs(path: Path, texts: list[str], **options: Any) -> np.ndarray:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(path), device="cpu").encode(texts, show_progress_bar=False, **options)


@pytest.mark.parametrize("modules", [("StaticEmbedding",), ("StaticEmbedding", "Normalize")])
def test_a_vector_is_the_mean_of_the_rows_of_its_tokens(tmp_path: Path, modules: tuple[str, ...]):
    encoder = Encoder.load(static_model(tmp_path / "m", *modules))
    assert isinstance(encoder, StaticEncoder)
    expected = slow(tmp_path / "m", TEXTS, encoder.table, unit=len(modules) > 1)
    np.testing.assert_allclose(encoder.encode(TEXTS), expected, atol=1e-6)


def test_the_vectors_are_those_of_sentence_transformers(tmp_path: Path):
    encoder = Encoder.load(static_model(tmp_path / "m", "StaticEmbedding", "Normalize"))
    texts = [text for text in TEXTS if "\ud83d" not in text]
    np.testing.assert_allclose(encoder.encode(texts), theirs(tmp_path / "m", texts), atol=1e-6)
    there = theirs(tmp_path / "m", texts, prompt_name="query")
    np.testing.assert_allclose(encoder.encode(texts, prompt_name="query"), there, atol=1e-6)
    assert not np.allclose(encoder.encode(texts), there, atol=1e-3)


def test_a_vector_does_not_depend_on_its_neighbors(tmp_path: Path):
    encoder = Encoder.load(static_model(tmp_path / "m", "StaticEmbedding", "Normalize"))
    together = encoder.encode(TEXTS)
    np.testing.assert_array_equal(together, np.stack([encoder.encode(text) for text in TEXTS]))
    np.testing.assert_array_equal(together, encoder.encode(TEXTS, batch_size=2))


def test_tables_of_model2vec_are_folded(tmp_path: Path):
    """A row and a factor for each token, in half precision."""
    count = len(make_encoder().tokenizer)
    generator = torch.Generator().manual_seed(2)
    embeddings = torch.randn(5, 3, generator=generator).half()
    mapping, weights = torch.arange(count) % 5, torch.rand(count, generator=generator)
    path = static_model(tmp_path / "m", "StaticEmbedding", embeddings=embeddings, mapping=mapping, weights=weights)
    encoder = Encoder.load(path)
    assert isinstance(encoder, StaticEncoder)
    assert encoder.table.dtype == torch.float32
    np.testing.assert_allclose(encoder.table[7], embeddings[2].float() * weights[7])


def test_it_needs_no_sentence_transformers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "sentence_transformers", None)
    assert Encoder.load(static_model(tmp_path / "m", "StaticEmbedding")).encode("a man").shape == (6,)


def test_with_other_modules_sentence_transformers_computes_it(tmp_path: Path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense

    path = static_model(tmp_path / "m", "StaticEmbedding")
    modules = [*SentenceTransformer(str(path), device="cpu"), Dense(6, 4)]
    SentenceTransformer(modules=modules, device="cpu").save(str(tmp_path / "dense"))
    encoder = Encoder.load(tmp_path / "dense")
    assert isinstance(encoder, ExternalEncoder)
    assert not isinstance(encoder, StaticEncoder)


def test_the_truncation_of_a_directory_acts(tmp_path: Path):
    path = static_model(tmp_path / "m", "StaticEmbedding", "Normalize")
    whole = Encoder.load(path).encode(TEXTS)
    settings = path / "config_sentence_transformers.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"truncate_dim": 2}))
    short = Encoder.load(path)
    assert short.dim == 2
    np.testing.assert_array_equal(short.encode(TEXTS), whole[:, :2])


def test_two_processes_encode_as_one(tmp_path: Path):
    encoder = Encoder.load(static_model(tmp_path / "m", "StaticEmbedding"))
    np.testing.assert_array_equal(encoder.encode(TEXTS, devices="cpu,cpu"), encoder.encode(TEXTS))


@pytest.mark.parametrize(
    ("tensors", "line"),
    [
        ({"other": torch.zeros(9, 3)}, "holds no table of token vectors"),
        ({"embedding.weight": torch.zeros(9)}, "holds no table of token vectors"),
        ({"embedding.weight": torch.zeros(4, 3)}, "its tokenizer has ids up to .* the table has 4 rows"),
        ({"embedding.weight": torch.full((500, 3), torch.nan)}, "not finite"),
    ],
)
def test_a_damaged_model_is_refused_in_one_line(tmp_path: Path, tensors: dict[str, torch.Tensor], line: str):
    with pytest.raises(ModelError, match=line) as caught:
        Encoder.load(static_model(tmp_path / "m", "StaticEmbedding", **tensors))
    assert "\n" not in str(caught.value)


def test_without_its_tokenizer_it_is_refused(tmp_path: Path):
    path = static_model(tmp_path / "m", "StaticEmbedding")
    (path / "0_StaticEmbedding" / "tokenizer.json").unlink()
    with pytest.raises(ModelError):
        Encoder.load(path)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"pooling": "cls"}, "is a static model, where no pooling can be chosen"),
        ({"precision": "int8"}, "is a static model: precision int8 is not possible"),
        ({"max_length": 8}, "is a static model, where no max_length can be chosen"),
        ({"truncate_dim": 99}, "truncate_dim must be in 1 to 6"),
    ],
)
def test_what_it_has_not_cannot_be_asked_for(tmp_path: Path, options: dict[str, Any], line: str):
    with pytest.raises(ModelError, match=line):
        Encoder.load(static_model(tmp_path / "m", "StaticEmbedding"), **options)


def test_its_fingerprint_is_that_of_its_files(tmp_path: Path):
    path = static_model(tmp_path / "m", "StaticEmbedding")
    before = Encoder.load(path).fingerprint()
    assert Encoder.load(Path(shutil.copytree(path, tmp_path / "copy"))).fingerprint() == before
    encoder = Encoder.load(path)
    encoder.set_prompts({"query": "another "})
    assert encoder.fingerprint() != before
