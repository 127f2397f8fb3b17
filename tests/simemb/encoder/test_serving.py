"""What text-embeddings-inference cannot serve is refused there, said here, and the same everywhere else."""

import json
import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from families import SENTENCES, make_encoder
from torch import nn

from simemb.encoder.encoder import Encoder
from simemb.encoder.modules import Dense, Normalize


def tei_pooling(directory: Path) -> str:
    """The pooling that text-embeddings-inference takes of a BERT: its rules (router/src/lib.rs), told again."""
    place = directory / "1_Pooling" / "config.json"
    if not place.exists():
        return "cls"
    config = json.loads(place.read_text())
    named = {"cls": "cls", "mean": "mean", "lasttoken": "lasttoken"}.get(config.get("pooling_mode"))
    flags = {"cls": "cls_token", "mean": "mean_tokens", "lasttoken": "lasttoken"}
    flagged = [name for name, flag in flags.items() if config.get(f"pooling_mode_{flag}")]
    return named or (flagged[0] if flagged else "refused")


def dense(activation: nn.Module) -> Dense:
    torch.manual_seed(7)
    return Dense(32, 12, activation=activation)


@pytest.mark.parametrize(
    ("pooling", "tail", "include_prompt", "reason"),
    [
        ("mean", [], True, ""),
        ("cls", [], True, ""),
        ("mean", [dense(nn.Tanh())], True, ""),
        ("mean", [dense(nn.Identity()), Normalize()], True, ""),
        ("max", [], True, "pooling max"),
        ("first_last", [], True, "pooling first_last averages layers"),
        ("last2", [dense(nn.Tanh())], True, "pooling last2 averages layers"),
        ("mean", [dense(nn.ReLU())], True, "a layer with ReLU"),
        ("cls", [dense(nn.Identity()), Normalize()], False, "the tokens of a prompt are not pooled"),
    ],
)
def test_what_cannot_be_served_is_refused_there_and_the_same_everywhere_else(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    pooling: str,
    tail: list[nn.Module],
    include_prompt: bool,
    reason: str,
) -> None:
    encoder = make_encoder("bert", pooling=pooling, tail=tuple(tail))
    encoder.include_prompt = include_prompt
    path = tmp_path / "model"
    with caplog.at_level(logging.WARNING, "simemb"):
        encoder.save(path)
        encoder.save(path, overwrite=True)
    said = [record.getMessage() for record in caplog.records if "text-embeddings" in record.getMessage()]
    assert tei_pooling(path) == ("refused" if reason else pooling)
    assert said == (
        [f"{path}: text-embeddings-inference cannot serve this encoder ({reason}) and will refuse it"] if reason else []
    )
    assert (f"text-embeddings-inference cannot serve it ({reason})" in (path / "README.md").read_text()) == bool(reason)
    from sentence_transformers import SentenceTransformer

    ours, theirs = Encoder.load(path), SentenceTransformer(str(path), device="cpu")
    assert (ours.pooling, ours.include_prompt) == (pooling, include_prompt)
    expected = encoder.encode(SENTENCES)
    np.testing.assert_array_equal(ours.encode(SENTENCES), expected)
    np.testing.assert_allclose(theirs.encode(SENTENCES, show_progress_bar=False), expected, atol=1e-6)
