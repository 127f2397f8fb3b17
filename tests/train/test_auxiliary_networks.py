"""Recipes with a network beside the encoder, in settings that change what computes: precision, adapters, freezing."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from recipe_runs import quick

from simemb import Denoising, LoRA
from simemb.method.recipe_files import find
from simemb.training.fit import fit

tsdae = find("tsdae")
RECIPES = {
    "tsdae": tsdae,
    "tsdae, untied": replace(tsdae, auxiliaries=(Denoising(layers=1, tied=False),)),
    "isbert": find("isbert"),
    "diffcse": find("diffcse"),
    "s_simcse": find("s_simcse"),
}
SETTINGS: dict[str, dict[str, Any]] = {
    "bf16": {"precision": "bf16"},
    "adapters": {"lora": LoRA(rank=2)},
    "frozen words": {"freeze": ("embeddings",)},
    "accumulated": {"accumulate": 2},
}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", RECIPES)
def test_it_trains_in_every_setting(name: str, setting: str, tiny_base: Path, sentences_file: Path, tmp_path: Path):
    given = dict(SETTINGS[setting])
    precision = given.pop("precision", "no")
    recipe = quick(RECIPES[name], tiny_base, max_steps=2, **given)
    result = fit(recipe, tiny_base, sentences_file, output=tmp_path / "run", dev="none", precision=precision)
    records = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [record["loss"] for record in records if record.get("loss")]
    assert result.steps == 2
