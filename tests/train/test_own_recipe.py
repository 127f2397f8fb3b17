"""A recipe on data of your own, and nouns of your own in one file: they train, save and resume like the others."""

import ast
import json
from pathlib import Path

import pytest
from recipe_runs import STEPS, assert_same_run, quick, stop_after
from safetensors.torch import load_file

import simemb.method.method
from simemb.cli import main
from simemb.cookbook import RECIPES, names
from simemb.encoder.encoder import Encoder
from simemb.method.recipe_files import find
from simemb.training.fit import fit


def test_pairs_train_simcse_sup_without_hard_negatives(
    tiny_base: Path, triplets_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("".join(line.rpartition("\t")[0] + "\n" for line in triplets_file.read_text().splitlines()))
    with caplog.at_level("INFO", "simemb"):
        result = fit(quick(find("simcse_sup"), tiny_base), tiny_base, pairs, output=tmp_path / "run", dev="none")
    assert result.steps == STEPS
    assert "has no column of negatives, so there are no hard negatives" in caplog.text


MINE = '''
"""A loss of my own: stay near the mean of all that was seen, and near the other view."""

from dataclasses import dataclass, replace

import torch

from simemb import Auxiliary, Objective, TokenAugmentation, View
from simemb.method.token_augmentations import Sentence
from simemb.train.simcse import recipe as simcse


@dataclass(frozen=True)
class Anchored(Objective):
    """|q - k|^p + pull |q - mean|^2."""

    power: float = 2.0
    """p"""
    pull: float = 0.1
    """How strongly the mean attracts."""

    def build(self, width):
        return AnchoredLoss(self, width)


class AnchoredLoss(torch.nn.Module):
    def __init__(self, spec, width):
        super().__init__()
        self.spec = spec
        self.scale = torch.nn.Parameter(torch.ones(()))
        self.register_buffer("mean", torch.zeros(width))
        self.seen = None

    def forward(self, pair):
        self.seen = pair.queries.detach().mean(0)
        away = (pair.query - self.scale * pair.key[pair.own]).abs().pow(self.spec.power).mean()
        return away + self.spec.pull * (pair.query - self.mean).square().mean()

    def after_step(self):
        self.mean.lerp_(self.seen, 0.5)


@dataclass(frozen=True)
class Reverse(TokenAugmentation):
    """The tokens in the other direction."""

    def __call__(self, sentence, vocabulary, rng):
        return Sentence(sentence.ids[::-1].copy(), sentence.positions)


views = (View(target=False), View(online=False, augment=(Reverse(),)))
recipe = replace(simcse, views=views, head=None, objective=Anchored(pull=0.2), pooling="mean")
'''


def test_a_recipe_with_nouns_of_ones_own_in_one_file_trains_saves_and_resumes(
    tiny_base: Path, sentences_file: Path, dev_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    words = ["train", "./mine.py", "--model", str(tiny_base), "--data", str(sentences_file), "--dev", str(dev_file)]
    words += ["--batch-size", "8", "--max-steps", "4", "--eval-every", "2", "--objective.power", "3"]
    assert main([*words, "--output", "whole"]) == 0
    recipe = json.loads(Path("whole/recipe.json").read_text())["recipe"]
    assert recipe["objective"] == {"kind": "Anchored", "weight": 1.0, "power": 3.0, "pull": 0.2}
    assert recipe["views"][1]["augment"] == [{"kind": "Reverse", "frozen": False, "shared": False}]
    state = load_file("whole/last/state.safetensors")
    assert state["method.objective.mean"].any()
    assert state["method.objective.scale"] != 1
    assert Encoder.load("whole").pooling == "mean"
    with monkeypatch.context() as patch:
        stop_after(2, patch)
        assert main([*words, "--output", "stopped"]) == 130
    assert main([*words, "--output", "stopped", "--resume"]) == 0
    assert_same_run(Path("whole"), Path("stopped"))
    assert main(["train", "whole/recipe.json", "--output", "again"]) == 0  # the file was read in this process
    assert_same_run(Path("whole"), Path("again"))


def test_the_method_names_no_recipe():
    """The one engine branches on kinds of nouns, never on the name of a method."""
    tree = ast.parse(Path(simemb.method.method.__file__).read_text(encoding="utf-8"))
    documents = {
        ast.get_docstring(node, clean=False)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
    }
    words = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    words |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    strings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert "recipe" in words
    assert not (words | (strings - documents)) & set(names(RECIPES))
