"""Three programs that train the same model on the same sentences: simemb, sentence-transformers, a plain padded loop.

All of them use [CLS] pooling with a fresh dense layer and tanh on top, in-batch negatives at temperature 0.05, AdamW,
gradient norm 1, linear decay, the dropout of the model's configuration, and float32; simemb and sentence-transformers
also in mixed precision with bfloat16.
"""

import shutil
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from models import network
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook

Row = tuple[str, ...]


@dataclass(frozen=True)
class Job:
    """What a program trains on: rows of one sentence (its own positive) or of three, in steps of `batch` rows."""

    model: Path
    rows: Sequence[Row]
    batch: int
    length: int
    rate: float
    folder: Path

    @property
    def steps(self) -> int:
        """One pass over the rows."""
        return len(self.rows) // self.batch


@contextmanager
def optimizer_steps() -> Generator[list[float], None, None]:
    """The times at which the optimizer steps of any trainer end; on a CPU no work is pending then."""
    ends: list[float] = []
    handle = register_optimizer_step_post_hook(lambda *_: ends.append(perf_counter()))
    try:
        yield ends
    finally:
        handle.remove()


def seconds_per_step(train: Callable[[Job], None], job: Job, warm_up: int) -> float:
    """Mean seconds from the end of one step to that of the next, without the first `warm_up` steps."""
    with optimizer_steps() as ends:
        train(job)
    if len(ends) != job.steps:
        raise SystemExit(f"{train.__name__}: {len(ends)} steps instead of {job.steps}; nothing is recorded")
    return (ends[-1] - ends[warm_up - 1]) / (job.steps - warm_up)


def simemb(job: Job, chunk: int | None = None, precision: Any = "no") -> None:
    """`simemb.fit` with the recipe simcse or simcse_sup; `chunk`: examples per chunk of gradient caching."""
    from simemb import fit
    from simemb.method.recipe_files import find
    from simemb.transformer import malloc

    supervised = len(job.rows[0]) == 3
    recipe = replace(
        find("simcse_sup" if supervised else "simcse"),
        batch_size=job.batch,
        max_length=job.length,
        learning_rate=job.rate,
        epochs=1,
        eval_every=job.steps + 1,
        chunk=chunk,
    )
    # as `simemb train` does, which owns its process too
    malloc.give_back() if chunk else malloc.keep()
    data: Any = list(job.rows) if supervised else [row[0] for row in job.rows]
    output = job.folder / "simemb"
    fit(recipe, str(job.model), data, output=output, dev="none", progress=False, precision=precision)
    shutil.rmtree(job.folder / "simemb")


def simemb_bf16(job: Job) -> None:
    """`simemb` with bfloat16."""
    simemb(job, precision="bf16")


def sentence_transformers_bf16(job: Job) -> None:
    """`sentence_transformers` with bfloat16."""
    sentence_transformers(job, bf16=True)


def sentence_transformers(job: Job, chunk: int | None = None, *, bf16: bool = False) -> None:
    """`SentenceTransformerTrainer` with MultipleNegativesRankingLoss, its default optimizer and clipping.

    chunk: use CachedMultipleNegativesRankingLoss instead, in mini-batches of this size.
    """
    from datasets import Dataset
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.sentence_transformer.losses import (
        CachedMultipleNegativesRankingLoss,
        MultipleNegativesRankingLoss,
    )
    from sentence_transformers.sentence_transformer.modules import Dense, Pooling, Transformer

    transformer = Transformer(str(job.model), max_seq_length=job.length)
    dim = transformer.get_embedding_dimension()
    head = Dense(dim, dim, activation_function=nn.Tanh())
    encoder = SentenceTransformer(modules=[transformer, Pooling(dim, "cls"), head], device="cpu")
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(job.folder / "sentence-transformers"),
        per_device_train_batch_size=job.batch,
        max_steps=job.steps,
        learning_rate=job.rate,
        report_to="none",
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        use_cpu=True,
        bf16=bf16,
    )
    loss = MultipleNegativesRankingLoss(encoder, scale=20.0)
    if chunk is not None:
        loss = CachedMultipleNegativesRankingLoss(encoder, scale=20.0, mini_batch_size=chunk)
    data = Dataset.from_dict(_columns(job.rows))
    SentenceTransformerTrainer(model=encoder, args=arguments, train_dataset=data, loss=loss).train()


def _columns(rows: Sequence[Row]) -> dict[str, list[str]]:
    sides = [list(side) for side in zip(*rows, strict=True)]
    return dict(zip(("anchor", "positive", "negative"), sides * 2 if len(sides) == 1 else sides, strict=False))


def padded_loop(job: Job) -> None:
    """A step like that of princeton-nlp/SimCSE, on a current transformers.

    Texts are tokenized once, in advance. All views of a batch are stacked into one rectangle of batch * views rows,
    padded to the longest, and go through the network in one forward pass; torch's AdamW with its defaults.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(job.model)
    backbone = network(job.model).train()
    head = nn.Sequential(nn.Linear(backbone.config.hidden_size, backbone.config.hidden_size), nn.Tanh())
    parameters = [*backbone.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=job.rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / job.steps)
    for batch in _padded_batches(job, tokenizer):
        views = len(batch["input_ids"]) // job.batch
        vectors = head(backbone(**batch).last_hidden_state[:, 0]).unflatten(0, (job.batch, views))
        loss = _contrast(vectors)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        loss.item()  # SimCSE's trainer sums the losses


def _padded_batches(job: Job, tokenizer: Any) -> Iterator[dict[str, torch.Tensor]]:
    views = [row * 2 if len(row) == 1 else row for row in job.rows]
    encoded = tokenizer([text for row in views for text in row], truncation=True, max_length=job.length)["input_ids"]
    width = len(views[0])
    features = [encoded[place : place + width] for place in range(0, len(encoded), width)]

    def collate(rows: list[list[list[int]]]) -> dict[str, torch.Tensor]:
        flat = [{"input_ids": ids} for row in rows for ids in row]
        return dict(tokenizer.pad(flat, padding=True, return_tensors="pt"))

    generator = torch.Generator().manual_seed(1)
    yield from torch.utils.data.DataLoader(
        features,  # pyright: ignore[reportArgumentType]
        batch_size=job.batch,
        shuffle=True,
        drop_last=True,
        collate_fn=collate,
        generator=generator,
    )


def _contrast(vectors: torch.Tensor) -> torch.Tensor:
    """InfoNCE of [batch, views, dim]: the first views against all second ones and all hard negatives."""
    unit = torch.nn.functional.normalize(vectors, dim=-1)
    scores = unit[:, 0] @ unit[:, 1:].transpose(0, 1).flatten(0, 1).T / 0.05
    return torch.nn.functional.cross_entropy(scores, torch.arange(len(scores)))
