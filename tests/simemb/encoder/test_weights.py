"""Weights that are not whole, not those of config.json, or no weights: one line that names the thing and a way out."""

import json
import shutil
from contextlib import chdir
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from families import PADDED, RAGGED, SENTENCES, make_backbone, make_encoder, make_tokenizer
from safetensors.torch import load_file, save_file
from torch import nn

from simemb.encoder import backbone
from simemb.encoder.encoder import Encoder
from simemb.encoder.modules import Dense
from simemb.errors import ModelError

TEXTS = list(SENTENCES)


@pytest.fixture
def bare(tmp_path) -> Path:
    make_backbone().save_pretrained(tmp_path / "bare")
    make_tokenizer().save_pretrained(tmp_path / "bare")
    return tmp_path / "bare"


def doors(path: Path) -> list[Encoder]:
    """The encoder with the weights alone, where that is possible, and as transformers loads it."""
    loaded = [_load(path, plain=plain) for plain in (False, True)]
    assert all(isinstance(encoder, Encoder) for encoder in loaded)
    return loaded  # pyright: ignore[reportReturnType]


def _load(path: Path, *, plain: bool) -> Any:
    with patch.object(backbone, "PLAIN", plain):
        return Encoder.load(path, pooling="mean")


def refusal(path: Path) -> str:
    """The line that both doors give."""
    lines: list[str] = []
    for plain in (False, True):
        with pytest.raises(ModelError) as caught:
            _load(path, plain=plain)
        lines.append(str(caught.value))
    assert lines[0] == lines[1]
    assert "\n" not in lines[0]
    assert str(path) in lines[0]
    return lines[0]


