"""Class labels help where a classifier asks for them: on the test set of a task whose training set was learnt."""

from dataclasses import replace
from pathlib import Path

import pytest

from simemb.encoder.encoder import Encoder
from simemb.evaluation.evaluate import evaluate, find
from simemb.evaluation.suite import Suite
from simemb.method.recipe_files import find as find_recipe
from simemb.training.fit import fit


@pytest.mark.slow
def test_supcon_on_the_training_set_of_sst2_raises_the_accuracy_on_its_test_set(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SIMEMB_DATA", str(shared_data))
    data = shared_data / "transfer" / "sst2" / "train.tsv.gz"
    if not data.exists():
        pytest.skip("needs SST2")
    (task,) = (task for task in find("transfer").tasks if task.name == "sst2")
    suite = Suite("sst2", "", (task,), geometry=None, headline="accuracy")
    before = evaluate("mini", suite).points
    recipe = replace(find_recipe("supcon"), max_steps=60, learning_rate=5e-4)
    fit(recipe, "mini", data, output=tmp_path / "run", dev="none")
    after = evaluate(Encoder.load(tmp_path / "run"), suite)
    assert before == pytest.approx(77.2, abs=0.5)
    assert after.points > before + 3
