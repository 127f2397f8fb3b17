"""The loop: the schedule, accumulation, clipping, and going on after a stop bit for bit."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from math import cos, nan, pi
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from simemb import files
from simemb.cli import main
from simemb.corpus.rows import open_rows
from simemb.encoder.encoder import Encoder
from simemb.errors import SimembError
from simemb.evaluation.evaluate import evaluate
from simemb.evaluation.scores import Correlation, Scores, SimilarityScores
from simemb.method.memory import Queue
from simemb.method.recipe import Recipe
from simemb.method.recipe_files import find
from simemb.method.targets import EMA
from simemb.training import dev_suites
from simemb.training.dataset import load_training_data
from simemb.training.fit import fit
from simemb.training.materials import Material
from simemb.training.optimizer import factor
from simemb.training.plan import Plan
from simemb.training.run_directory import RunDirectory, Settings
from simemb.training.status_line import StatusLine
from simemb.training.trainer import Trainer

SMALL = {"batch_size": 16, "learning_rate": 1e-3, "eval_every": 4, "epochs": 2}
SETTINGS = Settings("m", "f", "cls", "d", ("sentence",), "none", "spearman", 1, "no")


def recipe(name: str = "simcse", **fields: Any) -> Recipe:
    return replace(find(name), **{**SMALL, **fields})


# ---- the schedule --------------------------------------------------------------------------------


def test_the_linear_schedule_starts_at_one_and_ends_at_zero():
    found = [factor(recipe(), step, 10) for step in range(11)]
    assert found == pytest.approx([1 - step / 10 for step in range(11)])


def test_warm_up_rises_linearly_from_zero_and_then_the_decay_begins():
    found = [factor(recipe(warmup=0.2), step, 10) for step in range(11)]
    assert found == pytest.approx([0, 0.5, *[1 - step / 8 for step in range(9)]])


def test_cosine_and_constant_schedules():
    found = [factor(recipe(schedule="cosine"), step, 10) for step in range(11)]
    assert found == pytest.approx([(1 + cos(pi * step / 10)) / 2 for step in range(11)])
    assert {factor(recipe(schedule="constant"), step, 10) for step in range(10)} == {1.0}
    assert factor(recipe(warmup=0.5, schedule="constant"), 2, 10) == pytest.approx(0.4)


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_the_linear_schedule_is_that_of_transformers(schedule: str):
    from transformers import get_scheduler

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    reference = get_scheduler(schedule, optimizer, num_warmup_steps=3, num_training_steps=30)
    ours = recipe(schedule=schedule, warmup=0.1)
    for step in range(30):
        assert factor(ours, step, 30) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        reference.step()


# ---- one step ------------------------------------------------------------------------------------


def make_trainer(tiny_base: Path, data: Path, output: Path, ours: Recipe) -> Trainer:
    torch.manual_seed(0)
    encoder = Encoder.load(tiny_base, pooling="cls")
    rows = open_rows(data)
    material = Material(ours, rows, "", load_training_data(ours, rows, encoder, None, progress=False))
    trainer = Trainer(Plan(ours, encoder, [material], RunDirectory(output), SETTINGS))
    trainer.directory.claim({}, resume=False)
    return trainer


def weights(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in trainer.method.named_parameters()}


def test_an_accumulated_step_has_the_mean_gradient_of_its_batches(
    tiny_base: Path, sentences_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    ours = recipe(accumulate=3, dropout=0.0, max_grad_norm=1e9)
    trainer = make_trainer(tiny_base, sentences_file, tmp_path / "run", ours)
    batches = trainer.loader.step(0)
    assert len(batches) == 3
    expected: dict[str, torch.Tensor] = {}
    for batch in batches:
        trainer.method.zero_grad()
        trainer.method(batch)[0].backward()
        for name, parameter in trainer.method.named_parameters():
            expected[name] = expected.get(name, 0) + parameter.grad / 3
    trainer.method.zero_grad()
    found: dict[str, torch.Tensor] = {}
    monkeypatch.setattr(
        trainer,
        "_update",
        lambda _: found.update({name: p.grad.clone() for name, p in trainer.method.named_parameters()}),
    )
    trainer._step(StatusLine(9, shown=False))
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, atol=1e-6, rtol=1e-5)


def test_gradients_are_clipped_to_norm_one_over_all_parameters(
    tiny_base: Path, sentences_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    trainer = make_trainer(tiny_base, sentences_file, tmp_path / "run", recipe())
    seen: list[float] = []
    real = trainer.optimizer.step

    def norm_and_step() -> None:
        squares = [p.grad.pow(2).sum() for p in trainer.method.parameters() if p.grad is not None]
        seen.append(torch.stack(squares).sum().sqrt().item())
        real()

    monkeypatch.setattr(trainer.optimizer, "step", norm_and_step)
    for _ in range(3):
        trainer._step(StatusLine(9, shown=False))
    assert max(seen) == pytest.approx(1, abs=1e-4)
    assert max(seen) <= 1 + 1e-4


def test_a_step_is_adamw_with_the_numbers_of_the_recipe(tiny_base: Path, sentences_file: Path, tmp_path: Path):
    ours = recipe(weight_decay=0.1, betas=(0.7, 0.9), epsilon=1e-5, dropout=0.0)
    trainer = make_trainer(tiny_base, sentences_file, tmp_path / "run", ours)
    matrices, vectors = trainer.optimizer.param_groups
    for group, decay in ((matrices, 0.1), (vectors, 0.0)):
        assert (group["betas"], group["eps"], group["weight_decay"]) == ((0.7, 0.9), 1e-5, decay)
    before = weights(trainer)
    (batch,) = trainer.loader.step(0)
    trainer.method(batch)[0].backward()
    torch.nn.utils.clip_grad_norm_(trainer.method.parameters(), 1.0)
    gradients = {name: p.grad.clone() for name, p in trainer.method.named_parameters()}
    trainer.method.zero_grad()
    trainer._step(StatusLine(9, shown=False))
    for name, after in weights(trainer).items():
        # the first step of Adam: both moments are the gradient, without bias
        update = gradients[name] / (gradients[name].abs() + 1e-5)
        decay = 0.1 if after.ndim > 1 else 0.0  # biases and norms have none
        torch.testing.assert_close(after, before[name] * (1 - 1e-3 * decay) - 1e-3 * update, atol=1e-5, rtol=1e-4)


def test_a_step_in_chunks_with_accumulation_has_the_gradient_of_one_without_chunks(
    tiny_base: Path, sentences_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    found: list[dict[str, torch.Tensor]] = []
    for chunk in (None, 5):
        ours = recipe(accumulate=2, dropout=0.0, chunk=chunk, memory=Queue(size=20))
        trainer = make_trainer(tiny_base, sentences_file, tmp_path / f"run-{chunk}", ours)
        with monkeypatch.context() as patch:
            own = dict(trainer.method.named_parameters())
            patch.setattr(
                trainer, "_update", lambda _, own=own: found.append({n: p.grad.clone() for n, p in own.items()})
            )
            trainer._step(StatusLine(9, shown=False))
        found[-1]["queue"] = trainer.method.memory.read()[0]
    whole, cut = found
    assert len(whole["queue"]) == 20
    for name, gradient in whole.items():
        torch.testing.assert_close(cut[name], gradient, atol=1e-6, rtol=1e-4)


def test_what_follows_a_step_comes_after_the_optimizer_and_knows_how_far_the_run_is(
    tiny_base: Path, sentences_file: Path, tmp_path: Path
):
    ours = recipe(target=EMA(momentum=0.6, final=1.0))
    trainer = make_trainer(tiny_base, sentences_file, tmp_path / "run", ours)
    slow = dict(trainer.method.second.encoder.named_parameters())
    online = dict(trainer.method.encoder.named_parameters())
    name = "backbone.encoder.layer.1.output.dense.weight"
    for step in range(3):
        before, trained = slow[name].clone(), online[name].clone()
        trainer._step(StatusLine(9, shown=False))
        momentum = 1 - 0.4 * (cos(pi * step / trainer.loader.steps) + 1) / 2
        assert not torch.equal(online[name], trained)
        torch.testing.assert_close(slow[name], momentum * before + (1 - momentum) * online[name], atol=1e-7, rtol=0)
        assert slow[name].grad is None


# ---- stop and go on ------------------------------------------------------------------------------


def metrics_of(directory: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl without times."""
    records = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
    return [{name: repr(value) for name, value in r.items() if name != "sentences_per_second"} for r in records]


