"""The bare modules give the vectors of the transformers model, without importing its code, and become it."""

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
def test_the_bare_modules_give_the_same_vectors_and_fingerprint(checkpoint, pooling):
    light, whole = (Encoder.load(checkpoint, pooling=pooling) for _ in range(2))
    whole.complete()
    assert isinstance(light.network, BareBert)
    assert isinstance(whole.network, transformers.PreTrainedModel)
    np.testing.assert_array_equal(light.encode(SENTENCES), whole.encode(SENTENCES))
    assert light.fingerprint() == whole.fingerprint()
    assert (light.dim, light.max_length) == (whole.dim, whole.max_length)


@pytest.mark.parametrize("checkpoint", sorted(PREFIXES), indirect=True)
def test_the_transformers_model_takes_the_parameters_as_they_are(checkpoint):
    encoder = Encoder.load(checkpoint, pooling="mean").train()
    before = dict(encoder.network.named_parameters())
    before["embeddings.LayerNorm.bias"].requires_grad_(False)
    before["encoder.layer.0.output.dense.weight"].data.add_(1)  # changed since it was read
    vectors, state = encoder.encode(SENTENCES), torch.get_rng_state()
    after = dict(encoder.backbone.named_parameters())
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before)
    assert not after["embeddings.LayerNorm.bias"].requires_grad
    assert torch.equal(torch.get_rng_state(), state)
    assert (encoder.training, encoder.backbone.training, encoder.fast) == (True, True, True)
    assert encoder.backbone is encoder.backbone
    np.testing.assert_array_equal(encoder.encode(SENTENCES), vectors)
    encoder.fast = encoder.ragged = False  # transformers' own forward pass, its buffers included
    encoder.backbone.set_attn_implementation("sdpa")
    np.testing.assert_allclose(encoder.encode(SENTENCES), vectors, atol=1e-5)


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
    assert not isinstance(Encoder.load(checkpoint).network, BareBert)


@pytest.mark.parametrize("checkpoint", ["bert"], indirect=True)
def test_what_a_skeleton_cannot_hold_is_left_to_transformers(checkpoint):
    path = checkpoint / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"hidden_act": "silu"}))
    assert not isinstance(Encoder.load(checkpoint).network, BareBert)
    path.write_text(json.dumps(config))
    assert not isinstance(Encoder.load(checkpoint, pooling="mean", trust_remote_code=True).network, BareBert)
    (checkpoint / "model.safetensors").rename(checkpoint / "other.safetensors")
    assert load_bare_bert(checkpoint, make_config("bert")) is None


@pytest.mark.parametrize("checkpoint", ["bert"], indirect=True)
def test_weights_that_do_not_fit_are_left_to_transformers_to_complain_of(checkpoint):
    assert load_bare_bert(checkpoint, make_config("bert", num_hidden_layers=4)) is None
    assert load_bare_bert(checkpoint, make_config("bert", intermediate_size=64)) is None


# Up to 5.20, transformers imports the last two with its configurations.
SLIM = tuple(map(int, transformers.__version__.split(".")[:2])) >= (5, 21)
UNWANTED = ("transformers.modeling_utils", *(("torch._dynamo", "scipy") if SLIM else ()))


def _output(program: str) -> str:
    answer = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=False)
    return answer.stdout.strip() or answer.stderr


def test_encoding_in_python_never_imports_the_modeling_code_either():
    program = (
        "import sys\n"
        "from simemb import Encoder\n"
        "assert Encoder.load().encode(['a dog']).shape == (1, 256)\n"
        f"print([name for name in {UNWANTED} if name in sys.modules])"
    )
    assert _output(program) == "[]"


@pytest.mark.parametrize("checkpoint", ["bert"], indirect=True)
def test_a_command_that_encodes_never_imports_the_modeling_code(checkpoint, tmp_path):
    (tmp_path / "texts.txt").write_text("a dog\n")
    words = ["encode", str(checkpoint), str(tmp_path / "texts.txt"), "--output", str(tmp_path / "vectors.npy")]
    program = (
        f"import sys; sys.argv[1:] = {words!r}\n"
        "from simemb.cli import main\n"
        "assert not main()\n"
        f"print([name for name in {UNWANTED} if name in sys.modules])"
    )
    assert _output(program) == "[]"
    assert np.load(tmp_path / "vectors.npy").shape == (1, 32)