def edit(path: Path, **fields: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def rename(path: Path, *prefixes: str) -> None:
    """The weights once for each prefix, with other values each time."""
    weights = load_file(path / "model.safetensors")
    renamed = {
        prefix + name: (tensor * (1 + 0.5 * place)).contiguous()
        for place, prefix in enumerate(prefixes)
        for name, tensor in weights.items()
    }
    save_file(renamed, path / "model.safetensors", {"format": "pt"})


def run(line: str, folder: Path) -> None:
    """What the line tells one to type, in this process, which has imported PyTorch."""
    code = line[line.index('python -c "') + len('python -c "') : -1]
    with chdir(folder):
        exec(code, {})


# ---- what lies in place of the weights -----------------------------------------------------------------


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "2_Dense/model.safetensors"])
def test_a_pointer_of_git_lfs_is_called_one(tmp_path, name):
    path = make_encoder(tail=(Dense(32, 8, activation=nn.Tanh()),)).save(tmp_path / "model")
    (path / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 95608\n")
    assert f"{path / name} is a Git LFS pointer, not the file itself: `git lfs pull`" in refusal(path)


def test_a_pickle_is_not_read_and_the_line_converts_it(bare):
    expected = doors(bare)[0].encode(TEXTS)
    torch.save(load_file(bare / "model.safetensors"), bare / "pytorch_model.bin")
    (bare / "model.safetensors").unlink()
    line = refusal(bare)
    assert "has pytorch_model.bin only, a pickle, which is not read" in line
    run(line, bare)
    np.testing.assert_array_equal(doors(bare)[0].encode(TEXTS), expected)


def test_a_pickled_dense_layer_is_not_read_and_the_line_converts_it(tmp_path):
    path = make_encoder(tail=(Dense(32, 8, activation=nn.Tanh()),)).save(tmp_path / "model")
    expected, folder = doors(path)[0].encode(TEXTS), path / "2_Dense"
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    line = refusal(path)
    assert f"{folder} has pytorch_model.bin only" in line
    run(line, folder)
    np.testing.assert_array_equal(doors(path)[0].encode(TEXTS), expected)


@pytest.mark.parametrize("name", ["tf_model.h5", "flax_model.msgpack", "adapter_model.safetensors"])
def test_weights_of_another_kind_are_named(bare, name):
    (bare / "model.safetensors").rename(bare / name)
    assert f"has no model.safetensors ({name} is not read)" in refusal(bare)


@pytest.mark.parametrize("content", [b"", b"\x00" * 40, b"not a safetensors file, and long enough"])
def test_a_damaged_file_is_called_one(bare, content):
    (bare / "model.safetensors").write_bytes(content)
    assert "model.safetensors is no complete safetensors file: copy or download it again" in refusal(bare)


# ---- shards --------------------------------------------------------------------------------------------


@pytest.fixture
def shards(tmp_path) -> Path:
    make_backbone().save_pretrained(tmp_path / "shards", max_shard_size="40KB")
    make_tokenizer().save_pretrained(tmp_path / "shards")
    assert len(list((tmp_path / "shards").glob("model-*.safetensors"))) > 1
    return tmp_path / "shards"


def test_shards_are_read(shards, bare):
    np.testing.assert_allclose(doors(shards)[0].encode(TEXTS), doors(bare)[1].encode(TEXTS), atol=1e-6)


def test_a_missing_shard_is_named(shards):
    missing = sorted(shards.glob("model-*.safetensors"))[0]
    missing.unlink()
    assert f"has no file {missing.name}, which its model.safetensors.index.json names" in refusal(shards)


@pytest.mark.parametrize("content", ["{}", "[", '{"weight_map": {"a": "../other.safetensors"}}'])
def test_a_damaged_index_of_shards_is_refused(shards, content):
    (shards / "model.safetensors.index.json").write_text(content)
    assert "model.safetensors.index.json" in refusal(shards)


# ---- names of weights ----------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["module.", "module.bert.", "0.auto_model.", "_orig_mod.", "model.encoder_q."])
def test_weights_in_a_wrapper_are_refused_and_the_line_unwraps_them(bare, prefix):
    expected = doors(bare)[0].encode(TEXTS)
    rename(bare, prefix)
    line = refusal(bare)
    assert f"its weights have names that begin with {prefix}; in that folder, remove it" in line
    run(line, bare)
    np.testing.assert_array_equal(doors(bare)[0].encode(TEXTS), expected)


def test_two_wrapped_encoders_are_named(bare):
    rename(bare, "question_encoder.", "ctx_encoder.")
    assert "its weights hold 2 encoders (ctx_encoder., question_encoder.)" in refusal(bare)


def test_of_two_encoders_every_door_takes_the_same_and_says_which(bare, caplog):
    from transformers import AutoModel

    rename(bare, "", "bert.")
    quick, slow = doors(bare)
    said = [record.getMessage() for record in caplog.records if "two encoders" in record.getMessage()]
    assert len(said) == 2
    np.testing.assert_array_equal(quick.encode(TEXTS), slow.encode(TEXTS))
    table = AutoModel.from_pretrained(bare).get_input_embeddings().weight
    taken = quick.backbone.get_input_embeddings().weight
    torch.testing.assert_close(taken, table)
    stored = load_file(bare / "model.safetensors")
    word = "with" if torch.equal(taken, stored["bert.embeddings.word_embeddings.weight"]) else "without"
    assert all(line.endswith(f"with and without bert.; taking the one {word}") for line in said)


@pytest.mark.parametrize("own", ["", "bert."])
@pytest.mark.parametrize("other", ["teacher.", "encoder_k.bert.", "ema_model.0.auto_model."])
def test_another_encoder_beside_that_of_the_family_is_named(bare, own, other, caplog):
    expected = doors(bare)[0].encode(TEXTS)
    weights = load_file(bare / "model.safetensors")
    one = {own + name: tensor for name, tensor in weights.items()}
    both = one | {other + name: 2 * tensor for name, tensor in weights.items()}
    for stored, count in ((one, 0), (both, 2)):
        save_file(stored, bare / "model.safetensors", {"format": "pt"})
        for encoder in doors(bare):
            np.testing.assert_allclose(encoder.encode(TEXTS), expected, atol=1e-6)
        assert caplog.text.count(f"its weights hold another encoder ({other}), which is left out") == count


def test_an_encoder_that_is_there_twice_with_equal_weights_is_one(bare, caplog):
    weights = load_file(bare / "model.safetensors")
    expected = doors(bare)[0].encode(TEXTS)
    twice = weights | {f"bert.{name}": tensor.clone() for name, tensor in weights.items()}
    save_file(twice, bare / "model.safetensors", {"format": "pt"})
    np.testing.assert_allclose(doors(bare)[0].encode(TEXTS), expected, atol=1e-6)
    assert "two encoders" not in caplog.text


def test_missing_weights_are_named(bare):
    weights = load_file(bare / "model.safetensors")
    del weights["encoder.layer.1.output.dense.bias"], weights["encoder.layer.2.output.dense.bias"]
    save_file(weights, bare / "model.safetensors", {"format": "pt"})
    assert "its weights lack encoder.layer.1.output.dense.bias and 1 more" in refusal(bare)


# ---- config.json and the weights -----------------------------------------------------------------------


@pytest.mark.parametrize("layers", [2, 1])
def test_layers_that_config_json_does_not_have_are_refused(bare, layers):
    edit(bare / "config.json", num_hidden_layers=layers)
    line = refusal(bare)
    assert f"its weights have encoder.layer.{layers}." in line
    assert "correct num_hidden_layers" in line


def test_layers_that_the_weights_do_not_have_are_refused(bare):
    edit(bare / "config.json", num_hidden_layers=4)
    assert "its weights lack encoder.layer.3." in refusal(bare)


@pytest.mark.parametrize(
    ("field", "value", "line"),
    [
        ("num_hidden_layers", 0, "config.json says 0 layers, and the weights are 53 tensors"),
        ("num_hidden_layers", -1, "config.json says -1 layers, and the weights are 53 tensors"),
        ("num_hidden_layers", 1_000_000, "config.json says 1000000 layers, and the weights are 53 tensors"),
        ("vocab_size", 1_000_000_000, "config.json says vocab_size 1000000000, and no tensor has more rows than 120"),
    ],
)
def test_a_size_that_no_weights_can_have_is_refused_before_it_takes_memory(bare, field, value, line):
    edit(bare / "config.json", **{field: value})
    assert line in refusal(bare)


@pytest.mark.parametrize(
    ("field", "value", "line"),
    [
        ("hidden_size", 64, "is 32 in the weights and 64 by config.json"),
        ("vocab_size", 93, "embeddings.word_embeddings.weight is 120 x 32 in the weights and 93 x 32 by config.json"),
        ("intermediate_size", 96, "48 in the weights and 96 by config.json"),
    ],
)
def test_sizes_that_do_not_fit_are_named(bare, field, value, line):
    edit(bare / "config.json", **{field: value})
    assert line in refusal(bare)


def test_a_head_is_not_a_layer_too_many(tmp_path):
    from transformers import BertForMaskedLM

    BertForMaskedLM(make_backbone().config).save_pretrained(tmp_path)
    make_tokenizer().save_pretrained(tmp_path)
    quick, slow = doors(tmp_path)
    np.testing.assert_allclose(quick.encode(TEXTS), slow.encode(TEXTS), atol=1e-5)


# ---- Dense ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"in_features": 31}, "linear.weight is (8, 32) in the weights and (8, 31) by config.json"),
        ({"bias": False}, "linear.bias is (8,) in the weights and absent by config.json"),
    ],
)
def test_a_dense_layer_of_other_sizes_is_named(tmp_path, fields, line):
    path = make_encoder(tail=(Dense(32, 8, activation=nn.Tanh()),)).save(tmp_path / "model")
    edit(path / "2_Dense" / "config.json", **fields)
    assert f"{path / '2_Dense'}: {line}" in refusal(path)