def files_of(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def assert_same_run(one: Path, other: Path) -> None:
    state, again = (load_file(directory / "last" / "state.safetensors") for directory in (one, other))
    assert state.keys() == again.keys()
    assert all(torch.equal(tensor, again[name]) for name, tensor in state.items())
    assert files_of(one / "best") == files_of(other / "best")
    assert metrics_of(one) == metrics_of(other)
    assert {path.name for path in one.iterdir()} == {path.name for path in other.iterdir()}
    assert {path.name for path in (one / "last").iterdir()} == {path.name for path in (other / "last").iterdir()}


@pytest.fixture(scope="module")
def run(tiny_base: Path, sentences_file: Path, triplets_file: Path, dev_file: Path) -> Callable[..., Any]:
    """Trains a recipe on the tiny model; the data are sentences, or triplets for `simcse_sup`."""

    def train(name: str, output: Path, **options: Any) -> Any:
        fields = options.pop("fields", {})
        data = triplets_file if name == "simcse_sup" else sentences_file
        return fit(recipe(name, **fields), tiny_base, data, **{"output": output, "dev": dev_file, **options})

    return train


def stop_after(steps: int, monkeypatch: pytest.MonkeyPatch, sent: signal.Signals = signal.SIGINT) -> None:
    """Press Ctrl-C, or send another signal, once so many steps are done."""
    real = Trainer._step

    def step(self: Trainer, line: Any) -> None:
        real(self, line)
        if self.progress.step == steps:
            signal.raise_signal(sent)

    monkeypatch.setattr(Trainer, "_step", step)


@pytest.mark.parametrize("name", ["simcse", "simcse_sup", "simcse_mlm"])
@pytest.mark.parametrize("fields", [{}, {"accumulate": 2, "eval_every": 2}])
def test_a_run_that_was_stopped_goes_on_bit_for_bit(
    name: str, fields: dict[str, Any], run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run(name, tmp_path / "whole", fields=fields)
    for stop in (1, 4, 5):  # before, at and after an evaluation
        with monkeypatch.context() as patch:
            stop_after(stop, patch)
            with pytest.raises(KeyboardInterrupt, match=rf"stopped after {stop} of"):
                run(name, tmp_path / "stopped", fields=fields, resume=(tmp_path / "stopped").exists())
    run(name, tmp_path / "stopped", fields=fields, resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "stopped")


def test_a_run_in_chunks_with_dropout_follows_from_its_seed_and_goes_on_bit_for_bit(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    options = {"fields": {"chunk": 5, "dropout": 0.3, "max_steps": 3}, "dev": "none"}
    run("simcse", tmp_path / "whole", **options)
    with monkeypatch.context() as patch:
        stop_after(1, patch)
        with pytest.raises(KeyboardInterrupt, match="stopped after 1 of 3"):
            run("simcse", tmp_path / "stopped", **options)
    run("simcse", tmp_path / "stopped", **options, resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "stopped")


def test_a_run_that_draws_negatives_goes_on_bit_for_bit(
    tiny_base: Path, triplets_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    rows = list(open_rows(triplets_file).texts())
    data = [
        {"anchor": anchor, "positive": positive, "negative": [text for *_, text in rows[place : place + place % 5]]}
        for place, (anchor, positive, _) in enumerate(rows)
    ]
    ours = recipe("simcse_sup", negatives=2, max_steps=9, batch_size=12)  # of two epochs

    def run(name: str, *, resume: bool = False) -> None:
        fit(ours, tiny_base, data, output=tmp_path / name, dev="none", resume=resume)

    run("whole")
    for stop in (3, 8):
        with monkeypatch.context() as patch:
            stop_after(stop, patch)
            with pytest.raises(KeyboardInterrupt, match=f"stopped after {stop} of 9"):
                run("stopped", resume=stop > 3)
    run("stopped", resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "stopped")


def test_keeping_the_last_checkpoint_leaves_patience_what_it_is(
    run: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture
):
    fields = {"keep": "last", "patience": 2, "learning_rate": 1e-9, "eval_every": 1, "epochs": 50, "max_steps": 20}
    result = run("simcse", tmp_path / "run", fields=fields, progress=True)
    assert 2 < result.steps < 20
    assert result.best_step == result.steps
    scores = [float(record["dev_spearman"]) for record in metrics_of(tmp_path / "run") if "dev_spearman" in record][1:]
    assert max(scores[-2:]) <= max(scores[:-2])
    assert result.after.average.all.spearman == scores[-1]
    assert f"the best was {max(scores):.2f}, kept is step {result.steps}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("scores", "best"), [([nan, 2, nan, 1], 2), ([nan, nan, nan, nan], 4), ([-3, nan, nan, nan], 1)]
)
def test_a_score_that_does_not_exist_never_chooses_a_checkpoint(
    scores: list[float],
    best: int,
    run: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    points = iter(scores)

    def evaluated(*arguments: Any, **options: Any) -> Scores:
        real = evaluate(*arguments, **options)
        if options["progress"] is not False:  # before the first step and at the end
            return real
        (name, task), point = next(iter(real.tasks.items())), next(points)
        assert isinstance(task, SimilarityScores)
        return replace(real, tasks={name: replace(task, all=Correlation(point, point))})

    monkeypatch.setattr(dev_suites, "evaluate", evaluated)
    result = run("simcse", tmp_path / "run", fields={"eval_every": 1, "max_steps": 4}, progress=True)
    assert result.best_step == best
    assert (tmp_path / "run" / "best").is_dir()
    assert "dev does not exist, all cosines are equal" in capsys.readouterr().err


def test_a_dev_file_whose_scores_are_all_the_same_stops_before_the_first_step(run: Callable[..., Any], tmp_path: Path):
    dev = tmp_path / "dev.tsv"
    dev.write_text("sentence1\tsentence2\tscore\na cat\ta dog\t3\nrain\tsun\t3\n")
    with pytest.raises(SimembError, match="all 2 scores are 3, so no correlation is defined"):
        run("simcse", tmp_path / "run", dev=dev)
    assert not (tmp_path / "run").exists()


def test_more_tokens_than_the_model_accepts_are_refused_if_chosen_and_said_if_the_recipe_has_them(
    run: Callable[..., Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    with pytest.raises(SimembError, match=r"--max-length 5000 is more than .* accepts \(allowed: 3 to 48\)"):
        run("simcse", tmp_path / "run", fields={"max_length": 5000})
    run("simcse", tmp_path / "run", fields={"max_length": find("mlm").max_length, "max_steps": 1})
    assert "texts are cut at 48 tokens" in caplog.text


def test_blank_lines_of_the_training_data_are_counted_whether_or_not_the_tokens_are_cached(
    run: Callable[..., Any], tiny_base: Path, sentences_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    data = tmp_path / "blank.txt"
    data.write_text("\n" + sentences_file.read_text())
    for name in ("first", "second"):
        caplog.clear()
        fit(recipe("simcse", max_steps=1), tiny_base, data, output=tmp_path / name, dev="none")
        assert caplog.text.count("1 blank line is left out: line 1") == 1


def test_resuming_a_finished_run_changes_nothing(run: Callable[..., Any], tmp_path: Path):
    first = run("simcse", tmp_path / "run")
    before = files_of(tmp_path / "run")
    again = run("simcse", tmp_path / "run", resume=True)
    assert files_of(tmp_path / "run") == before
    assert (again.steps, again.best_step, again.after.average) == (first.steps, first.best_step, first.after.average)


@pytest.mark.parametrize(("broken", "times"), [("state.safetensors", 2), ("best", 12)])
def test_a_disk_that_fills_up_leaves_what_resume_needs(
    broken: str, times: int, run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run("simcse", tmp_path / "whole", dev="none")  # so that every evaluation writes best/
    written: list[Path] = []
    real = files._finish

    def finish(path: Path, mode: int) -> None:
        real(path, mode)
        written.append(path)
        if sum(broken in str(path) for path in written) == times:
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files, "_finish", finish)
        with pytest.raises(SimembError, match=r"written.*: No space left on device"):
            run("simcse", tmp_path / "stopped", dev="none")
    run("simcse", tmp_path / "stopped", dev="none", resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "stopped")


def test_a_kept_last_partial_batch_is_seen(tiny_base: Path, sentences_file: Path, tmp_path: Path):
    loader = make_trainer(tiny_base, sentences_file, tmp_path / "run", find("simcse")).loader
    assert [len(examples) for step in range(loader.steps) for examples in loader.step(step)] == [64, 26]


# ---- real processes, really killed ---------------------------------------------------------------

STEP_BY_STEP = """
import sys
from pathlib import Path

rename = Path.replace

def ask_first(self, target):
    sys.stdout.write(f"{self.name} -> {Path(target).name}\\n")
    sys.stdout.flush()
    sys.stdin.readline()
    return rename(self, target)

Path.replace = ask_first
from simemb.cli import main
sys.exit(main(sys.argv[1:]))
"""
"""Runs simemb and waits before every rename, which is the moment between writing a file and having it."""


@pytest.fixture
def words(tiny_base: Path, sentences_file: Path, tmp_path: Path) -> Callable[..., list[str]]:
    """The command of a run of 24 steps that saves after every 4."""

    def command(output: str, *more: str) -> list[str]:
        data = ["--model", str(tiny_base), "--data", str(sentences_file), "--dev", "none"]
        numbers = ["--batch-size", "8", "--epochs", "2", "--eval-every", "4", "--learning-rate", "1e-3"]
        return ["train", "simcse_mlm", *data, *numbers, "--output", str(tmp_path / output), *more]

    return command


def kill_before(moment: str, times: int, arguments: list[str], folder: Path) -> None:
    """Start a run and kill it when it is about to rename a file to `moment` for the n-th time."""
    script = folder / "step_by_step.py"
    script.write_text(STEP_BY_STEP)
    command, pipe = [sys.executable, str(script), *arguments], subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        for line in process.stdout:
            times -= line.rstrip().endswith(f"-> {moment}")
            if times == 0:
                break
            process.stdin.write("\n")
            process.stdin.flush()
    finally:
        process.kill()
        _, errors = process.communicate()
    assert times == 0, errors
    assert process.returncode == -signal.SIGKILL


def test_a_run_killed_while_it_writes_a_checkpoint_goes_on_bit_for_bit(words: Callable[..., list[str]], tmp_path: Path):
    assert main(words("whole")) == 0
    kill_before("state.safetensors", 3, words("killed"), tmp_path)
    assert main(words("killed", "--resume")) == 0
    assert_same_run(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["state.safetensors", "metrics.jsonl"])
def test_a_run_killed_again_and_again_at_the_worst_moments_goes_on_bit_for_bit(
    moment: str, words: Callable[..., list[str]], tmp_path: Path
):
    assert main(words("whole")) == 0
    kill_before("state.safetensors", 2, words("killed"), tmp_path)
    kill_before(moment, 1, words("killed", "--resume"), tmp_path)
    kill_before(moment, 1 if moment == "metrics.jsonl" else 2, words("killed", "--resume"), tmp_path)
    assert main(words("killed", "--resume")) == 0
    assert_same_run(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.slow
def test_a_run_killed_at_random_moments_goes_on_bit_for_bit(words: Callable[..., list[str]], tmp_path: Path):
    longer = ["--epochs", "30", "--eval-every", "12"]
    assert main([*words("whole"), *longer]) == 0
    dice, state = random.Random(5), tmp_path / "killed" / "last" / "state.safetensors"
    for attempt in range(5):
        resume = ["--resume"] if state.exists() else []
        overwrite = ["--overwrite"] if not resume and (tmp_path / "killed").exists() else []
        command = [sys.executable, "-m", "simemb.cli", *words("killed"), *longer, *resume, *overwrite]
        before = state.stat().st_mtime_ns if state.exists() else None
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while (state.stat().st_mtime_ns if state.exists() else None) == before and time.monotonic() < until:
            assert process.poll() is None, f"ended before attempt {attempt} to kill it"
            time.sleep(0.005)
        time.sleep(dice.uniform(0, 0.4))
        process.kill()
        process.wait()
    assert main([*words("killed"), *longer, "--resume"]) == 0
    assert_same_run(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_saves_and_ends_with_its_code(
    sent: signal.Signals, code: int, words: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    stop_after(1, monkeypatch, sent)
    assert main(words("stopped")) == code
    assert Encoder.load(tmp_path / "stopped")  # before the first evaluation, and yet it can be used
    assert (tmp_path / "stopped" / "last" / "state.safetensors").exists()


def test_ctrl_c_saves_says_how_to_go_on_and_goes_on_bit_for_bit(words: Callable[..., list[str]], tmp_path: Path):
    longer = ["--epochs", "4", "--eval-every", "40"]
    process = subprocess.Popen(
        [sys.executable, "-m", "simemb.cli", *words("stopped"), *longer], stderr=subprocess.PIPE, env={**os.environ}
    )
    metrics, until = tmp_path / "stopped" / "metrics.jsonl", time.monotonic() + 60
    while time.monotonic() < until and not (metrics.exists() and "loss" in metrics.read_text()):  # a step
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 130
    assert Encoder.load(tmp_path / "stopped")  # before the first evaluation, and yet it can be used
    assert "stopping after this step; press Ctrl-C again" in errors
    assert f"`simemb train --resume {tmp_path / 'stopped'}` goes on" in " ".join(errors.split())
    assert "Traceback" not in errors
    assert main([*words("stopped", "--resume"), *longer]) == 0
    assert main([*words("whole"), *longer]) == 0
    assert_same_run(tmp_path / "whole", tmp_path / "stopped")


def test_a_run_goes_on_where_its_files_have_moved(tmp_path: Path, tiny_base: Path, dev_file: Path):
    """The model, the data and the dev file lie elsewhere with the same bytes; other bytes are refused."""
    data, dev = tmp_path / "data.txt", tmp_path / "dev.tsv"
    data.write_text("the man sees a dog\nthe woman eats an apple\n" * 8)
    shutil.copy(dev_file, dev)
    shutil.copytree(tiny_base, tmp_path / "model")
    settings = {**SMALL, "epochs": 1}
    first = fit(recipe(**settings), tmp_path / "model", data, output=tmp_path / "run", dev=dev)
    for name in ("data.txt", "dev.tsv", "model"):
        (tmp_path / name).rename(tmp_path / f"moved-{name}")
    moved = {"model": tmp_path / "moved-model", "data": tmp_path / "moved-data.txt", "dev": tmp_path / "moved-dev.tsv"}
    again = fit(recipe(**settings), output=tmp_path / "run", resume=True, **moved)
    assert again.steps == first.steps
    moved["data"].write_text("the man sees a cat\nthe woman eats an apple\n" * 8)
    with pytest.raises(SimembError, match="cannot resume with another"):
        fit(recipe(**settings), output=tmp_path / "run", resume=True, **moved)


def test_the_files_of_a_run_have_the_permissions_of_the_umask(run: Callable[..., Any], tmp_path: Path):
    before = os.umask(0o027)
    try:
        run("simcse", tmp_path / "run", dev="none")
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert modes == {0o640}
