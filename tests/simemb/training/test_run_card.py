"""The card of a run: what the hub is told, what to cite, and how to repeat it."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from simemb.cli import main
from simemb.method.recipe_files import find
from simemb.training.fit import fit

RECIPE = replace(find("simcse"), batch_size=16, eval_every=2, max_steps=2)


@pytest.fixture
def base(tiny_base: Path, tmp_path: Path) -> Path:
    """A base with a card."""
    shutil.copytree(tiny_base, tmp_path / "base")
    (tmp_path / "base" / "README.md").write_text("---\nlicense: mit\nlanguage: en\n---\n# Base\n", encoding="utf-8")
    return tmp_path / "base"


def data_of(card: Path) -> Any:
    """The metadata of a card, as the hub's own library reads them."""
    return ModelCard.load(card).data


def test_the_hub_is_told_what_is_known(
    base: Path, sentences_file: Path, dev_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    output = tmp_path / "tiny"
    result = fit(RECIPE, base, sentences_file, output=output, dev=dev_file)
    data = data_of(output / "best" / "README.md")
    assert (data.license, data.language, data.library_name) == ("mit", "en", "sentence-transformers")
    assert data.base_model is None  # a folder here is no name on the hub
    assert data.pipeline_tag == "sentence-similarity"
    assert data.model_name == "sentence encoder"
    assert result.after is not None
    (spearman,) = [each for each in data.eval_results if each.metric_type == "spearman_cosine"]
    assert (spearman.dataset_name, spearman.task_type) == ("dev", "semantic-similarity")
    assert spearman.metric_value == pytest.approx(result.after.points / 100, abs=1e-6)
    text = (output / "best" / "README.md").read_text()
    assert "```bibtex\n@inproceedings{gao2021simcse" in text
    assert "the red" not in text  # no text of the data
    # another run from here has the same license, and the scores of a suite join those of the dev suite
    assert main(["eval", str(output), "--suite", "sample_dev"]) == 0
    results = data_of(output / "best" / "README.md").eval_results
    assert {each.dataset_name for each in results} == {"dev", "sample_dev"}
    again = fit(RECIPE, output, sentences_file, output=tmp_path / "again", dev="none")
    data = data_of(again.directory / "best" / "README.md")
    assert (data.license, data.eval_results) == ("mit", None)


def test_a_run_of_the_command_line_says_the_command_and_on_the_sample_the_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_base: Path
):
    monkeypatch.chdir(tmp_path)
    words = ["simcse", "--model", str(tiny_base), "--max-steps", "1", "--dev", "none", "--output", "run"]
    monkeypatch.setattr(sys, "argv", ["/usr/bin/simemb", "train", *words])
    assert main(["train", *words]) == 0
    text = (tmp_path / "run" / "best" / "README.md").read_text()
    assert f"```sh\nsimemb train simcse --model {tiny_base} --max-steps 1 --dev none\n```" in text
    data = data_of(tmp_path / "run" / "best" / "README.md")
    assert (data.language, data.license, data.widget[0]["source_sentence"]) == ("en", None, "A man plays a guitar.")
