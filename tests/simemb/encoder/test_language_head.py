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


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"architectures": ["BertForPreTraining"]}, True),
        ({"architectures": ["RobertaForMaskedLM"]}, True),
        ({"architectures": ["BertModel"]}, False),
        ({"architectures": None}, False),
        ({}, False),
    ],
)
def test_the_architecture_decides(config: dict[str, object], expected: bool, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert is_language_model(tmp_path) is expected


def test_an_encoder_without_a_checkpoint_is_none() -> None:
    assert not is_language_model(None)
