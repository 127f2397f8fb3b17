"""Several data in one run: each batch is of one, the same after a stop, and the run says what it saw of each."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from simemb.cli import main
from simemb.comparison import provenance
from simemb.corpus.rows import open_rows
from simemb.encoder.encoder import Encoder
from simemb.encoder.reranker import load_reranker
from simemb.errors import DataError, RecipeError
from simemb.evaluation.evaluate import evaluate
from simemb.method.auxiliaries import MaskedLM, SoftmaxNLI
from simemb.method.course import Course
from simemb.method.heads import Projector
from simemb.method.lessons import Lesson
from simemb.method.memory import Queue, QueueState
from simemb.method.method import Method
from simemb.method.objectives import CandidateKL, CoSENT, InfoNCE
from simemb.method.recipe import Recipe
from simemb.method.targets import EMA
from simemb.method.views import View
from simemb.training.dataset import load_training_data
from simemb.training.fit import fit
from simemb.training.loader import Loader
from simemb.training.mixed_loader import MixedLoader
from simemb.training.plan import prepare
from simemb.training.run_directory import RunDirectory
from simemb.training.trainer import Trainer

PAIR = (View(target=False), View(1, online=False))
TRIPLET = (*PAIR, View(2, online=False, negative=True))
MIXED = Recipe(
    views=TRIPLET,
    objective=InfoNCE(),
    head=Projector(keep=True),
    batch_size=16,
    learning_rate=1e-3,
    eval_every=3,
    mix="proportional",
    lessons=(Lesson(PAIR, InfoNCE(learnt=True)), Lesson(), Lesson(PAIR, CoSENT())),
)


@pytest.fixture
def data(sentences_file: Path, triplets_file: Path, dev_file: Path, tmp_path: Path) -> list[Path]:
    """40 pairs, 90 triplets and 40 scored pairs."""
    texts = sentences_file.read_text().splitlines()
    pairs = tmp_path / "pairs.jsonl"
    rows = [{"question": text, "answer": text.replace("the", "a")} for text in texts[:40]]
    pairs.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return [pairs, triplets_file, dev_file]


@pytest.fixture
def train(tiny_base: Path, data: list[Path], tmp_path: Path) -> Callable[..., Any]:
    def run(recipe: Recipe = MIXED, **options: Any) -> Any:
        data_of_run = options.pop("data", data)
        options = {"output": tmp_path / "run", "dev": "none", **options}
        return fit(recipe, tiny_base, data_of_run, **options)

    return run


def encoder_of(base: Path) -> Encoder:
    encoder = Encoder.load(base, pooling="cls")
    assert isinstance(encoder, Encoder)
    return encoder


def loaded(recipe: Recipe, data: list[Path], base: Path) -> tuple[Course, MixedLoader]:
    from simemb.method.lessons import by_source

    encoder = encoder_of(base)
    recipes, rows = by_source(recipe, len(data)), [open_rows(path) for path in data]
    material = [
        load_training_data(one, of, encoder, None, progress=False) for one, of in zip(recipes, rows, strict=True)
    ]
    widths, examples = [len(of.columns) for of in rows], [len(of.online.table) for of in material]
    course = Course(recipes, encoder, columns=widths, examples=examples, seed=1)
    loaders = [
        Loader(of, one, method.views, method.view_plan, seed=1, source=place)
        for place, (of, one, method) in enumerate(zip(material, recipes, course.each(), strict=True))
    ]
    return course, MixedLoader(loaders, [of.name for of in rows], recipe, seed=1)


def test_each_batch_is_of_one_source_and_learns_as_that_source_alone_would(data: list[Path], tiny_base: Path):
    course, loader = loaded(replace(MIXED, dropout=0.0), data, tiny_base)
    course.eval()
    alone = [
        Method(method.recipe, encoder_of(tiny_base), columns=len(method.views), seed=1).eval()
        for method in course.each()
    ]
    for step in range(loader.steps):
        (examples,) = loader.step(step)
        torch.testing.assert_close(course(examples)[0], alone[examples.source](examples)[0])
    assert {one.batches for one in loader.seen(loader.steps)} == {3, 6}


def test_all_sources_share_the_networks_and_each_has_its_objective_and_its_queue(data: list[Path], tiny_base: Path):
    recipe = replace(
        MIXED,
        head=Projector(),
        target=EMA(momentum=0.5),
        memory=Queue(size=20),
        lessons=(Lesson(PAIR), Lesson(), Lesson(PAIR, InfoNCE(learnt=True))),
    )
    course, loader = loaded(recipe, data, tiny_base)
    first, second, third = course.train().each()
    assert first.head is second.head is third.head
    assert first.second is third.second is course.second
    assert [name for name, _ in course.named_parameters() if "log_scale" in name] == ["methods.2.objective.log_scale"]
    slow = course.second
    assert slow is not None
    before = {name: tensor.clone() for name, tensor in slow.encoder.named_parameters()}
    with torch.no_grad():
        for parameter in course.encoder.parameters():
            parameter += 1
    (examples,) = loader.step(0)
    course(examples)
    held = [len(method.memory.read()[0]) for method in course.each() if isinstance(method.memory, QueueState)]
    assert [count > 0 for count in held] == [place == examples.source for place in range(3)]
    course.after_step()
    for name, tensor in slow.encoder.named_parameters():  # half of the way, and not three times half of it
        torch.testing.assert_close(tensor, before[name] + 0.5)


def test_a_run_that_was_stopped_goes_on_bit_for_bit(
    train: Callable[..., Any], data: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    lessons = (Lesson(PAIR, InfoNCE(learnt=True)), Lesson(), Lesson(PAIR))
    recipe = replace(MIXED, weights=(2, 1, 1), accumulate=2, eval_every=2, memory=Queue(size=24), lessons=lessons)
    data = [*data[:2], data[0]]
    whole = train(recipe, output=tmp_path / "whole", data=data)
    stopped = tmp_path / "stopped"
    save = Trainer._save  # pyright: ignore[reportPrivateUsage]

    def stop(trainer: Trainer) -> None:
        save(trainer)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "_save", stop)
        with pytest.raises(KeyboardInterrupt):
            train(recipe, output=stopped, data=data)
    result = fit(resume=stopped)
    for path in ("best/model.safetensors", "last/state.safetensors"):
        expected, found = (load_file(folder / path) for folder in (tmp_path / "whole", stopped))
        assert expected.keys() == found.keys()
        assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert (result.steps, result.seen) == (whole.steps, whole.seen)


def test_record_log_card_and_report_say_how_much_of_each_was_seen(
    train: Callable[..., Any], data: list[Path], tmp_path: Path
):
    result = train()
    assert [(one.name, one.batches, one.examples) for one in result.seen] == [
        (str(data[0]), 3, 40),
        (str(data[1]), 6, 90),
        (str(data[2]), 3, 40),
    ]
    assert {one.epochs for one in result.seen} == {1.0}
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["data.parts.1.examples"] for line in lines if "data.parts.1.examples" in line][-1] == 90
    record = json.loads((tmp_path / "run" / "recipe.json").read_text())
    assert [part["columns"] for part in record["data"]["parts"]] == [
        ["question", "answer"],
        ["anchor", "positive", "negative"],
        ["sentence1", "sentence2"],
    ]
    assert (record["run"]["data"], record["data"]["rows"]) == (list(map(str, data)), 170)
    card = (tmp_path / "run" / "best" / "README.md").read_text()
    assert f"- seen: `{data[1]}`, 6 batches, 90 examples, 1.00 epochs" in card
    from simemb.report.figures.style import Look
    from simemb.report.model import ReportedModel
    from simemb.report.run_settings import run_settings

    shown = run_settings([ReportedModel(str(tmp_path / "run"), "run", Look("black", "-", "o"))]).same
    assert {row.name: row.values for row in shown}["data.parts.1.examples"] == ("90",)


def test_the_search_for_test_texts_knows_all_sources(train: Callable[..., Any], data: list[Path], tmp_path: Path):
    train()
    trained = provenance.trained(tmp_path / "run")
    assert trained is not None
    assert [each["read"] for each in trained["data"]["each"]] == [
        ["question", "answer"],
        ["anchor", "positive", "negative"],
        ["sentence1", "sentence2"],
    ]
    answer = json.loads(data[0].read_text().splitlines()[0])["answer"]
    third = next(row[2] for row in open_rows(data[1]).texts())
    mine = [("one", answer, 1.0), (third, "nothing like it", 2.0), ("x", "y", 0.0)]
    scores = provenance.judge(evaluate(Encoder.load(tmp_path / "run"), mine), tmp_path / "run")
    assert scores.overlap is not None
    (task,) = scores.overlap["tasks"].values()
    assert (task["exact"], scores.overlap["unknown"]) == (2, "")


def test_at_the_command_line_a_weight_keeps_data_apart(
    data: list[Path],
    tiny_base: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.chdir(tmp_path)
    shutil.copy(data[1], "odd:2.tsv")
    shutil.copy(data[1], "whole:2")
    words = f"train simcse_sup --model {tiny_base} --dev none --output run --batch-size 30 --max-steps 2 --data"
    assert main([*words.split(), str(data[1]), "odd:2.tsv:3"]) == 0
    recipe = json.loads(Path("run/recipe.json").read_text())
    assert (recipe["recipe"]["mix"], recipe["recipe"]["weights"]) == ("proportional", [1.0, 3.0])
    assert recipe["run"]["data"] == [str(data[1]), "odd:2.tsv"]
    assert "of odd:2.tsv: " in capsys.readouterr().out
    assert main(["train", "--resume", "run"]) == 0
    for more, line in (
        (["whole:2"], "no ending says how it is written"),
        (["odd:2.tsv:0"], "--weights must each be above 0"),
        (
            ["odd:2.tsv:3", "--weights", "1", "1", "--mix", "proportional"],
            "--weights and --data NAME:WEIGHT say the same",
        ),
        (["odd:2.tsv:3", "--mix", "round_robin"], "--mix round_robin gives no weight"),
        ([str(data[0])], "train on each by itself (`simemb train --mix proportional`)"),
    ):
        assert main([*words.split(), str(data[1]), *more, "--overwrite"]) == 2
        assert line in capsys.readouterr().err or "whole:2" in more


def test_data_in_memory_are_kept_apart_too(train: Callable[..., Any], data: list[Path]):
    rows = [open_rows([("a dog", "a cat")] * 20), open_rows(data[1])]
    result = train(replace(MIXED, lessons=(), mix="until_smallest"), data=rows)
    assert [(one.batches, one.examples) for one in result.seen] == [(2, 20), (2, 32)]


@pytest.mark.parametrize(
    ("fields", "error", "line"),
    [
        ({"lessons": MIXED.lessons[:2]}, RecipeError, "the recipe has 2 lessons for 3 sources of data"),
        ({"lessons": (*MIXED.lessons[:2], Lesson())}, DataError, "takes every pair as a positive"),
        (
            {"lessons": (Lesson(columns=("question", "nothing")), *MIXED.lessons[1:])},
            DataError,
            "unknown column 'nothing'",
        ),
    ],
)
def test_what_the_data_do_not_fit_is_refused(
    train: Callable[..., Any], fields: dict[str, Any], error: type[Exception], line: str, tmp_path: Path
):
    with pytest.raises(error, match=line):
        train(replace(MIXED, **fields))
    assert not (tmp_path / "run").exists()


def test_labels_of_pairs_are_learnt_from_the_same_columns_of_all_data(
    train: Callable[..., Any], data: list[Path], tmp_path: Path
):
    labeled = tmp_path / "labeled.tsv"
    labeled.write_text("premise\thypothesis\tlabel\n" + "a man\ta dog\t2\na man\ta man\t0\n" * 9)
    recipe = replace(MIXED, lessons=(), objective=None, head=None, auxiliaries=(SoftmaxNLI(),))
    with pytest.raises(RecipeError, match="labels of pairs are learnt from the same columns of all data"):
        train(recipe, data=[data[1], labeled])
    assert not (tmp_path / "run").exists()


def test_a_language_model_learns_from_several_sources_with_one_head(train: Callable[..., Any], data: list[Path]):
    recipe = replace(MIXED, views=(View(),), objective=None, head=None, lessons=(), auxiliaries=(MaskedLM(),))
    result = train(recipe, data=data[:2])
    assert sum(one.examples for one in result.seen) == 130


def test_a_model_that_judges_a_later_source_is_in_the_record(data: list[Path], tiny_base: Path, tmp_path: Path):
    recipe = replace(MIXED, lessons=(MIXED.lessons[0], Lesson(objective=CandidateKL())), reranker=str(tiny_base))
    plan = prepare(recipe, tiny_base, data[:2], output=RunDirectory(tmp_path / "run"), dev="none", progress=False)
    assert plan.record["data"]["reranker"] == load_reranker(tiny_base).fingerprint()
