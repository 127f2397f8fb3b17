"""What we save, sentence-transformers loads with the same vectors, and so do we with the same bits."""

import json
import logging
import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from families import FAMILIES, SENTENCES, make_backbone, make_encoder, make_tokenizer
from torch import nn

from simemb.encoder import saving
from simemb.encoder.encoder import Encoder
from simemb.encoder.modules import Dense, Normalize
from simemb.encoder.pooling import LAYERS
from simemb.errors import BusyError, ModelError

TEXTS = [*SENTENCES, "", "猫 a man 🙂", "a dog " * 50]
PICKLES = {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt"}


def make_tail(kind: str) -> tuple[nn.Module, ...]:
    torch.manual_seed(7)
    return {
        "no tail": lambda: (),
        "Dense tanh": lambda: (Dense(32, 12, activation=nn.Tanh()),),
        "Dense, Normalize": lambda: (Dense(32, 12, activation=nn.Identity(), bias=False), Normalize()),
    }[kind]()


THEIRS = ("bert", "mpnet")
TAILS = ("no tail", "Dense tanh", "Dense, Normalize")


def theirs(directory: Path) -> np.ndarray:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(directory), device="cpu").encode(TEXTS, show_progress_bar=False)


def files_of(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


def snapshot(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in files_of(directory)}


# ---- the same vectors elsewhere and here ---------------------------------------------------------------


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("pooling", LAYERS)
@pytest.mark.parametrize("family", THEIRS)
def test_sentence_transformers_gives_the_vectors_of_a_directory_saved_here(tmp_path, family, pooling, tail):
    encoder = make_encoder(family, pooling=pooling, tail=make_tail(tail))
    encoder.save(tmp_path / "model")
    np.testing.assert_allclose(theirs(tmp_path / "model"), encoder.encode(TEXTS), atol=1e-5, rtol=0)


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - set(THEIRS)))
def test_sentence_transformers_gives_the_vectors_of_every_other_family(tmp_path, family):
    encoder = make_encoder(family, pooling="first_last", tail=make_tail("Dense, Normalize"))
    encoder.save(tmp_path / "model")
    np.testing.assert_allclose(theirs(tmp_path / "model"), encoder.encode(TEXTS), atol=1e-5, rtol=0)


def test_a_tokenizer_has_a_name_that_transformers_4_knows(tmp_path, tiny_base):
    for name in ("mini", tiny_base):
        path = Encoder.load(name).save(tmp_path / Path(name).name)
        assert json.loads((path / "tokenizer_config.json").read_text())["tokenizer_class"] != "TokenizersBackend"
        np.testing.assert_array_equal(Encoder.load(path).encode(TEXTS), Encoder.load(name).encode(TEXTS))


# every pooling x tail for a ragged and a padded family, every family once
BACK = {(family, pooling, tail) for family in ("bert", "mpnet") for pooling in LAYERS for tail in TAILS}
BACK |= {(family, "last2", "Dense tanh") for family in FAMILIES}


@pytest.mark.parametrize(("family", "pooling", "tail"), sorted(BACK))
def test_a_saved_encoder_comes_back_bit_for_bit(tmp_path, family, pooling, tail):
    encoder = make_encoder(family, pooling=pooling, tail=make_tail(tail), max_length=20, truncate_dim=9)
    before = encoder.fingerprint()
    encoder.save(tmp_path / "model")
    loaded = Encoder.load(tmp_path / "model")
    assert isinstance(loaded, Encoder)
    assert (loaded.pooling, loaded.max_length, loaded.truncate_dim, loaded.dim) == (pooling, 20, 9, 9)
    assert loaded.ragged == encoder.ragged
    np.testing.assert_array_equal(loaded.encode(TEXTS), encoder.encode(TEXTS))
    assert before == encoder.fingerprint() == loaded.fingerprint()


