"""Models with modules that only sentence-transformers can run keep our interface and its vectors."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from families import SENTENCES, make_encoder, make_odd

from simemb.encoder.encoder import Encoder
from simemb.encoder.external import ExternalEncoder
from simemb.encoder.static import StaticEncoder
from simemb.errors import DataError, ModelError

TEXTS = [*SENTENCES, "A MAN Plays", "", "猫 a man 🙂"]


def their_model(path: Path) -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(path), device="cpu")


def edit(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


@pytest.fixture(scope="module")
def potion(shared_models) -> StaticEncoder:
    return Encoder.load(shared_models / "potion-base-4M")


# ---- which models are external -------------------------------------------------------------------------


def layer_norm(path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import LayerNorm

    SentenceTransformer(modules=[*their_model(path), LayerNorm(32)], device="cpu").save(str(path))


def unknown_activation(path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense
    from torch.nn import Softplus

    modules = [*their_model(path), Dense(32, 8, activation_function=Softplus())]
    SentenceTransformer(modules=modules, device="cpu").save(str(path))


def residual(path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense

    modules = [*their_model(path), Dense(32, 32, use_residual=True)]
    SentenceTransformer(modules=modules, device="cpu").save(str(path))


@pytest.mark.parametrize("change", [layer_norm, unknown_activation, residual])
def test_what_we_do_not_know_runs_through_sentence_transformers_with_its_vectors(tmp_path, change):
    path = make_encoder().save(tmp_path / "model")
    change(path)
    encoder = Encoder.load(path)
    assert isinstance(encoder, ExternalEncoder)
    expected = their_model(path).encode(TEXTS, show_progress_bar=False)
    np.testing.assert_allclose(encoder.encode(TEXTS), expected, atol=1e-5, rtol=0)
    assert encoder.dim == expected.shape[1]


def test_a_pooling_that_would_be_ignored_is_refused(tmp_path):
    path = make_encoder().save(tmp_path / "model")
    residual(path)
    with pytest.raises(ModelError, match="runs through sentence-transformers, where no pooling can be chosen"):
        Encoder.load(path, pooling="cls")


def test_a_prompt_reaches_sentence_transformers(tmp_path):
    path = make_encoder().save(tmp_path / "model")
    layer_norm(path)
    edit(path / "config_sentence_transformers.json", prompts={"query": "the sky "}, default_prompt_name="query")
    encoder, theirs = Encoder.load(path), their_model(path)
    assert encoder.prompts == theirs.prompts
    for options in ({}, {"prompt": "a man "}, {"prompt": ""}, {"prompt_name": "query"}):
        expected = theirs.encode(TEXTS, show_progress_bar=False, **options)
        np.testing.assert_allclose(encoder.encode(TEXTS, **options), expected, atol=1e-5, rtol=0)
    assert not np.allclose(encoder.encode(TEXTS), encoder.encode(TEXTS, prompt=""), atol=1e-3)


def through_them(path: Path, family: str, mode: str) -> ExternalEncoder:
    """A model of a family whose pooling only sentence-transformers has."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    backbone = make_odd(family, path / "checkpoint")
    modules = [Transformer(str(backbone)), Pooling(32, mode)]
    SentenceTransformer(modules=modules, device="cpu").save(str(path / "model"))
    encoder = Encoder.load(path / "model")
    assert isinstance(encoder, ExternalEncoder)
    return encoder


@pytest.mark.parametrize(("family", "apart"), [("fnet", True), ("convbert", True), ("gpt2", False)])
def test_a_vector_from_sentence_transformers_does_not_depend_on_its_neighbors(tmp_path, family, apart):
    encoder = through_them(tmp_path, family, "lasttoken")
    assert encoder.apart == apart
    alone = np.stack([encoder.model.encode(text, show_progress_bar=False) for text in SENTENCES])
    np.testing.assert_allclose(encoder.encode(list(SENTENCES)), alone, atol=1e-5, rtol=0)