def test_a_dense_layer_that_does_not_fit_the_vectors_is_refused(tmp_path):
    tail = (Dense(32, 8, activation=nn.Tanh()), Dense(16, 4, activation=nn.Tanh()))
    path = make_encoder(tail=tail).save(tmp_path / "model")
    assert "3_Dense takes vectors of 16 dimensions, and gets 8" in refusal(path)


# ---- what else may lie in a directory ------------------------------------------------------------------


def test_an_adapter_is_not_left_out_without_a_word(bare):
    (bare / "adapter_config.json").write_text("{}")
    assert "holds an adapter (adapter_config.json): save the merged model instead" in refusal(bare)


def test_quantized_weights_are_refused(bare):
    weights = load_file(bare / "model.safetensors")
    quantized = {name: weight.to(torch.int8) for name, weight in weights.items()}
    save_file(quantized, bare / "model.safetensors", {"format": "pt"})
    assert "model.safetensors holds quantized weights (I8)" in refusal(bare)


def test_a_table_of_positions_that_would_take_the_memory_is_refused_before(bare):
    edit(bare / "config.json", max_position_embeddings=10**9)
    assert "(max_position_embeddings 1000000000), and there are 28528" in refusal(bare)


def test_a_folder_of_models_names_one(bare):
    with pytest.raises(ModelError, match="holds no model itself: name one of the models in it"):
        Encoder.load(bare.parent)


