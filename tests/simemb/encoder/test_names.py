"""The names of the models that ship."""

import logging
from pathlib import Path

import pytest

from simemb import Encoder
from simemb.encoder.names import as_typed, is_bundled


def test_a_name_is_a_word_and_never_a_path():
    assert all(map(is_bundled, ("mini", "base")))
    assert not any(map(is_bundled, ("./mini", Path("mini"))))
    assert [as_typed(each) for each in (Path("mini"), "mini", Path("runs/a"))] == ["./mini", "mini", "runs/a"]


def test_the_name_of_an_earlier_release_stands_for_mini_and_says_so(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING, "simemb"):
        encoder = Encoder.load("bundled")
    assert encoder.fingerprint() == Encoder.load("mini").fingerprint()
    assert "the model bundled is now called mini" in caplog.text
