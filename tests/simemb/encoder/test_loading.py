"""Loading: what a directory says is believed, what it does not say is announced, what is damaged is one line."""

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from families import SENTENCES, make_backbone, make_encoder, make_tokenizer
from torch import nn

from simemb.encoder.encoder import Encoder
from simemb.encoder.external import ExternalEncoder
from simemb.encoder.modules import Dense, Normalize
from simemb.encoder.pooling import LAYERS
from simemb.errors import ModelError
from simemb.evaluation.evaluate import evaluate

TEXTS = [*SENTENCES, "", "猫 a man 🙂"]


def checkpoint(path: Path, family: str = "bert", **options: Any) -> Path:
    """A bare Hugging Face checkpoint, which says nothing about pooling."""
    make_backbone(family, **options).save_pretrained(path)
    make_tokenizer(family).save_pretrained(path)
    return path


@pytest.fixture
def bare(tmp_path) -> Path:
    return checkpoint(tmp_path / "bare")


@pytest.fixture
def saved(tmp_path) -> Path:
    """A directory with every kind of file that we write."""
    tail = (Dense(32, 8, activation=nn.Tanh()), Normalize())
    return make_encoder(pooling="first_last", tail=tail).save(tmp_path / "saved")


def written_by_them(path: Path, *modules: Any, **options: Any) -> Any:
    """A directory that the installed sentence-transformers writes, in its own spelling; the model itself."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(modules=list(modules), device="cpu", **options)
    model.save(str(path))
    return model


def their_transformer(folder: Path, family: str = "bert", **options: Any) -> Any:
    from sentence_transformers.sentence_transformer.modules import Transformer

    return Transformer(str(checkpoint(folder / "checkpoint", family)), **options)


def notices(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What simemb itself said."""
    return [record.getMessage() for record in caplog.records if record.name == "simemb"]


# ---- bare checkpoints ----------------------------------------------------------------------------------


def test_a_bare_checkpoint_gets_mean_with_a_notice(bare, caplog):
    with caplog.at_level(logging.WARNING, "simemb"):
        encoder = Encoder.load(bare)
    assert encoder.pooling == "mean"
    (message,) = notices(caplog)
    assert str(bare) in message
    assert "taking mean" in message
    assert "--pooling" in message


def test_a_recipe_may_say_another_default(bare, caplog):
    with caplog.at_level(logging.WARNING, "simemb"):
        encoder = Encoder.load(bare, default_pooling="cls")
    assert encoder.pooling == "cls"
    assert "taking cls" in caplog.text


@pytest.mark.parametrize("pooling", LAYERS)
def test_a_requested_pooling_is_used_and_logged(bare, caplog, pooling):
    with caplog.at_level(logging.INFO, "simemb"):
        encoder = Encoder.load(bare, pooling=pooling)
    assert encoder.pooling == pooling
    assert notices(caplog) == [f"{bare}: pooling {pooling}, as requested"]
    assert {record.levelname for record in caplog.records} == {"INFO"}
    np.testing.assert_array_equal(encoder.encode(TEXTS), make_encoder(pooling=pooling, max_length=64).encode(TEXTS))


def test_a_checkpoint_with_its_language_modeling_head_gives_its_body(tmp_path):
    from transformers import BertForMaskedLM

    torch.manual_seed(0)
    model = BertForMaskedLM(make_backbone().config)
    model.save_pretrained(tmp_path)
    make_tokenizer().save_pretrained(tmp_path)
    encoder = Encoder.load(tmp_path, pooling="cls")
    weights = encoder.backbone.state_dict()
    assert set(weights) == set(model.bert.state_dict())
    assert all(torch.equal(weights[name], weight) for name, weight in model.bert.state_dict().items())
    assert encoder.source == tmp_path


def test_max_length_and_truncation_can_be_set(bare):
    encoder = Encoder.load(bare, pooling="mean", max_length=7, truncate_dim=5)
    assert (encoder.max_length, encoder.truncate_dim, encoder.dim) == (7, 5, 5)


@pytest.mark.parametrize("option", ["max_length", "truncate_dim"])
def test_an_option_below_one_is_refused(bare, option):
    with pytest.raises(ModelError, match=f"{option} must be at least 1, not 0"):
        Encoder.load(bare, **{option: 0})


