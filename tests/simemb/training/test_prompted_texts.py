"""Training with prompts: prompt and text are tokenized as one text, and the trained encoder knows its prompts."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from simemb.cli import main
from simemb.corpus.rows import open_rows
from simemb.encoder.encoder import Encoder
from simemb.encoder.tokenizer import tokenize
from simemb.errors import RecipeError, TrainingError
from simemb.evaluation.evaluate import evaluate
from simemb.method.method import Method
from simemb.method.objectives import SquaredError
from simemb.method.order_augmentations import Shuffle
from simemb.method.recipe import Recipe
from simemb.method.recipe_files import find
from simemb.method.targets import Frozen
from simemb.method.token_augmentations import Delete, Repeat
from simemb.method.view_prompts import assigned
from simemb.method.views import View
from simemb.training.dataset import load_training_data
from simemb.training.fit import fit
from simemb.training.loader import Loader
from simemb.training.token_table import Reading, token_table

PROMPTS = {"query": "the happy dog ", "document": "a quiet cat "}
RECIPE = replace(find("two_tower"), max_length=40, batch_size=16, learning_rate=1e-3, eval_every=3, max_steps=4)


@pytest.fixture
def train(tiny_base: Path, triplets_file: Path, tmp_path: Path) -> Callable[..., Any]:
    def run(ours: Recipe = RECIPE, data: Any = None, output: str = "run", **options: Any) -> Any:
        options = {"columns": ["anchor", "positive"], "pooling": "mean", "dev": "none", **options}
        return fit(ours, tiny_base, data or triplets_file, output=tmp_path / output, **options)

    return run


def tensors(directory: Path) -> dict[str, torch.Tensor]:
    return load_file(directory / "best" / "model.safetensors")


def equal(one: Path, other: Path) -> bool:
    first, second = tensors(one), tensors(other)
    return all(torch.equal(tensor, second[name]) for name, tensor in first.items())


def record(directory: Path) -> Any:
    return json.loads((directory / "recipe.json").read_text())


# ---- tokens ----------------------------------------------------------------------------------------------


def test_a_table_of_prompts_has_the_tokens_of_prompt_and_text(triplets_file, tiny_tokenizer):
    rows = open_rows(triplets_file)
    table = token_table(rows, tiny_tokenizer, max_length=12, readings=[Reading(0, "the happy dog "), Reading(2)])
    for place, (column, prompt) in enumerate([(0, "the happy dog "), (2, "")]):
        expected, _ = tokenize([prompt + row[column] for row in rows.texts()], tiny_tokenizer, 12)
        assert [ids.tolist() for ids in table.ids(place, range(len(table)))] == expected
    plain = token_table(rows, tiny_tokenizer, max_length=12)
    other = token_table(rows, tiny_tokenizer, max_length=12, readings=[Reading(0, "the happy cat "), Reading(2)])
    assert len({table.path, plain.path, other.path}) == 3


def test_an_augmentation_leaves_the_prompt_as_it_is(tiny_base, triplets_file):
    encoder = Encoder.load(tiny_base, pooling="mean").complete()
    augment = Delete(0.5), Repeat(0.9, count="paper"), Shuffle()
    views = View(target=False, prompt="the happy dog ", augment=augment), View(1, online=False)
    recipe = replace(RECIPE, views=views)
    rows = open_rows(triplets_file)
    data = load_training_data(recipe, rows, encoder, None, progress=False)
    plan = Method(recipe, encoder, columns=3, seed=1).view_plan
    (step,) = Loader(data, recipe, views, plan, seed=1).step(0)
    batch, (prompt,) = step.chunks[0].online, tokenize(["the happy dog "], encoder.tokenizer, 40)[0]
    texts, changed = list(rows.texts()), 0
    bounds = batch.starts.tolist()
    for row, first, end in zip(batch.order.tolist(), bounds, bounds[1:], strict=False):
        if row < len(step):  # of the first view
            ids, positions = batch.ids[first:end].tolist(), batch.positions[first:end].tolist()
            assert ids[: len(prompt) - 1] == prompt[:-1]
            assert positions[1 : len(prompt) - 1] == [1, 2, 3]
            assert sorted(positions) == list(range(len(ids)))
            whole, _ = tokenize(["the happy dog " + texts[step.rows[row]][0]], encoder.tokenizer, 40)
            changed += ids != whole[0]
    assert changed > 12


# ---- a run -----------------------------------------------------------------------------------------------


def test_a_run_with_prompts_is_the_run_on_texts_that_have_them(train, triplets_file, tmp_path):
    texts = [line.split("\t")[:2] for line in triplets_file.read_text().splitlines()[1:]]
    written = [(PROMPTS["query"] + anchor, PROMPTS["document"] + positive) for anchor, positive in texts]
    train(prompts=PROMPTS)
    train(data=written, columns=None, output="written")
    assert equal(tmp_path / "run", tmp_path / "written")
    trained = Encoder.load(tmp_path / "run")
    assert trained.prompts == PROMPTS
    assert trained.default_prompt is None
    plain = Encoder.load(tmp_path / "written")
    np.testing.assert_array_equal(
        trained.encode_query([anchor for anchor, _ in texts]), plain.encode([anchor for anchor, _ in written])
    )


def test_the_record_and_the_card_name_the_prompts_and_repeat_the_run(train, tmp_path):
    train(prompts=PROMPTS)
    assert record(tmp_path / "run")["run"]["prompts"] == PROMPTS
    assert '- `query`: `"the happy dog "`' in (tmp_path / "run" / "best" / "README.md").read_text()
    words = ["train", str(tmp_path / "run" / "recipe.json"), "--output", str(tmp_path / "again")]
    assert main(words) == 0
    assert equal(tmp_path / "run", tmp_path / "again")
    with pytest.raises(TrainingError, match=r"cannot resume with another .*prompt"):
        train(prompts={**PROMPTS, "query": "the red dog "}, resume=True)


def test_the_command_line_trains_with_prompts_and_resumes(train, tiny_base, triplets_file, tmp_path, capsys):
    train(prompts=PROMPTS)
    words = ["train", "two_tower", "--model", str(tiny_base), "--data", str(triplets_file), "--dev", "none"]
    words += ["--columns", "anchor", "positive", "--pooling", "mean", "--max-length", "40", "--batch-size", "16"]
    words += ["--learning-rate", "1e-3", "--eval-every", "3", "--max-steps", "4", "--output", str(tmp_path / "cli")]
    assert main([*words, "--prompts", *(f"{name}={text}" for name, text in PROMPTS.items())]) == 0
    assert equal(tmp_path / "run", tmp_path / "cli")
    assert main(["train", "--resume", str(tmp_path / "cli")]) == 0
    by_view = ["--views.0.prompt", PROMPTS["query"], "--views.1.prompt", PROMPTS["document"], "--overwrite"]
    assert main([*words, *by_view]) == 0
    assert equal(tmp_path / "run", tmp_path / "cli")
    for wrong, said in (("query", "give NAME=TEXT"), ("queri=a ", "unknown prompt 'queri'"), ("query=q2d", "'q2d: '")):
        assert main([*words, "--overwrite", "--prompts", wrong]) == 2
        assert said in capsys.readouterr().err


def test_a_prompt_of_the_model_is_taken_by_its_name(tiny_base, triplets_file, tmp_path, caplog):
    base = Encoder.load(tiny_base, pooling="mean").set_prompts({"s2p": PROMPTS["query"]}).save(tmp_path / "base")
    options: dict[str, Any] = {"columns": ["anchor", "positive"], "dev": "none", "prompts": {"query": "s2p"}}
    with caplog.at_level("INFO"):
        fit(RECIPE, base, triplets_file, output=tmp_path / "run", **options)
    assert Encoder.load(tmp_path / "run").prompts == {
        "s2p": PROMPTS["query"],
        "query": PROMPTS["query"],
        "document": "",
    }
    assert record(tmp_path / "run")["recipe"]["views"][0]["prompt"] == "s2p"
    assert "training puts 'the happy dog ' before queries, nothing before documents" in caplog.text


def test_a_suite_that_chooses_is_scored_with_the_prompts_of_the_training(train, tmp_path):
    folder = tmp_path / "beir"
    (folder / "qrels").mkdir(parents=True)
    texts = ["the red dog eats a cake", "the old singer paints a boat", "a small bird finds the drum"]
    rows = [json.dumps({"_id": f"d{number}", "text": text}) + "\n" for number, text in enumerate(texts)]
    (folder / "corpus.jsonl").write_text("".join(rows))
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "a singer"}\n{"_id": "r", "text": "the drum"}\n')
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\td1\t1\nr\td2\t1\n")
    result = train(replace(RECIPE, include_prompt=False), prompts=PROMPTS, dev=folder)
    assert result.before.prompts == {}
    assert result.after.prompts == {"document": PROMPTS["document"], "query": PROMPTS["query"]}
    assert result.after.points == evaluate(Encoder.load(tmp_path / "run"), folder).points
    assert not Encoder.load(tmp_path / "run").include_prompt


def test_a_prompt_that_leaves_no_room_for_text_is_refused(train):
    with pytest.raises(RecipeError, match=r"--max-length 5 leaves no room for text after the 3 tokens of .*: 6 to 48"):
        train(replace(RECIPE, max_length=5), prompts=PROMPTS)


def test_a_teacher_has_its_own_prompts(tiny_base, triplets_file, tmp_path):
    own = {"query": "the old ", "document": "a red "}
    teacher = Encoder.load(tiny_base, pooling="mean").set_prompts(own)
    views = View(target=False), View(1, online=False)
    recipe = Recipe(views=views, objective=SquaredError(), target=Frozen(str(teacher.save(tmp_path / "teacher"))))
    rows = open_rows(triplets_file)
    encoder = Encoder.load(tiny_base, pooling="mean").complete()
    positives = [row[1] for row in rows.texts()]
    for ours, expected in (
        (recipe, teacher.encode(positives)),  # without prompts in the recipe nothing is a query or a document
        (assigned(recipe, PROMPTS), teacher.encode_document(positives)),
        (assigned(recipe, {"text": "the "}), teacher.encode(positives)),
    ):
        data = load_training_data(ours, rows, encoder, None, progress=False)
        np.testing.assert_allclose(data.teacher_vectors[1], expected, atol=1e-6)