def test_a_tokenizer_without_a_padding_token_gives_the_vector_of_each_text(tmp_path):
    through_them(tmp_path, "gpt2", "lasttoken")
    expected = Encoder.load(tmp_path / "model").encode(list(SENTENCES))
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        if (path := tmp_path / "model" / name).exists():
            path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k != "pad_token"}))
    encoder = Encoder.load(tmp_path / "model")
    assert encoder.apart
    np.testing.assert_allclose(encoder.encode(list(SENTENCES)), expected, atol=1e-5, rtol=0)


# ---- static embeddings, the real model -----------------------------------------------------------------


def test_static_embeddings_load_as_a_static_encoder_with_a_name_and_a_width(potion, shared_models):
    assert isinstance(potion, StaticEncoder)
    assert potion.name == str(shared_models / "potion-base-4M")
    assert potion.dim == 128


def test_static_embeddings_give_the_vectors_of_sentence_transformers(potion, shared_models):
    """Theirs are computed in half precision here, as the table is; of the empty text they are not a number."""
    expected = their_model(shared_models / "potion-base-4M").encode(TEXTS, show_progress_bar=False)
    vectors = potion.encode(TEXTS)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, np.nan_to_num(expected), atol=1e-3, rtol=0)


def test_an_external_encoder_keeps_the_interface_of_encode(potion):
    vectors = potion.encode(TEXTS)
    np.testing.assert_allclose(potion.encode(iter(TEXTS), batch_size=2), vectors, atol=1e-5, rtol=0)
    np.testing.assert_allclose(potion.encode(TEXTS[0]), vectors[0], atol=1e-5, rtol=0)
    assert potion.encode(TEXTS[0]).shape == (128,)
    assert potion.encode([]).shape == (0, 128)
    short = potion.encode(TEXTS[:5], truncate_dim=7)
    np.testing.assert_allclose(short, vectors[:5, :7], atol=1e-6)
    unit = potion.encode(TEXTS[:5], truncate_dim=7, normalize=True)
    np.testing.assert_allclose(unit, short / np.linalg.norm(short, axis=1, keepdims=True), atol=1e-6)
    with pytest.raises(DataError, match="text 2 is 3"):
        potion.encode(iter(["a", 3]))


@pytest.mark.parametrize("text", ["", "\u200b", "\x00", "a \ud83d", "שלום", "a" * 100_000])
def test_odd_texts_give_finite_vectors(potion, text):
    assert np.isfinite(potion.encode([text, "a man"], normalize=True)).all()


def test_an_external_encoder_writes_files(potion, tmp_path):
    assert potion.encode_to_file(iter(TEXTS), tmp_path / "vectors.npy") == len(TEXTS)
    np.testing.assert_array_equal(np.load(tmp_path / "vectors.npy", mmap_mode="r"), potion.encode(TEXTS))
    assert potion.encode_to_file(TEXTS, tmp_path / "vectors.parquet") == len(TEXTS)
    assert pq.read_table(tmp_path / "vectors.parquet")["text"].to_pylist() == TEXTS


def test_truncation_at_loading_acts_and_is_part_of_the_fingerprint(potion, shared_models):
    short = Encoder.load(shared_models / "potion-base-4M", truncate_dim=10)
    assert short.dim == 10
    np.testing.assert_allclose(short.encode(TEXTS), potion.encode(TEXTS)[:, :10], atol=1e-6)
    assert short.fingerprint() != potion.fingerprint()


def test_equal_models_have_equal_fingerprints_whatever_they_did(potion, shared_models):
    before = potion.fingerprint()
    potion.encode(TEXTS)
    assert potion.fingerprint() == before == Encoder.load(shared_models / "potion-base-4M").fingerprint()