def test_a_second_generation_is_equal_too(tmp_path):
    encoder = make_encoder(pooling="last2", tail=make_tail("Dense tanh"))
    encoder.save(tmp_path / "one")
    Encoder.load(tmp_path / "one").save(tmp_path / "two")
    one, two = snapshot(tmp_path / "one"), snapshot(tmp_path / "two")
    # transformers adds keys of its own to these two
    assert {name for name in one if one[name] != two.get(name)} <= {"config.json", "tokenizer_config.json"}
    assert Encoder.load(tmp_path / "two").fingerprint() == encoder.fingerprint()


@pytest.mark.parametrize("pooling", ["first_last", "last2"])
@pytest.mark.parametrize("layers", [1, 2])
def test_poolings_over_layers_survive_in_a_model_with_few_layers(tmp_path, pooling, layers):
    encoder = make_encoder(pooling=pooling, num_hidden_layers=layers)
    encoder.save(tmp_path / "model")
    np.testing.assert_array_equal(Encoder.load(tmp_path / "model").encode(TEXTS), encoder.encode(TEXTS))
    np.testing.assert_allclose(theirs(tmp_path / "model"), encoder.encode(TEXTS), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "activation", [nn.Tanh(), nn.Identity(), nn.ReLU(), nn.GELU(), nn.Sigmoid()], ids=lambda module: str(module)
)
def test_every_activation_of_a_dense_module_comes_back(tmp_path, activation):
    torch.manual_seed(0)
    encoder = make_encoder(tail=(Dense(32, 12, activation=activation), Dense(12, 5, activation=nn.Tanh())))
    encoder.save(tmp_path / "model")
    np.testing.assert_array_equal(Encoder.load(tmp_path / "model").encode(TEXTS), encoder.encode(TEXTS))
    np.testing.assert_allclose(theirs(tmp_path / "model"), encoder.encode(TEXTS), atol=1e-5, rtol=0)


def test_sentence_transformers_honors_our_truncation_and_maximal_length(tmp_path):
    encoder = make_encoder(max_length=9, truncate_dim=6)
    encoder.save(tmp_path / "model")
    vectors = theirs(tmp_path / "model")
    assert vectors.shape == (len(TEXTS), 6)
    np.testing.assert_allclose(vectors, encoder.encode(TEXTS), atol=1e-5, rtol=0)


# ---- what lies in the directory ------------------------------------------------------------------------


@pytest.mark.parametrize("pooling", ["mean", "first_last"])
def test_modules_are_spelled_as_older_releases_read_them(tmp_path, pooling):
    make_encoder(pooling=pooling, tail=(*make_tail("Dense tanh"), Normalize())).save(tmp_path / "model")
    modules = json.loads((tmp_path / "model" / "modules.json").read_text())
    layered = ["WeightedLayerPooling"] if pooling == "first_last" else []
    kinds = ["Transformer", *layered, "Pooling", "Dense", "Normalize"]
    assert [module["type"] for module in modules] == [f"sentence_transformers.models.{kind}" for kind in kinds]
    assert [module["idx"] for module in modules] == list(range(len(kinds)))
    for module in modules[1:]:
        assert (tmp_path / "model" / module["path"]).is_dir()
    pooling_folder = modules[kinds.index("Pooling")]["path"]
    flags = json.loads((tmp_path / "model" / pooling_folder / "config.json").read_text())
    assert flags["pooling_mode_mean_tokens"] is True
    assert sum(value is True for name, value in flags.items() if name.startswith("pooling_mode")) == 1


def test_nothing_saved_is_a_pickle(tmp_path):
    make_encoder(pooling="first_last", tail=make_tail("Dense, Normalize")).save(tmp_path / "model")
    files = files_of(tmp_path / "model")
    assert {path.suffix for path in files} <= {".json", ".txt", ".md", ".safetensors"}
    assert not PICKLES & {path.suffix for path in files}
    for path in files:
        start = path.read_bytes()[:2]
        assert not start.startswith((b"\x80", b"PK")), path


