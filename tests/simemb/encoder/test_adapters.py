"""Adapters: our layers compute what peft computes, and what is saved is the merged model."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from families import SENTENCES, make_encoder
from transformers import AutoModel

from simemb.encoder import adapters
from simemb.encoder.encoder import Encoder
from simemb.errors import ModelError
from simemb.transformer.batch import Batch
from simemb.transformer.forward import layers_of

peft = pytest.importorskip("peft")
# Of transformers, about a name that peft uses.
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")


def with_adapters(family: str = "bert", *, dropout: float = 0.0, **fields: Any) -> Encoder:
    """An encoder with random adapters, which peft starts at 0."""
    encoder = make_encoder(family, **fields)
    adapters.add(encoder.backbone, 3, alpha=6.0, dropout=dropout, modules=())
    torch.manual_seed(5)
    for name, weight in encoder.named_parameters():
        if "lora_B" in name:
            weight.data.normal_(0, 0.1)
    return encoder.eval()


@pytest.mark.parametrize("family", ["bert", "distilbert", "mpnet", "modernbert", "albert"])
def test_our_layers_compute_adapters_as_peft_does_with_gradient(family):
    encoder = with_adapters(family)
    if family != "mpnet":
        assert encoder.fast
    batch, gradients = Batch.collate(encoder.tokenize(SENTENCES)[0]), []
    vectors = []
    for fast in (True, False):
        encoder.fast = fast
        encoder.zero_grad()
        vectors.append(encoder(batch))
        vectors[-1].pow(2).sum().backward()
        gradients.append({name: weight.grad for name, weight in encoder.named_parameters() if weight.requires_grad})
    assert layers_of(encoder.network) is not None
    torch.testing.assert_close(*vectors, atol=1e-5, rtol=1e-4)
    assert gradients[0]
    for name, gradient in gradients[0].items():
        assert gradient is not None
        torch.testing.assert_close(gradient, gradients[1][name], atol=1e-3, rtol=1e-3)


def test_dropout_in_adapters_is_left_to_transformers():
    encoder = with_adapters(dropout=0.3)
    assert layers_of(encoder.network) is None
    assert np.isfinite(encoder.encode(list(SENTENCES))).all()


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_what_is_saved_is_merged_for_everyone(tmp_path, dropout):
    from sentence_transformers import SentenceTransformer

    encoder = with_adapters(dropout=dropout)
    expected = encoder.encode(list(SENTENCES))
    path = encoder.save(tmp_path / "m")
    assert adapters.has_adapters(encoder.network)
    np.testing.assert_allclose(Encoder.load(path).encode(list(SENTENCES)), expected, atol=1e-5)
    theirs = SentenceTransformer(str(path), device="cpu").encode(list(SENTENCES), show_progress_bar=False)
    np.testing.assert_allclose(theirs, expected, atol=1e-5)


def test_a_model_that_peft_has_wrapped_is_saved_merged(tmp_path):
    encoder = make_encoder()
    config = peft.LoraConfig(r=2, target_modules=["query", "dense"], init_lora_weights=False)
    encoder.backbone = peft.get_peft_model(encoder.backbone, config)
    expected = encoder.encode(list(SENTENCES))
    path = encoder.save(tmp_path / "m")
    np.testing.assert_allclose(Encoder.load(path).encode(list(SENTENCES)), expected, atol=1e-5)


@pytest.mark.parametrize("beside", [True, False])
def test_an_adapter_of_peft_loads_on_the_base_that_it_names(tmp_path, beside):
    base = make_encoder().save(tmp_path / "base")
    model = AutoModel.from_pretrained(base).eval()
    config = peft.LoraConfig(r=2, target_modules=["query"], init_lora_weights=False)
    wrapped = peft.get_peft_model(model, config)
    wrapped.peft_config["default"].base_model_name_or_path = str(base)
    wrapped.save_pretrained(tmp_path / "adapter")
    if beside:
        base.rename(tmp_path / "adapter" / "base")
    encoder = Encoder.load(tmp_path / "adapter")
    assert not adapters.has_adapters(encoder.network)
    expected = Encoder(wrapped, encoder.tokenizer, pooling=encoder.pooling).encode(list(SENTENCES))
    np.testing.assert_allclose(encoder.encode(list(SENTENCES)), expected, atol=1e-5)


def test_an_adapter_that_cannot_be_used_is_refused_in_one_line(tmp_path: Path, monkeypatch: Any):
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")
    with pytest.raises(ModelError, match="names no base_model_name_or_path, and no base/ lies beside it"):
        Encoder.load(folder)
    make_encoder().save(folder / "base")
    with pytest.raises(ModelError, match=r"an adapter without its weights \(adapter_model\.safetensors\)"):
        Encoder.load(folder)
    (folder / "adapter_model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(ModelError, match="the adapter cannot be put on its base"):
        Encoder.load(folder)
    monkeypatch.setattr(adapters, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match=r"needs peft, which is not installed: pip install 'simemb\[lora\]'"):
        Encoder.load(folder)


def test_modules_that_do_not_exist_are_refused_with_the_nearest():
    with pytest.raises(ModelError, match=r"unknown linear layer of --lora\.modules 'queri': did you mean 'query'"):
        adapters.add(make_encoder().backbone, 2, alpha=1.0, dropout=0.0, modules=("queri",))