def test_everything_in_the_directory_that_changes_a_vector_changes_the_fingerprint(tmp_path):
    def changed(number: int, change: Callable[[Path], object]) -> str:
        path = make_encoder().save(tmp_path / str(number))
        layer_norm(path)
        change(path)
        encoder = Encoder.load(path)
        assert isinstance(encoder, ExternalEncoder)
        return encoder.fingerprint()

    def reword(path: Path) -> None:
        text = (path / "tokenizer.json").read_text()
        (path / "tokenizer.json").write_text(text.replace('"guitar"', '"guitars"'))

    changes: list[Callable[[Path], object]] = [
        lambda _: None,
        lambda path: edit(path / "config_sentence_transformers.json", prompts={"query": "the dog "}),
        lambda path: edit(path / "sentence_bert_config.json", max_seq_length=9),
        reword,
        lambda path: (path / "modeling.py").write_text("scale = 2"),
        lambda path: (path / "onnx").mkdir() or (path / "onnx" / "model.onnx").write_bytes(b"weights"),
        lambda path: (path / "head.pt").write_bytes(b"weights"),
        lambda path: shutil.copy(make_encoder(seed=1).save(tmp_path / "other") / "model.safetensors", path),
    ]
    prints = [changed(number, change) for number, change in enumerate(changes)]
    assert len(set(prints)) == len(changes)


def test_the_card_hidden_files_and_what_python_compiled_change_no_fingerprint(tmp_path):
    path = make_encoder().save(tmp_path / "model")
    layer_norm(path)
    before = Encoder.load(path).fingerprint()
    (path / "README.md").write_text("another card")
    (path / ".gitattributes").write_text("*.bin")
    for folder in (".cache", "__pycache__"):
        (path / folder).mkdir()
        (path / folder / "modeling.json").write_text("{}")
    assert Encoder.load(path).fingerprint() == before


# ---- what it cannot do ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda encoder: encoder.save("here"), r"which does not change: copy .*potion-base-4M to here"),
        (lambda encoder: encoder.train(), "can be used, but not trained here"),
        (lambda encoder: encoder.quantize(), "precision int8 is not possible"),
    ],
)
def test_what_an_external_encoder_cannot_do_is_said(potion, call, line):
    with pytest.raises(ModelError, match=f"potion-base-4M is a static model.*{line}"):
        call(potion)


def test_an_external_encoder_moves_and_is_always_in_evaluation_mode(potion):
    assert potion.to("cpu") is potion
    assert potion.eval() is potion


def test_what_sentence_transformers_cannot_do_is_said_in_its_name(tmp_path):
    path = make_encoder().save(tmp_path / "model")
    layer_norm(path)
    for call, line in (
        (lambda encoder: encoder.save("here"), r"which saves it: encoder\.model\.save\('here'\)"),
        (lambda encoder: encoder.train(), "can be used, but not trained here"),
    ):
        with pytest.raises(ModelError, match=f"model runs through sentence-transformers.*{line}"):
            call(Encoder.load(path))


def test_a_text_that_another_library_cannot_encode_is_one_line(tmp_path, shared_models):
    """The texts that are tried at loading have no such token."""
    folder = shutil.copytree(shared_models / "potion-base-4M", tmp_path / "static")
    (folder / "tokenizer.json").chmod(0o644)
    settings = json.loads((folder / "tokenizer.json").read_text())
    settings["model"]["vocab"]["zebra"] = 10**6
    (folder / "tokenizer.json").write_text(json.dumps(settings))
    encoder = ExternalEncoder.load(folder, name="static")
    assert encoder.encode(["a man"]).shape == (1, encoder.dim)
    with pytest.raises(ModelError, match=r"static cannot encode a text: .*1000000"):
        encoder.encode(["zebra"])


def test_a_pipe_in_the_place_of_its_weights_is_not_waited_for(tmp_path, shared_models):
    folder = shutil.copytree(shared_models / "potion-base-4M", tmp_path / "static", copy_function=shutil.copyfile)
    (folder / "model.safetensors").unlink()
    os.mkfifo(folder / "model.safetensors")
    with pytest.raises(ModelError, match=r"model\.safetensors: no regular file"):
        Encoder.load(folder)
