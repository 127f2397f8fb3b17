"""Padding to few sizes, and, on a GPU, that recordings and fused layers change nothing."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simemb.corpus.rows import open_rows
from simemb.encoder.encoder import Encoder
from simemb.errors import TrainingError
from simemb.method.memory import Queue
from simemb.method.recipe import Recipe
from simemb.method.recipe_files import find
from simemb.method.targets import EMA
from simemb.training.cuda_graphs import Graphs, Size, able, working
from simemb.training.dataset import load_training_data
from simemb.training.plan import Plan
from simemb.training.run_directory import RunDirectory, Settings
from simemb.training.status_line import StatusLine
from simemb.training.trainer import Trainer
from simemb.transformer import cuda_stack
from simemb.transformer.batch import Batch

on_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


# ---- sizes ---------------------------------------------------------------------------------------


def batch_of(lengths: list[int]) -> Batch:
    return Batch.collate(
        [[(7 * row + place) % 50 + 1 for place in range(length)] for row, length in enumerate(lengths)]
    )


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 128), min_size=1, max_size=300))
def test_a_padded_batch_begins_with_the_real_one_and_its_dummies_are_short(lengths: list[int]):
    batch = batch_of(lengths)
    size = Size.of(batch)
    room = size.fill(batch, size.empty(torch.device("cpu")))
    assert torch.equal(room.ids[: len(batch.ids)], batch.ids)
    assert torch.equal(room.positions[: len(batch.ids)], batch.positions)
    assert torch.equal(room.starts[: len(batch) + 1], batch.starts)
    assert len(room.ids) == size.tokens == room.starts[-1]
    assert len(room) == size.sentences == len(room.starts) - 1
    dummies = room.starts[len(batch) :].diff()
    assert dummies.min() >= 1
    assert dummies.max() <= size.longest
    assert max(lengths) <= size.longest <= max(16, 2 * max(lengths))


def test_a_room_that_held_a_longer_batch_takes_a_shorter_one():
    longer, shorter = batch_of([30] * 20), batch_of([20] * 15 + [30] * 5)
    size = Size.of(longer)
    room = size.fill(shorter, size.fill(longer, size.empty(torch.device("cpu"))))
    assert room.starts[20] == len(shorter.ids)
    assert int(room.starts.diff().min()) >= 1


def test_what_follows_from_the_starts_of_a_room_follows_when_it_is_filled_anew():
    first, second = batch_of([3, 5, 9]), batch_of([4, 6, 7])
    size = Size.of(first)
    room = size.fill(first, size.empty(torch.device("cpu")))
    assert room.firsts[:3].tolist() == first.firsts.tolist()
    assert size.fill(second, room).firsts[:3].tolist() == second.firsts.tolist()
    assert not room.ids[len(second.ids) :].any()


def test_batches_of_one_epoch_have_few_sizes():
    generator = torch.Generator().manual_seed(0)
    drawn = [torch.randint(9, 33, (128,), generator=generator).tolist() for _ in range(200)]
    assert len({Size.of(batch_of(lengths)) for lengths in drawn}) <= 4


# ---- on a GPU ------------------------------------------------------------------------------------

SETTINGS = Settings("m", "f", "cls", "d", ("sentence",), "none", "spearman", 1, "bf16")
SMALL = {"batch_size": 16, "learning_rate": 1e-3, "eval_every": 1000, "epochs": 4}
RECIPES: dict[str, dict[str, Any]] = {
    "plain": {},
    "accumulated": {"accumulate": 2},
    "in chunks": {"chunk": 6},
    "slow copy and queue": {"target": EMA(momentum=0.9), "memory": Queue(size=40)},
    "mean pooling": {"pooling": "mean"},
    "two layers": {"pooling": "first_last"},
}


@pytest.fixture
def make(tiny_base: Path, sentences_file: Path, tmp_path: Path) -> Callable[..., Trainer]:
    """A trainer on the GPU."""

    def made(name: str = "simcse", precision: str = "bf16", **fields: Any) -> Trainer:
        ours: Recipe = replace(find(name), **{**SMALL, **fields})
        encoder = Encoder.load(tiny_base, pooling=ours.pooling)
        material = load_training_data(ours, open_rows(sentences_file), encoder, None, progress=False)
        run = RunDirectory(tmp_path / str(len(list(tmp_path.iterdir()))))
        settings = replace(SETTINGS, precision=precision)
        trainer = Trainer(Plan(ours, encoder, material, run, settings))
        trainer.directory.claim({}, resume=False)
        return trainer

    return made


@contextmanager
def running(trainer: Trainer) -> Generator[Callable[[int], None], None, None]:
    def steps(count: int) -> None:
        for _ in range(count):
            trainer._step(StatusLine(99, shown=False))

    with trainer.batches, trainer.replays.recorded():
        yield steps


def weights(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in trainer.method.state_dict().items()}


@on_gpu
@pytest.mark.parametrize("fields", RECIPES.values(), ids=RECIPES.keys())
def test_a_run_that_was_stopped_goes_on_bit_for_bit_on_a_gpu(fields: dict[str, Any], make: Callable[..., Trainer]):
    whole = make(**fields)
    with running(whole) as steps:
        steps(12)
    stopped = make(**fields)
    with running(stopped) as steps:
        steps(7)
    stopped._read()
    stopped._save()
    again = make(**fields)
    again.directory = stopped.directory
    again._resume()
    with running(again) as steps:
        steps(5)
    for name, tensor in weights(whole).items():
        assert torch.equal(tensor, weights(again)[name]), name


@on_gpu
@pytest.mark.parametrize("fields", RECIPES.values(), ids=RECIPES.keys())
def test_without_dropout_recordings_and_fused_layers_give_the_gradient_of_the_plain_ones(
    fields: dict[str, Any], make: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
):
    def gradient(trainer: Trainer, times: int) -> torch.Tensor:
        batches = trainer.loader.step(0)
        with trainer.replays.recorded():
            for _ in range(times):
                trainer.method.zero_grad()
                trainer._gradients(batches)
        found = [p.grad.flatten().float() for p in trainer.method.parameters() if p.grad is not None]
        return torch.cat(found)

    fields = {**fields, "memory": None, "target": None, "dropout": 0.0}
    recorded = gradient(make(**fields), 4)
    once = gradient(make(**fields), 1)
    with monkeypatch.context() as patch:
        patch.setattr(cuda_stack, "PLAIN", True)
        plain = gradient(make(precision="no", **fields), 1)
    assert torch.equal(recorded, once)
    assert torch.nn.functional.cosine_similarity(recorded, plain, dim=0) > 0.995


@on_gpu
def test_a_loss_that_is_not_finite_is_noticed_before_anything_is_saved(make: Callable[..., Trainer]):
    trainer = make()
    with running(trainer) as steps:
        steps(3)
        with torch.no_grad():
            next(trainer.method.encoder.backbone.parameters()).fill_(float("nan"))
        with pytest.raises(TrainingError, match="at step 4; nothing was saved"):
            steps(8)


@on_gpu
def test_another_seed_draws_other_masks_from_the_same_recording(make: Callable[..., Trainer]):
    trainer = make()
    encoder = trainer.method.encoder
    batch = trainer.loader.step(0)[0].chunks[0].online.to("cuda")
    graphs = Graphs(encoder)
    assert able(encoder)

    def vectors(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        with torch.autocast("cuda", torch.bfloat16), working([graphs]):
            return encoder(batch).detach().clone()

    first = vectors(1)
    assert graphs._recordings == {}
    found = [vectors(seed) for seed in (1, 1, 2)]
    assert len(graphs._recordings) == 1
    assert torch.equal(first, found[0])
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
    graphs.close()