@pytest.mark.parametrize(
    ("file", "fields", "line"),
    [
        ("config.json", {"num_attention_heads": 5}, "not a multiple of the number of attention heads"),
        ("config.json", {"num_attention_heads": 0}, "0 attention heads (allowed: 1 or more)"),
        ("config.json", {"hidden_act": "nosuch"}, "'nosuch' is missing in a file of its configuration, or unknown"),
        ("tokenizer_config.json", {"model_max_length": "many"}, "model_max_length must be a number, not 'many'"),
        ("config.json", {"model_type": "own", "auto_map": {"AutoConfig": "own.Own"}}, "it needs code of its own"),
    ],
)
def test_settings_that_no_library_can_use_are_one_line(bare, file, fields, line):
    edit(bare / file, **fields)
    assert line in refusal(bare)


# ---- values that compute, and mean nothing -------------------------------------------------------------


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["embeddings.word_embeddings.weight", "encoder.layer.1.output.dense.bias"])
def test_weights_that_are_not_finite_are_named(bare, name, value):
    weights = load_file(bare / "model.safetensors")
    weights[name].view(-1)[7] = value
    save_file(weights, bare / "model.safetensors", {"format": "pt"})
    assert f"{name} has a value that is not finite" in refusal(bare)


def test_a_dense_layer_that_is_not_finite_is_named(tmp_path):
    dense = Dense(32, 16, activation=nn.Tanh())
    dense.linear.weight.data[0, 0] = float("nan")
    path = make_encoder(tail=(dense,)).save(tmp_path / "model")
    assert "linear.weight has a value that is not finite" in refusal(path)


@pytest.mark.parametrize("kind", [torch.int32, torch.int64, torch.bool])
def test_weights_that_are_no_floats_are_named(bare, kind):
    weights = {name: tensor.to(kind) for name, tensor in load_file(bare / "model.safetensors").items()}
    save_file(weights, bare / "model.safetensors", {"format": "pt"})
    assert "which are no weights: save them as floats" in refusal(bare)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_in_another_precision_are_read(bare, kind):
    expected = doors(bare)[0].encode(TEXTS)
    weights = {name: tensor.to(kind) for name, tensor in load_file(bare / "model.safetensors").items()}
    save_file(weights, bare / "model.safetensors", {"format": "pt"})
    for encoder in doors(bare):
        np.testing.assert_allclose(encoder.encode(TEXTS), expected, atol=0.05)


@pytest.mark.parametrize("epsilon", [float("nan"), 1e9, -1.0])
@pytest.mark.parametrize("family", ["bert", "mpnet"])
def test_an_epsilon_of_nonsense_is_refused(tmp_path, family, epsilon):
    make_backbone(family).save_pretrained(tmp_path)
    make_tokenizer(family).save_pretrained(tmp_path)
    edit(tmp_path / "config.json", layer_norm_eps=epsilon)
    assert f"config.json says layer_norm_eps {epsilon}" in refusal(tmp_path)


@pytest.mark.parametrize("padding", [None, -3])
@pytest.mark.parametrize("family", ["roberta", "xlm-roberta", "camembert"])
def test_a_padding_that_positions_cannot_be_counted_from_is_refused(tmp_path, family, padding):
    make_backbone(family).save_pretrained(tmp_path)
    make_tokenizer(family).save_pretrained(tmp_path)
    edit(tmp_path / "config.json", pad_token_id=padding)
    assert f"config.json says pad_token_id {padding}, from which a {family} counts" in refusal(tmp_path)


