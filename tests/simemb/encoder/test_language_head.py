"""Which checkpoints say that they are language models."""

import json
from pathlib import Path

import pytest

from simemb import Encoder
from simemb.encoder.language_head import is_language_model


def test_a_language_model_says_so_and_an_encoder_made_of_it_does_not(tiny_base: Path, tmp_path: Path) -> None:
    assert is_language_model(tiny_base)
    encoder = Encoder.load(tiny_base, pooling="mean")
    assert isinstance(encoder, Encoder)
    assert not is_language_model(encoder.save(tmp_path / "saved"))


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
