"""The bare modules give the vectors of the transformers model, without importing its code."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from families import SENTENCES, make_backbone, make_config, make_tokenizer

from simemb.encoder.encoder import Encoder
from simemb.transformer.bare_bert import PREFIXES, BareBert, load_bare_bert


@pytest.fixture
def checkpoint(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A bare checkpoint of the family that the test asks for."""
    make_backbone(request.param).save_pretrained(tmp_path)
    make_tokenizer(request.param).save_pretrained(tmp_path)
    return tmp_path


@pytest.mark.parametrize("checkpoint", sorted(PREFIXES), indirect=True)
@pytest.mark.parametrize("pooling", ["cls", "mean", "last2"])
def test_the_light_encoder_gives_the_same_vectors_and_fingerprint(checkpoint, pooling):
    whole, light = (
        Encoder.load(checkpoint, pooling=pooling),
        Encoder.load(checkpoint, pooling=pooling, encode_only=True),
    )
    assert isinstance(light.backbone, BareBert)
    assert not isinstance(whole.backbone, BareBert)
    np.testing.assert_array_equal(light.encode(SENTENCES), whole.encode(SENTENCES))
    assert light.fingerprint() == whole.fingerprint()
    assert (light.dim, light.max_length) == (whole.dim, whole.max_length)


@pytest.mark.parametrize("family", ["BertForMaskedLM", "RobertaForMaskedLM"])
def test_a_checkpoint_with_a_head_on_top_is_read_too(tmp_path, family):
    kind = family.removesuffix("ForMaskedLM").lower()
    torch.manual_seed(0)
    model = getattr(transformers, family)(make_config(kind))
    model.save_pretrained(tmp_path)
    bare = load_bare_bert(tmp_path, model.config)
    assert bare is not None
    inner = getattr(model, kind).state_dict()
    for name, weight in bare.state_dict().items():
        assert torch.equal(weight, inner[name])


def test_half_precision_weights_become_float32(tmp_path):
    backbone = make_backbone("bert").half()
    backbone.save_pretrained(tmp_path)
    model = load_bare_bert(tmp_path, backbone.config)
    assert model is not None
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("checkpoint", ["electra", "mpnet"], indirect=True)
def test_other_families_are_loaded_by_transformers(checkpoint):
    assert not isinstance(Encoder.load(checkpoint, encode_only=True).backbone, BareBert)


@pytest.mark.parametrize("checkpoint", ["bert"], indirect=True)
def test_what_a_skeleton_cannot_hold_is_left_to_transformers(checkpoint):
    path = checkpoint / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"hidden_act": "silu"}))
    assert not isinstance(Encoder.load(checkpoint, encode_only=True).backbone, BareBert)
    path.write_text(json.dumps(config))
    assert not isinstance(
        Encoder.load(checkpoint, encode_only=True, pooling="mean", trust_remote_code=True).backbone, BareBert
    )
    (checkpoint / "model.safetensors").rename(checkpoint / "other.safetensors")
    assert load_bare_bert(checkpoint, make_config("bert")) is None


@pytest.mark.parametrize("checkpoint", ["bert"], indirect=True)
def test_weights_that_do_not_fit_are_left_to_transformers_to_complain_of(checkpoint):
    assert load_bare_bert(checkpoint, make_config("bert", num_hidden_layers=4)) is None
    assert load_bare_bert(checkpoint, make_config("bert", intermediate_size=64)) is None


@pytest.mark.parametrize("checkpoint", ["bert"], indirect=True)
def test_a_command_that_encodes_never_imports_the_modeling_code(checkpoint, tmp_path):
    (tmp_path / "texts.txt").write_text("a dog\n")
    words = ["encode", str(checkpoint), str(tmp_path / "texts.txt"), "--output", str(tmp_path / "vectors.npy")]
    program = (
        f"import sys; sys.argv[1:] = {words!r}\n"
        "from simemb.cli import main\n"
        "assert not main()\n"
        "print([name for name in ('transformers.modeling_utils', 'torch._dynamo', 'scipy') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=False)
    assert answer.stdout.strip() == "[]", answer.stderr
    assert np.load(tmp_path / "vectors.npy").shape == (1, 32)