@pytest.mark.parametrize("family", [*RAGGED, *PADDED])
@pytest.mark.parametrize("layers", [0, 1, -1, 4])
def test_no_family_leaves_layers_over(tmp_path, family, layers):
    backbone = make_backbone(family)
    backbone.save_pretrained(tmp_path)
    make_tokenizer(family).save_pretrained(tmp_path)
    edit(tmp_path / "config.json", **{"n_layers" if family == "distilbert" else "num_hidden_layers": layers})
    if family == "albert" and layers > 0:  # all of its layers have the same weights
        assert isinstance(Encoder.load(tmp_path, pooling="mean"), Encoder)
    else:
        assert "layer" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["word_embedding_dimension", "embedding_dimension"])
def test_a_pooling_of_another_width_is_refused(tmp_path, name):
    path = make_encoder().save(tmp_path / "model")
    (path / "1_Pooling" / "config.json").write_text(json.dumps({name: 16, "pooling_mode_mean_tokens": True}))
    assert "its pooling is for 16 dimensions, and its model has 32" in refusal(path)


GIANTS = [
    ("num_labels", 10**8),
    ("num_hidden_layers", 10**9),
    ("type_vocab_size", 10**9),
    ("embedding_size", 10**9),
    ("vocab_size", 10**9),
    ("num_hidden_layers", 10**4),
    ("hidden_size", 10**4),
]


@pytest.mark.parametrize(("name", "size"), GIANTS)
def test_a_size_beyond_the_weights_is_refused_before_anything_is_made_of_it(
    tiny_base: Path, tmp_path: Path, name: str, size: int
):
    folder = shutil.copytree(tiny_base, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {name: size}), encoding="utf-8")
    with pytest.raises(ModelError, match=f"config.json says ({name} )?{size}"):
        Encoder.load(folder)


def test_a_header_of_a_million_tensors_is_refused_before_it_is_read(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = shutil.copytree(tiny_base, tmp_path / "model")
    monkeypatch.setattr("simemb.encoder.weights.HEADER", 1000)
    with pytest.raises(ModelError, match=r"model.safetensors has a header of [\d,]+ bytes, and at most 1,000 are read"):
        Encoder.load(folder)


def test_a_module_of_giant_size_is_refused_before_it_is_made(tiny_base: Path, tmp_path: Path):
    folder = Encoder.load(tiny_base, pooling="mean").save(tmp_path / "model")
    modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    modules.append({"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"})
    (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    dense = {"in_features": 32, "out_features": 10**12, "activation_function": "torch.nn.modules.activation.Tanh"}
    (folder / "2_Dense").mkdir()
    (folder / "2_Dense" / "config.json").write_text(json.dumps(dense), encoding="utf-8")
    shutil.copy(folder / "model.safetensors", folder / "2_Dense")
    with pytest.raises(ModelError, match=r"2_Dense: config.json says out_features 1000000000000, and its weights are"):
        Encoder.load(folder)


@pytest.mark.parametrize("name", ["attention.self.distance_embedding.weight", "adapter.down.weight"])
def test_a_tensor_within_a_layer_that_the_model_has_not_is_refused(bare, name):
    weights = load_file(bare / "model.safetensors")
    save_file({**weights, f"encoder.layer.0.{name}": torch.ones(3, 3)}, bare / "model.safetensors", {"format": "pt"})
    assert f"encoder.layer.0.{name}, which this kind of model has not" in refusal(bare)


def test_a_computed_buffer_and_a_head_are_left_out(bare):
    weights = load_file(bare / "model.safetensors")
    others = {"embeddings.position_ids": torch.zeros(1, 8), "cls.predictions.bias": torch.zeros(5)}
    save_file({**weights, **others}, bare / "model.safetensors", {"format": "pt"})
    assert Encoder.load(bare).encode(["a"]).shape[0] == 1


@pytest.mark.parametrize("value", [0, -1])
def test_a_size_below_one_is_refused_before_anything_is_built(bare, value):
    edit(bare / "config.json", intermediate_size=value)
    assert f"config.json says intermediate_size {value} (allowed: 1 or more)" in refusal(bare)
