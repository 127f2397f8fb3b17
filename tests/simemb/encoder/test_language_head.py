"""The head of a language model, tied or not, as it is saved; and which checkpoints say that they are one."""

import json
from pathlib import Path

import pytest
import torch
from families import FAMILIES, make_config, make_encoder
from transformers import AutoModelForMaskedLM

from simemb import Encoder
from simemb.encoder.language_head import VocabularyHead, is_language_model
from simemb.transformer.batch import Batch


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("then", [True, False])
@pytest.mark.parametrize("tied", [True, False])
def test_what_is_saved_computes_the_same_and_can_be_tied_or_untied(family: str, tied: bool, then: bool, tmp_path: Path):
    encoder = make_encoder(family)
    head = VocabularyHead(encoder.backbone, None, "mine", tied=tied).eval()
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(5)))
    names = {name for name, _ in head.named_parameters()}
    encoder.save(tmp_path / "saved", language_head=head)
    assert {name for name, _ in head.named_parameters()} == names
    ids = torch.tensor(encoder.tokenize(["the red dog runs fast"])[0])
    with torch.no_grad():
        expected = head(encoder.hidden_states(Batch.collate(ids.tolist()))[-1])
        model, report = AutoModelForMaskedLM.from_pretrained(tmp_path / "saved", output_loading_info=True)
        torch.testing.assert_close(model.eval()(input_ids=ids).logits[0], expected, atol=1e-5, rtol=1e-5)
    assert not report["missing_keys"]
    assert model.config.tie_word_embeddings is tied
    if tied or not then:
        again = Encoder.load(tmp_path / "saved")
        assert isinstance(again, Encoder)
        further = VocabularyHead(again.backbone, again.source, again.name, tied=then).eval()
        with torch.no_grad():
            hidden = again.eval().hidden_states(Batch.collate(ids.tolist()))[-1]
            torch.testing.assert_close(further(hidden), expected, atol=1e-5, rtol=1e-5)


def test_a_language_model_says_so_and_an_encoder_made_of_it_does_not(tiny_base: Path, tmp_path: Path) -> None:
    assert is_language_model(tiny_base)
    encoder = Encoder.load(tiny_base, pooling="mean")
    assert isinstance(encoder, Encoder)
    assert not is_language_model(encoder.save(tmp_path / "saved"))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_language_model_of_any_family_says_so(family: str, tmp_path: Path) -> None:
    model = AutoModelForMaskedLM.from_config(make_config(family))
    model.save_pretrained(tmp_path / "whole")
    assert is_language_model(tmp_path / "whole")
    model.base_model.save_pretrained(tmp_path / "encoder")
    assert not is_language_model(tmp_path / "encoder")


def test_the_name_of_the_architecture_does_not_decide(tiny_base: Path, tmp_path: Path) -> None:
    """Finished encoders on the hub still name the language model that they were made from."""
    encoder = Encoder.load(tiny_base, pooling="mean")
    assert isinstance(encoder, Encoder)
    config = encoder.save(tmp_path / "saved") / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "architectures": ["BertForMaskedLM"]}))
    assert not is_language_model(tmp_path / "saved")


@pytest.mark.parametrize("content", [None, b"", b"no weights"])
def test_what_cannot_be_read_is_none(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "model.safetensors").write_bytes(content)
    assert not is_language_model(tmp_path)


def test_an_encoder_without_a_checkpoint_is_none() -> None:
    assert not is_language_model(None)
