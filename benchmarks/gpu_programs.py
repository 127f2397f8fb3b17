"""The programs that gpu.py trains with: simemb, sentence-transformers' trainer, and a plain padded loop."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from gpu_data import Table, Task, texts_of

LENGTH, WARM_UP = 32, 24


def recipe(task: Task, **fields: Any) -> Any:
    """The recipe of SimCSE with the paper's numbers."""
    from simemb import InfoNCE, Projector, Recipe, View

    views = (View(target=False), View(online=False))
    if len(task.columns) == 3:
        views = (View(target=False), View(column=1, online=False), View(column=2, online=False, negative=True))
    head = Projector(activation="tanh", keep=False)
    numbers = {"batch_size": task.batch, "max_length": LENGTH, "learning_rate": 3e-5, "eval_every": 1_000_000}
    return Recipe(**{"views": views, "head": head, "objective": InfoNCE(temperature=0.05), **numbers, **fields})


def make_trainer(task: Task, model: Path, folder: Path, *, precision: str = "bf16", **fields: Any) -> Any:
    """simemb's trainer on token ids in memory."""
    from simemb.encoder.encoder import Encoder
    from simemb.training.dataset import TokenizedTexts, TrainingData
    from simemb.training.plan import Plan
    from simemb.training.run_directory import RunDirectory, Settings
    from simemb.training.trainer import Trainer

    ours = recipe(task, **fields)
    columns = tuple(f"column_{number}" for number in range(len(task.columns)))
    settings = Settings(str(model), "", "cls", task.name, columns, "none", "spearman", 1, precision)
    material = TrainingData(TokenizedTexts(Table.of(task.columns)))
    encoder = Encoder.load(model, pooling="cls")
    assert isinstance(encoder, Encoder)
    directory = RunDirectory(folder / f"run-{perf_counter()}")
    trainer = Trainer(Plan(ours, encoder, material, directory, settings, progress=False))
    trainer.directory.claim({}, resume=False)
    return trainer


def train_ours(task: Task, model: Path, folder: Path, steps: int) -> float:
    """Seconds per step of simemb's loop, without evaluation and saving."""
    from simemb.training.status_line import StatusLine

    trainer = make_trainer(task, model, folder)
    line = StatusLine(steps, shown=False)
    with trainer.batches, trainer.replays.recorded():
        return _per_step(lambda: trainer._step(line), steps)


def train_plain(task: Task, model: Path, folder: Path, steps: int) -> float:  # noqa: ARG001
    """Seconds per step of the padded loop: all views in one rectangle and one forward pass, as SimCSE's code does."""
    from torch.nn.functional import cosine_similarity, cross_entropy
    from transformers import AutoModel

    network = AutoModel.from_pretrained(model, add_pooling_layer=False).cuda().train()
    head = torch.nn.Linear(768, 768).cuda()
    parameters = [*network.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=3e-5, weight_decay=0.0, fused=True)
    numbers = iter(range(steps))

    def step() -> None:
        first = next(numbers) * task.batch
        sentences = [ids for view in task.views for ids in view[first : first + task.batch]]
        ids, mask = (tensor.pin_memory().cuda(non_blocking=True) for tensor in _padded(sentences))
        with torch.autocast("cuda", torch.bfloat16):
            tokens = network(input_ids=ids, attention_mask=mask).last_hidden_state
            query, *keys = torch.tanh(head(tokens[:, 0])).float().chunk(len(task.views))
        scores = cosine_similarity(query[:, None], torch.cat(keys)[None], dim=-1) / 0.05
        loss = cross_entropy(scores, torch.arange(len(query), device="cuda"))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return _per_step(step, steps)


def _padded(sentences: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.zeros(len(sentences), max(map(len, sentences)), dtype=torch.int64)
    for row, sentence in enumerate(sentences):
        ids[row, : len(sentence)] = torch.tensor(sentence)
    return ids, (ids != 0).long()


def _per_step(step: Callable[[], None], steps: int) -> float:
    for _ in range(WARM_UP):
        step()
    torch.cuda.synchronize()
    started = perf_counter()
    for _ in range(steps - WARM_UP):
        step()
    torch.cuda.synchronize()
    return (perf_counter() - started) / (steps - WARM_UP)


def train_theirs(task: Task, model: Path, folder: Path, steps: int) -> float:
    """Seconds per step of `SentenceTransformerTrainer`, with four workers that prepare batches."""
    from datasets import Dataset
    from transformers import TrainerCallback

    ends: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002
            if len(ends) == WARM_UP - 1:
                torch.cuda.synchronize()
            ends.append(perf_counter())

    columns = [texts_of(view[: task.batch * steps]) for view in task.views]
    data = Dataset.from_dict(dict(zip(("anchor", "positive", "negative"), columns, strict=False)))
    trainer = their_trainer(model, folder, data, task.batch, steps, [Clock()])
    with quiet():
        trainer.train()
    torch.cuda.synchronize()
    return (perf_counter() - ends[WARM_UP - 1]) / (len(ends) - WARM_UP)


def their_trainer(model: Path, folder: Path, data: Any, batch: int, steps: int, callbacks: list[Any]) -> Any:
    """`SentenceTransformerTrainer` with MultipleNegativesRankingLoss, in bfloat16."""
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.losses import MultipleNegativesRankingLoss
    from sentence_transformers.models import Pooling, Transformer

    transformer = Transformer(str(model), max_seq_length=LENGTH)
    encoder = SentenceTransformer(modules=[transformer, Pooling(768, "cls")])
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(folder / "theirs"),
        per_device_train_batch_size=batch,
        max_steps=steps,
        learning_rate=3e-5,
        bf16=True,
        optim="adamw_torch_fused",
        dataloader_num_workers=4,
        report_to="none",
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
    )
    loss = MultipleNegativesRankingLoss(encoder, scale=20.0)
    return SentenceTransformerTrainer(model=encoder, args=arguments, train_dataset=data, loss=loss, callbacks=callbacks)


@contextmanager
def quiet() -> Iterator[None]:
    """Hide standard output: sentence-transformers' trainer prints a line at the end."""
    with Path(os.devnull).open("w") as nowhere:
        standard_output, sys.stdout = sys.stdout, nowhere
        try:
            yield
        finally:
            sys.stdout = standard_output
