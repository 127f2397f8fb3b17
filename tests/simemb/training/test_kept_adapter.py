"""A run with adapters: merged for everyone, resumed bit for bit, and kept for simemb and peft."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from simemb.cli import main
from simemb.encoder import adapters
from simemb.encoder.encoder import Encoder
from simemb.method.recipe_files import find
from simemb.method.trained_parts import LoRA
from simemb.training.fit import fit

peft = pytest.importorskip("peft")
# Of transformers, about a name that peft uses.
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")
TEXTS = ["the red dog eats a ball", "a cat", "the old singer paints a boat"]
FIELDS: dict[str, Any] = {"batch_size": 16, "learning_rate": 1e-2, "eval_every": 2, "max_steps": 4}


@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_a_run_keeps_the_merged_encoder_and_the_adapter_beside_it(tiny_base, sentences_file, tmp_path, dropout):
    recipe = replace(find("simcse"), lora=LoRA(4, dropout=dropout, keep=True), **FIELDS)
    result = fit(recipe, tiny_base, sentences_file, output=tmp_path / "run", dev="none", pooling="mean")
    vectors = Encoder.load(tmp_path / "run").encode(TEXTS)
    np.testing.assert_array_equal(result.encoder.encode(TEXTS), vectors)
    assert not adapters.has_adapters(result.encoder.network)
    base = Encoder.load(tiny_base, pooling="mean").encode(TEXTS)
    assert np.abs(base - vectors).max() > 1e-3
    kept = tmp_path / "run" / "adapter"
    np.testing.assert_allclose(Encoder.load(kept).encode(TEXTS), vectors, atol=1e-5)
    np.testing.assert_allclose(Encoder.load(kept / "base").encode(TEXTS), base, atol=1e-5)
    from transformers import AutoModel

    theirs = peft.PeftModel.from_pretrained(AutoModel.from_pretrained(kept / "base"), kept)
    encoder = Encoder.load(kept / "base")
    there = Encoder(theirs, encoder.tokenizer, pooling="mean")
    np.testing.assert_allclose(there.encode(TEXTS), vectors, atol=1e-5)


def test_a_run_with_adapters_goes_on_bit_for_bit(tiny_base, sentences_file, tmp_path, monkeypatch):
    from simemb.training.trainer import Trainer

    recipe = replace(find("simcse"), lora=LoRA(4, keep=True), **FIELDS)
    options: dict[str, Any] = {"dev": "none", "pooling": "mean"}
    fit(recipe, tiny_base, sentences_file, output=tmp_path / "whole", **options)
    step = Trainer._step

    def stopped(self: Trainer, line: Any) -> None:
        if self.progress.step == 2:
            raise KeyboardInterrupt
        step(self, line)

    monkeypatch.setattr(Trainer, "_step", stopped)
    with pytest.raises(KeyboardInterrupt):
        fit(recipe, tiny_base, sentences_file, output=tmp_path / "run", **options)
    monkeypatch.undo()
    fit(resume=tmp_path / "run")
    for name in ("best/model.safetensors", "adapter/adapter_model.safetensors"):
        one, other = (load_file(Path(tmp_path / run / name)) for run in ("whole", "run"))
        assert all(torch.equal(tensor, other[key]) for key, tensor in one.items())


def test_the_command_line_trains_adapters_and_freezes(tiny_base, sentences_file, tmp_path, capsys, caplog):
    words = ["train", "simcse", "--model", str(tiny_base), "--data", str(sentences_file), "--dev", "none"]
    words += ["--batch-size", "16", "--max-steps", "2", "--pooling", "mean", "--output", str(tmp_path / "run")]
    with caplog.at_level("INFO"):
        assert main([*words, "--lora", "4", "--lora.alpha", "8", "--learning-rates", "layers=1e-3"]) == 0
    assert "LoRA of rank 4 on 12 linear layers" in caplog.text
    assert "layers of our own compute them" in caplog.text
    assert main([*words, "--overwrite", "--freeze", "embeddings", "layers:1"]) == 0
    before, after = (load_file(Path(path) / "model.safetensors") for path in (tiny_base, tmp_path / "run" / "best"))
    moved = {name for name, tensor in after.items() if not torch.equal(tensor, before[f"bert.{name}"])}
    assert moved
    assert all("layer.1." in name for name in moved)
    assert main([*words, "--overwrite", "--lora", "0"]) == 2
    assert "--lora.rank must be at least 1" in capsys.readouterr().err
