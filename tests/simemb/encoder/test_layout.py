"""The layout of sentence-transformers in all its spellings: honored with that library's vectors, or refused."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from families import SENTENCES, make_backbone, make_encoder, make_tokenizer

from simemb.encoder.encoder import Encoder
from simemb.encoder.external import ExternalEncoder
from simemb.errors import ModelError

TEXTS = [*SENTENCES, "A MAN Plays", "a dog " * 20]
NAMES = ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
OLDEST = ("BERT", "RoBERTa", "DistilBERT", "ALBERT", "CamemBERT", "XLMRoBERTa", "XLNet")


def edit(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def theirs(path: Path) -> np.ndarray:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(path), device="cpu").encode(TEXTS, show_progress_bar=False)


def same(path: Path) -> Encoder:
    """Our encoder of a directory, whose vectors are theirs."""
    encoder = Encoder.load(path)
    assert isinstance(encoder, Encoder)
    np.testing.assert_allclose(encoder.encode(TEXTS), theirs(path), atol=1e-5, rtol=0)
    return encoder


def cased(path: Path) -> Path:
    """A saved encoder whose tokenizer does not lowercase."""
    from tokenizers.normalizers import BertNormalizer

    encoder = make_encoder()
    encoder.tokenizer.backend_tokenizer.normalizer = BertNormalizer(lowercase=False)
    return encoder.save(path)


# ---- settings of the transformer -----------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_settings_are_read_under_every_old_name(tmp_path, name):
    path = make_encoder().save(tmp_path / "model")
    (path / "sentence_bert_config.json").unlink()
    (path / f"sentence_{name}_config.json").write_text('{"max_seq_length": 7}')
    assert same(path).max_length == 7


def test_lowercasing_is_honored_and_survives_saving(tmp_path):
    path = cased(tmp_path / "model")
    before = same(path).encode(TEXTS)
    edit(path / "sentence_bert_config.json", do_lower_case=True)
    encoder = same(path)
    assert not np.allclose(encoder.encode(TEXTS), before, atol=1e-3)
    saved = encoder.save(tmp_path / "saved")
    assert same(saved).fingerprint() == encoder.fingerprint()
    np.testing.assert_array_equal(encoder.encode("A MAN"), encoder.encode("a man"))


def test_a_length_for_the_tokenizer_is_honored(tmp_path):
    path = make_encoder().save(tmp_path / "model")
    edit(path / "sentence_bert_config.json", max_seq_length=None, tokenizer_args={"model_max_length": 6})
    assert same(path).max_length == 6


def test_a_precision_that_is_not_used_is_named(tmp_path, caplog):
    path = make_encoder().save(tmp_path / "model")
    expected = Encoder.load(path).encode(TEXTS)
    edit(path / "sentence_bert_config.json", model_args={"torch_dtype": "bfloat16"})
    np.testing.assert_array_equal(Encoder.load(path).encode(TEXTS), expected)
    assert "asks for bfloat16: vectors are computed in float32 all the same" in caplog.text


@pytest.mark.parametrize(
    "fields", [{"config_args": {"hidden_act": "relu"}}, {"processing_kwargs": {"text": {"max_length": 5}}}]
)
def test_settings_that_only_they_know_run_through_them(tmp_path, fields):
    path = make_encoder().save(tmp_path / "model")
    before = Encoder.load(path).encode(TEXTS)
    edit(path / "sentence_bert_config.json", **fields)
    encoder = Encoder.load(path)
    assert isinstance(encoder, ExternalEncoder)
    np.testing.assert_allclose(encoder.encode(TEXTS), theirs(path), atol=1e-5, rtol=0)
    assert not np.allclose(encoder.encode(TEXTS), before, atol=1e-3)


# ---- modules -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", OLDEST)
def test_the_modules_of_2019_are_transformers(tmp_path, kind):
    path = make_encoder().save(tmp_path / "model")
    expected = Encoder.load(path).encode(TEXTS)
    modules = (path / "modules.json").read_text()
    (path / "modules.json").write_text(modules.replace("models.Transformer", f"models.{kind}"))
    encoder = Encoder.load(path)
    assert isinstance(encoder, Encoder)
    np.testing.assert_array_equal(encoder.encode(TEXTS), expected)


def test_a_pooling_without_a_mode_is_the_mean(tmp_path):
    path = make_encoder(pooling="cls").save(tmp_path / "model")
    (path / "1_Pooling" / "config.json").write_text('{"word_embedding_dimension": 32}')
    assert same(path).pooling == "mean"


@pytest.mark.parametrize("outside", ["../other", "/etc"])
def test_a_module_outside_of_the_directory_is_not_followed(tmp_path, outside):
    path = make_encoder().save(tmp_path / "model")
    modules = json.loads((path / "modules.json").read_text())
    modules[1]["path"] = outside
    (path / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(ModelError, match="names a module outside of its directory"):
        Encoder.load(path)


def test_code_in_a_model_s_folder_does_not_run(tmp_path):
    path = make_encoder().save(tmp_path / "model")
    text = (path / "modules.json").read_text()
    (path / "modules.json").write_text(text.replace("sentence_transformers.models.Transformer", "own.Transformer"))
    (path / "own.py").write_text(f"open({str(tmp_path / 'marker')!r}, 'w')\nclass Transformer: pass\n")
    with pytest.raises(ModelError) as caught:
        Encoder.load(path)
    assert "own.Transformer" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "marker").exists()


# ---- settings of the whole -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["CrossEncoder", "SparseEncoder", "MultiVectorEncoder"])
def test_a_model_of_another_kind_is_refused_by_name(tmp_path, kind):
    path = make_encoder().save(tmp_path / "model")
    edit(path / "config_sentence_transformers.json", model_type=kind)
    with pytest.raises(ModelError, match=f"is a {kind}, which gives no vector of a text"):
        Encoder.load(path)


def test_a_similarity_that_is_not_used_is_named(tmp_path, caplog):
    path = make_encoder().save(tmp_path / "model")
    edit(path / "config_sentence_transformers.json", similarity_fn_name="dot")
    same(path)
    assert "asks for the similarity dot: simemb compares vectors by their cosine" in caplog.text


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"prompts": ["query: "]}, "prompts must be texts by name"),
        ({"prompts": {"query": 3}}, "prompts must be texts by name"),
        (
            {"prompts": {"query": "query: "}, "default_prompt_name": "qery"},
            "unknown prompt 'qery': did you mean 'query'",
        ),
        ({"truncate_dim": "many"}, "truncate_dim must be a whole number of at least 1"),
        ({"truncate_dim": 0}, "truncate_dim must be a whole number of at least 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path, fields, line):
    path = make_encoder().save(tmp_path / "model")
    edit(path / "config_sentence_transformers.json", **fields)
    with pytest.raises(ModelError, match=line) as caught:
        Encoder.load(path)
    assert str(path) in str(caught.value)


# ---- tokenizers ----------------------------------------------------------------------------------------


def test_a_directory_without_a_tokenizer_is_refused(tmp_path):
    make_backbone().save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="has no tokenizer, or one without any word"):
        Encoder.load(tmp_path)


def test_a_tokenizer_of_special_tokens_alone_is_refused(tmp_path):
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    make_backbone().save_pretrained(tmp_path)
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "[PAD]": 1}, unk_token="[UNK]"))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]").save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="has no tokenizer, or one without any word"):
        Encoder.load(tmp_path)


@pytest.mark.parametrize("file", ["tokenizer_config.json", "config.json"])
@pytest.mark.parametrize("name", [5, ["BertTokenizer"], True])
def test_a_tokenizer_whose_class_is_no_name_is_refused(tmp_path, file, name):
    make_backbone().save_pretrained(tmp_path)
    make_tokenizer().save_pretrained(tmp_path)
    content = json.loads((tmp_path / file).read_text())
    (tmp_path / file).write_text(json.dumps(content | {"tokenizer_class": name}))
    with pytest.raises(
        ModelError, match=rf"{file}: tokenizer_class must be the name of a class, not {re.escape(repr(name))}"
    ):
        Encoder.load(tmp_path)


def test_a_tokenizer_with_more_tokens_than_embeddings_is_refused(tmp_path):
    make_backbone(vocab_size=50).save_pretrained(tmp_path)
    make_tokenizer().save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="has ids up to 91, and the model has embeddings of 50 tokens"):
        Encoder.load(tmp_path)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("default_prompt_name", ["query"], "default_prompt_name: unknown prompt"),
        ("matryoshka_dims", [True], "matryoshka_dims must be a list of whole numbers of at least 1"),
        ("matryoshka_dims", [-1], "matryoshka_dims must be a list of whole numbers of at least 1"),
        ("truncate_dim", True, "truncate_dim must be a whole number of at least 1, not True"),
    ],
)
def test_a_setting_of_another_type_is_named_with_its_file(tmp_path, field, value, words):
    path = make_encoder().save(tmp_path / "model")
    edit(path / "config_sentence_transformers.json", **{field: value})
    with pytest.raises(ModelError, match=rf"config_sentence_transformers\.json: {words}"):
        Encoder.load(path)