# ---- the trained pooler --------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta", "camembert", "albert", "ernie", "mpnet"])
def test_cls_head_is_the_checkpoint_s_own_pooler(tmp_path, family):
    backbone = make_backbone(family, pooler=True)
    checkpoint(tmp_path, family, pooler=True)
    encoder = Encoder.load(tmp_path, pooling="cls_head")
    assert encoder.pooling == "cls"
    assert [type(module) for module in encoder.tail] == [Dense]
    tokens = encoder.tokenizer(list(SENTENCES), padding=True, return_tensors="pt")
    with torch.no_grad():
        expected = backbone(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]).pooler_output
    np.testing.assert_allclose(encoder.encode(list(SENTENCES)), expected.numpy(), atol=1e-5, rtol=0)


def test_cls_head_survives_saving(tmp_path):
    encoder = Encoder.load(checkpoint(tmp_path / "bare", pooler=True), pooling="cls_head")
    encoder.save(tmp_path / "saved")
    loaded = Encoder.load(tmp_path / "saved")
    np.testing.assert_array_equal(loaded.encode(TEXTS), encoder.encode(TEXTS))
    assert loaded.fingerprint() == encoder.fingerprint()


def test_scores_call_cls_head_by_its_name(tmp_path):
    path = checkpoint(tmp_path / "bare", pooler=True)
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("score\tsentence1\tsentence2\n1\ta man\tdog\n2\tsky\ta red sky\n4\tthe dog\ta dog\n")
    assert evaluate(Encoder.load(path, pooling="cls_head"), pairs).pooling == "cls_head"
    assert evaluate(Encoder.load(path, pooling="cls"), pairs).pooling == "cls"


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "electra", "modernbert", "deberta-v2"])
def test_cls_head_without_a_trained_pooler_is_refused(tmp_path, family):
    with pytest.raises(ModelError, match="has no trained pooler"):
        Encoder.load(checkpoint(tmp_path, family), pooling="cls_head")


def test_cls_leaves_a_trained_pooler_out(tmp_path):
    encoder = Encoder.load(checkpoint(tmp_path, pooler=True), pooling="cls")
    assert not encoder.tail
    assert not any("pooler" in name for name in encoder.state_dict())


# ---- directories of sentence-transformers --------------------------------------------------------------


def their_tail(kind: str) -> list[Any]:
    from sentence_transformers.sentence_transformer import modules

    torch.manual_seed(3)
    return {
        "no tail": lambda: [],
        "Dense tanh": lambda: [modules.Dense(32, 12)],
        "Dense, Normalize": lambda: [modules.Dense(32, 12, activation_function=nn.Identity()), modules.Normalize()],
    }[kind]()


@pytest.mark.parametrize("tail", ["no tail", "Dense tanh", "Dense, Normalize"])
@pytest.mark.parametrize("pooling", ["cls", "mean", "max"])
@pytest.mark.parametrize("family", ["roberta", "mpnet"])
def test_a_directory_written_by_sentence_transformers_gives_its_own_vectors(tmp_path, family, pooling, tail, caplog):
    from sentence_transformers.sentence_transformer.modules import Pooling

    transformer = their_transformer(tmp_path, family, max_seq_length=20)
    model = written_by_them(tmp_path / "model", transformer, Pooling(32, pooling), *their_tail(tail))
    # "models." is how the older spelling begins
    assert "models." not in (tmp_path / "model" / "modules.json").read_text()
    with caplog.at_level(logging.INFO, "simemb"):
        encoder = Encoder.load(tmp_path / "model")
    assert isinstance(encoder, Encoder)
    assert notices(caplog) == [f"{tmp_path / 'model'}: pooling {pooling}, as the directory says"]
    assert (encoder.pooling, encoder.max_length) == (pooling, 20)
    np.testing.assert_allclose(encoder.encode(TEXTS), model.encode(TEXTS, show_progress_bar=False), atol=1e-5, rtol=0)


def test_their_truncation_survives(tmp_path):
    from sentence_transformers.sentence_transformer.modules import Pooling

    model = written_by_them(tmp_path / "model", their_transformer(tmp_path), Pooling(32), truncate_dim=6)
    encoder = Encoder.load(tmp_path / "model")
    assert encoder.dim == 6
    np.testing.assert_allclose(encoder.encode(TEXTS), model.encode(TEXTS), atol=1e-5, rtol=0)


@pytest.mark.parametrize("mode", ["lasttoken", "weightedmean", "mean_sqrt_len_tokens", ("cls", "mean")])
def test_a_pooling_that_only_they_know_runs_through_them(tmp_path, mode):
    from sentence_transformers.sentence_transformer.modules import Pooling

    model = written_by_them(tmp_path / "model", their_transformer(tmp_path), Pooling(32, mode))
    encoder = Encoder.load(tmp_path / "model")
    assert isinstance(encoder, ExternalEncoder)
    np.testing.assert_allclose(encoder.encode(TEXTS), model.encode(TEXTS), atol=1e-5, rtol=0)


