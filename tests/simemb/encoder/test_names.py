"""The names of the models that ship."""

import logging
from pathlib import Path

import pytest

from simemb import Encoder
from simemb.encoder.names import as_typed, is_bundled


def test_a_name_is_a_word_and_never_a_path():
    assert is_bundled("mini") and is_bundled("base")
    assert not is_bundled("./mini") and not is_bundled(Path("mini"))
    assert as_typed(Path("mini")) == "./mini" and as_typed("mini") == "mini" and as_typed(Path("runs/a")) == "runs/a"


def test_the_name_of_an_earlier_release_stands_for_mini_and_says_so(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING, "simemb"):
        encoder = Encoder.load("bundled", encode_only=True)
    assert encoder.fingerprint() == Encoder.load("mini", encode_only=True).fingerprint()
    assert "the model bundled is now called mini" in caplog.text