def test_the_model_card_lies_beside_the_weights_and_may_tell_of_the_training(tmp_path):
    encoder = make_encoder(pooling="cls")
    encoder.save(tmp_path / "model")
    assert "Encoder.load(" in (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    saving.save(encoder, tmp_path / "model", overwrite=True, training="Trained on 猫.")
    assert "Trained on 猫." in (tmp_path / "model" / "README.md").read_text(encoding="utf-8")


def test_saving_answers_with_the_path_and_makes_its_parents(tmp_path):
    assert make_encoder().save(str(tmp_path / "a" / "b")) == tmp_path / "a" / "b"
    assert (tmp_path / "a" / "b" / "modules.json").is_file()


def test_saving_leaves_the_encoder_as_it_was(tmp_path):
    encoder = make_encoder(pooling="last2").train()
    before = encoder.fingerprint()
    encoder.save(tmp_path / "model")
    assert encoder.training
    assert encoder.fingerprint() == before
    assert not encoder.backbone.config.output_hidden_states


# ---- crashes -------------------------------------------------------------------------------------------


class Crash(BaseException):
    """Like the end of the process."""


@pytest.mark.parametrize("step", ["_write_layers", "_write_pooling", "_write_tail", "_settings", "card"])
@pytest.mark.parametrize("error", [Crash, KeyboardInterrupt])
def test_a_crash_while_saving_leaves_the_older_directory_whole(tmp_path, monkeypatch, step, error):
    path = tmp_path / "model"
    make_encoder(seed=1).save(path)
    before = snapshot(path)

    def crash(*args: object) -> None:
        raise error

    monkeypatch.setattr(saving, step, crash)
    with pytest.raises(error):
        make_encoder(pooling="first_last", tail=make_tail("Dense tanh")).save(path, overwrite=True)
    assert snapshot(path) == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_one_line_that_names_the_directory(tmp_path, monkeypatch):
    path = tmp_path / "model"
    make_encoder(seed=1).save(path)
    before = snapshot(path)

    def full(*args: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(saving, "_settings", full)
    with pytest.raises(ModelError) as caught:
        make_encoder().save(path, overwrite=True)
    assert str(caught.value).startswith(f"{path}: ")
    assert "No space left on device" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert snapshot(path) == before


def test_a_directory_under_a_file_cannot_be_made_and_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="cannot be written there"):
        make_encoder().save(tmp_path / "file" / "model")


def test_a_new_save_leaves_nothing_of_the_older_one(tmp_path):
    make_encoder(pooling="first_last", tail=make_tail("Dense tanh")).save(tmp_path / "model")
    encoder = make_encoder(pooling="cls")
    encoder.save(tmp_path / "model", overwrite=True)
    folders = {path.name for path in (tmp_path / "model").iterdir() if path.is_dir()}
    assert folders == {"1_Pooling"}
    assert Encoder.load(tmp_path / "model").fingerprint() == encoder.fingerprint()


def test_saving_and_loading_what_says_its_pooling_warns_of_nothing(tmp_path, caplog):
    """Not transformers' load reports either."""
    with caplog.at_level(logging.WARNING):
        make_encoder().save(tmp_path / "model")
        Encoder.load(tmp_path / "model")
    assert not caplog.records


def test_a_half_precision_checkpoint_is_computed_in_float32(tmp_path):
    backbone = make_backbone().half()
    backbone.save_pretrained(tmp_path / "half")
    make_tokenizer().save_pretrained(tmp_path / "half")
    encoder = Encoder.load(tmp_path / "half", pooling="cls")
    assert {weight.dtype for weight in encoder.parameters()} == {torch.float32}
    encoder.save(tmp_path / "model")
    np.testing.assert_array_equal(Encoder.load(tmp_path / "model").encode(TEXTS), encoder.encode(TEXTS))
    np.testing.assert_allclose(theirs(tmp_path / "model"), encoder.encode(TEXTS), atol=1e-5, rtol=0)


def test_only_a_model_that_simemb_saved_is_replaced_and_nothing_else_goes_with_it(tmp_path, tiny_base):
    encoder = Encoder.load(tiny_base)
    ours = encoder.save(tmp_path / "ours")
    encoder.save(ours, overwrite=True)
    (ours / "thesis.txt").write_text("years of work")
    shutil.copytree(tiny_base, tmp_path / "theirs")
    (tmp_path / "settings").mkdir()
    (tmp_path / "settings" / "config.json").write_text("{}")
    refused = {
        "ours": "holds 'thesis.txt', which is no part of a model",
        "theirs": "a model that simemb did not save",
        "settings": "a model that simemb did not save",
    }
    for name, words in refused.items():
        before = sorted(path.name for path in (tmp_path / name).iterdir())
        with pytest.raises(ModelError, match=words):
            encoder.save(tmp_path / name)
        with pytest.raises(ModelError, match=words):
            encoder.save(tmp_path / name, overwrite=True)
        assert sorted(path.name for path in (tmp_path / name).iterdir()) == before


@pytest.mark.parametrize("name", ["notes.json", "2024_photos/sea.txt", "1_Pooling/thesis.txt", "1_Pooling/more/a.txt"])
def test_what_is_no_part_of_a_model_keeps_it_from_being_replaced_however_it_is_called(tmp_path, name):
    encoder = make_encoder()
    path = encoder.save(tmp_path / "model")
    (path / name).parent.mkdir(exist_ok=True)
    (path / name).write_text("years of work")
    found = name.removesuffix("/sea.txt").removesuffix("/a.txt")
    with pytest.raises(ModelError, match=f"model holds '{found}', which is no part of a model: move it"):
        encoder.save(path, overwrite=True)
    assert (path / name).read_text() == "years of work"


def test_records_that_were_saved_with_a_model_are_replaced_with_it(tmp_path):
    encoder = make_encoder()
    for overwrite in (False, True):
        encoder.save(tmp_path / "model", records={"origin.json": {"a": 1}}, overwrite=overwrite)
    assert (tmp_path / "model" / "origin.json").is_file()


def test_a_model_is_replaced_only_when_asked_and_may_be_the_one_that_was_loaded(tmp_path):
    path = make_encoder(seed=1).save(tmp_path / "model")
    before, encoder = snapshot(path), Encoder.load(path)
    with pytest.raises(
        ModelError, match=r"model exists \(a model\): --overwrite \(in Python overwrite=True\) replaces"
    ):
        encoder.save(path)
    assert snapshot(path) == before
    vectors = encoder.encode(TEXTS)
    encoder.save(path, overwrite=True)
    np.testing.assert_array_equal(encoder.encode(TEXTS), vectors)
    np.testing.assert_array_equal(Encoder.load(path).encode(TEXTS), vectors)


def test_two_writers_of_a_model_and_a_folder_of_the_user_that_is_named_like_ours(tmp_path, tiny_base):
    encoder = Encoder.load(tiny_base)
    (tmp_path / "model.old").mkdir()
    with saving.writing(tmp_path / "model", overwrite=False):
        encoder.save(tmp_path / "model")
        found = []
        thread = threading.Thread(target=lambda: found.append(_refusal(encoder, tmp_path / "model")))
        thread.start()
        thread.join()
    assert "is being written by process" in found[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "model.old"]


def _refusal(encoder, path):
    with pytest.raises(BusyError) as caught:
        encoder.save(path)
    return str(caught.value)


def test_what_a_library_raises_on_a_full_disk_is_one_line_and_the_earlier_model_stays(tmp_path, monkeypatch):
    encoder = make_encoder()
    encoder.save(tmp_path / "model")

    def full(*_: object, **__: object) -> None:
        raise Exception("No space left on device (os error 28)")  # as tokenizers does

    monkeypatch.setattr(type(encoder.tokenizer), "save_pretrained", full)
    with (
        pytest.raises(ModelError, match="model: the model cannot be written there: No space left on device"),
        saving.new_directory(tmp_path / "model", overwrite=True) as folder,
    ):
        encoder.tokenizer.save_pretrained(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert Encoder.load(tmp_path / "model").fingerprint() == encoder.fingerprint()