def test_a_pooling_may_be_chosen_over_what_the_directory_says(saved):
    encoder = Encoder.load(saved, pooling="max")
    assert encoder.pooling == "max"
    assert len(encoder.tail) == 2


def test_options_win_over_what_the_directory_says(tmp_path):
    make_encoder(max_length=20, truncate_dim=10).save(tmp_path / "model")
    encoder = Encoder.load(tmp_path / "model", max_length=12, truncate_dim=4)
    assert (encoder.max_length, encoder.truncate_dim) == (12, 4)


def edit(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


@pytest.mark.parametrize("used", [[0, 1, 1, 1], [0, 0.5, 0, 1], [0, 0, 1, 0]])
def test_layers_weighted_in_another_way_run_through_sentence_transformers(tmp_path, used):
    from safetensors.torch import save_file

    path = make_encoder(pooling="first_last").save(tmp_path / "model")
    save_file(
        {"layer_weights": torch.tensor(used, dtype=torch.float32)}, path / "1_WeightedLayerPooling/model.safetensors"
    )
    assert isinstance(Encoder.load(path), ExternalEncoder)


# ---- where a model is looked for -----------------------------------------------------------------------


def test_a_run_directory_means_its_best(tmp_path):
    encoder = make_encoder()
    encoder.save(tmp_path / "run" / "best")
    (tmp_path / "run" / "recipe.json").write_text("{}")
    loaded = Encoder.load(tmp_path / "run")
    assert loaded.fingerprint() == encoder.fingerprint()
    assert loaded.name == str(tmp_path / "run")


@pytest.mark.parametrize("place", ["run", "run/best"])
def test_a_replacement_that_a_crash_cut_short_is_named_with_what_to_type_and_nothing_is_moved(tmp_path, place):
    encoder = make_encoder()
    encoder.save(tmp_path / "run" / "best")
    path = tmp_path / place
    aside = path.with_name(f".{path.name}.{'1f' * 16}.replaced")
    path.rename(aside)
    with pytest.raises(ModelError, match=f"type mv {aside} {path}, or run that command again"):
        Encoder.load(tmp_path / "run")
    assert aside.is_dir()
    aside.rename(path)
    assert Encoder.load(tmp_path / "run").fingerprint() == encoder.fingerprint()


def test_reading_a_run_removes_nothing_of_its_owner(tmp_path):
    make_encoder().save(tmp_path / "run" / "best")
    (tmp_path / "run" / "best.old").mkdir()
    Encoder.load(tmp_path / "run")
    assert (tmp_path / "run" / "best.old").is_dir()


def test_a_run_without_an_encoder_is_named_as_such(tmp_path):
    (tmp_path / "recipe.json").write_text("{}")
    advice = f"has no encoder yet: `simemb train --resume {tmp_path}` goes on with it"
    with pytest.raises(ModelError, match=advice):
        Encoder.load(tmp_path)


def test_a_path_may_be_text_or_a_path(saved):
    assert Encoder.load(str(saved)).fingerprint() == Encoder.load(saved).fingerprint()


def test_a_folder_without_a_model_and_a_file_are_refused(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ModelError, match="is a file"):
        Encoder.load(tmp_path / "file")
    with pytest.raises(ModelError, match="holds no model"):
        Encoder.load(tmp_path / "folder")


@pytest.mark.parametrize("name", ["nobody/no-such-model", "no-such-model", "a/b/c/d", "./missing", "white space"])
def test_a_name_that_is_nowhere_is_one_line(tmp_path, monkeypatch, name):
    import huggingface_hub.constants

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError) as caught:
        Encoder.load(name)
    assert Path(name).name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "near"), [("meen", "mean"), ("cls-head", "cls_head"), ("last_2", "last2"), ("MAX", None)]
)
def test_an_unknown_pooling_is_refused_with_the_nearest_match_before_anything_is_read(tmp_path, wrong, near):
    with pytest.raises(ModelError) as caught:
        Encoder.load(tmp_path / "there is nothing here", pooling=wrong)
    message = str(caught.value)
    assert f"unknown pooling '{wrong}'" in message
    assert near is None or f"did you mean '{near}'?" in message
    assert "first_last" in message
    assert "\n" not in message


# ---- damage --------------------------------------------------------------------------------------------


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def without_a_layer(path: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = {name: tensor for name, tensor in load_file(path).items() if ".layer.1." not in name}
    save_file(weights, path, metadata={"format": "pt"})


def overwrite(content: str | bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content.encode() if isinstance(content, str) else content)


LAYER_POOLING, POOLING, DENSE = "1_WeightedLayerPooling", "2_Pooling", "3_Dense"
DAMAGE: dict[str, tuple[str, Callable[[Path], object]]] = {
    "no weights": ("model.safetensors", Path.unlink),
    "half of the weights": ("model.safetensors", cut_in_half),
    "empty weights": ("model.safetensors", overwrite("")),
    "weights that lack a layer": ("model.safetensors", without_a_layer),
    "weights that are text": ("model.safetensors", overwrite("not a safetensors file")),
    "no config": ("config.json", Path.unlink),
    "half of the config": ("config.json", cut_in_half),
    "an empty config": ("config.json", overwrite("{}")),
    "a config of an unknown type": ("config.json", overwrite('{"model_type": "no-such-type"}')),
    "no tokenizer": ("tokenizer.json", Path.unlink),
    "half of the tokenizer": ("tokenizer.json", cut_in_half),
    "half of the modules": ("modules.json", cut_in_half),
    "modules that are no list": ("modules.json", overwrite('{"0": "Transformer"}')),
    "modules without types": ("modules.json", overwrite("[{}]")),
    "modules that are numbers": ("modules.json", overwrite("[1, 2]")),
    "no modules": ("modules.json", overwrite("[]")),
    "settings that are a list": ("config_sentence_transformers.json", overwrite("[]")),
    "half of the settings": ("config_sentence_transformers.json", cut_in_half),
    "not UTF-8": ("config_sentence_transformers.json", overwrite(b"\xff\xfe{")),
    "no pooling": (f"{POOLING}/config.json", Path.unlink),
    "half of the pooling": (f"{POOLING}/config.json", cut_in_half),
    "no layer weights": (f"{LAYER_POOLING}/model.safetensors", Path.unlink),
    "half of the layer weights": (f"{LAYER_POOLING}/model.safetensors", cut_in_half),
    "no layer start": (f"{LAYER_POOLING}/config.json", overwrite("{}")),
    "no dense weights": (f"{DENSE}/model.safetensors", Path.unlink),
    "half of the dense weights": (f"{DENSE}/model.safetensors", cut_in_half),
    "no dense config": (f"{DENSE}/config.json", Path.unlink),
    "half of the dense config": (f"{DENSE}/config.json", cut_in_half),
    "a dense layer of another size": (
        f"{DENSE}/config.json",
        lambda path: edit(path, in_features=31),
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_directory_is_refused_in_one_line_that_names_it(saved, damage):
    name, break_it = DAMAGE[damage]
    break_it(saved / name)
    with pytest.raises(ModelError) as caught:
        Encoder.load(saved)
    assert str(saved) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_weights_stored_as_a_pickle_are_refused(bare):
    from safetensors.torch import load_file

    torch.save(load_file(bare / "model.safetensors"), bare / "pytorch_model.bin")
    (bare / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"pytorch_model.bin only, a pickle, which is not read; .* convert it: python"):
        Encoder.load(bare, pooling="mean")


def test_loading_changes_nothing_on_the_disk(saved, tmp_path):
    shutil.copytree(saved, tmp_path / "copy")
    Encoder.load(saved)
    for path in (tmp_path / "copy").rglob("*"):
        if path.is_file():
            assert (saved / path.relative_to(tmp_path / "copy")).read_bytes() == path.read_bytes()


def test_the_real_base_loads_as_a_bare_checkpoint(shared_models):
    encoder = Encoder.load(shared_models / "minilm-l4-mlm", pooling="cls")
    assert encoder.ragged
    assert (encoder.dim, encoder.max_length) == (384, 512)
    vectors = encoder.encode(["A man is playing a guitar.", "Someone plays the guitar.", "The stock fell."])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert unit[0] @ unit[1] > unit[0] @ unit[2]


def test_a_name_that_no_system_takes_is_one_line():
    with pytest.raises(ModelError, match="cannot be looked up as a model: File name too long"):
        Encoder.load("a" * 5000)


def test_a_tokenizer_that_fails_at_a_text_is_named(saved):
    path = saved / "tokenizer.json"
    settings = json.loads(path.read_text())
    settings["model"]["unk_token"] = "[ELSEWHERE]"
    path.write_text(json.dumps(settings))
    encoder = Encoder.load(saved)
    assert encoder.encode(SENTENCES).shape == (len(SENTENCES), 8)
    with pytest.raises(ModelError, match=r"saved: its tokenizer fails: .*\[UNK\]"):
        encoder.encode(["猫"])
