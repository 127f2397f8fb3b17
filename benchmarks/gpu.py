"""Training, encoding and memory on a GPU with BERT-base shapes, beside sentence-transformers and a plain padded loop.

    python benchmarks/gpu.py [--rounds 3] [--only training encoding memory values]

Needs a CUDA device and neither network nor files: a BERT-base with random weights, random words with the lengths of
Wikipedia sentences and NLI triplets (histograms below, in word pieces, cut to 32), all programs in bfloat16 by autocast
with fused AdamW, gradients clipped. A step counts with everything in it: batch, transfer, forward, backward, update.
sentence-transformers' trainer needs the package `datasets`; without it that column is left out. The result goes to
benchmarks/results/gpu.json.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
from flops import training as useful
from record import write
from timing import alternate

# Sentences of so many word pieces, [CLS] and [SEP] included, from 0 on: of 20,000 of Wikipedia, and of the columns of
# 20,000 NLI triplets (anchor, positive), cut to 32.
WIKI = [0] * 9 + [35, 91, 143, 176, 255, 323, 366, 393, 449, 543, 607, 600, 632, 641, 712, 704, 643, 647, 674, 680]
WIKI += [655, 657, 645, 8729]
ANCHOR = [0, 0, 0, 0, 5, 28, 50, 96, 165, 345, 440, 559, 651, 712, 741, 725, 718, 761, 706, 686, 675, 736, 697, 715]
ANCHOR += [650, 605, 650, 579, 505, 485, 478, 467, 5370]
CLAIM = [0, 0, 0, 0, 21, 99, 332, 953, 1257, 1776, 1897, 1783, 1730, 1569, 1469, 1265, 1094, 883, 725, 630, 497, 410]
CLAIM += [309, 259, 200, 162, 123, 92, 89, 60, 47, 46, 223]
LONG = [0] * 100 + [1] * 300
"""Abstracts: 100 to 399 word pieces."""

VOCABULARY = 30522
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LENGTH, WARM_UP = 32, 24
OURS, THEIRS, PLAIN = "simemb", "sentence-transformers", "padded loop"


# ---- the model and the data ------------------------------------------------------------------------------


def make_model(folder: Path) -> Path:
    """A BERT-base with random weights and a tokenizer of whole words, as transformers saves them."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    words = [*SPECIAL, *(f"w{number}" for number in range(len(SPECIAL), VOCABULARY))]
    tokenizer = Tokenizer(models.WordLevel({word: row for row, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIAL, strict=True))
    torch.manual_seed(0)
    BertModel(BertConfig(), add_pooling_layer=False).save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=512, **names).save_pretrained(folder)
    return folder


def make_ids(histogram: Sequence[int], count: int, seed: int) -> list[list[int]]:
    """Random words between [CLS] and [SEP]."""
    dice = random.Random(seed)
    lengths = dice.choices(range(len(histogram)), weights=histogram, k=count)
    return [[2, *(dice.randrange(5, VOCABULARY) for _ in range(length - 2)), 3] for length in lengths]


def texts_of(sentences: list[list[int]]) -> list[str]:
    """The words of token ids."""
    return [" ".join(f"w{number}" for number in sentence[1:-1]) for sentence in sentences]


@dataclass(frozen=True)
class Table:
    """Token ids by column, in memory, as simemb's token table hands them out."""

    columns: tuple[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]], ...]

    @classmethod
    def of(cls, columns: Sequence[list[list[int]]]) -> "Table":
        """Ids end to end, and where each row begins."""
        return cls(
            tuple(
                (np.array([0, *accumulate(map(len, rows))]), np.array([n for row in rows for n in row], np.int32))
                for rows in columns
            )
        )

    def __len__(self) -> int:
        return len(self.columns[0][0]) - 1

    def ids(self, column: int, rows: Sequence[int]) -> list[np.ndarray[Any, np.dtype[np.int32]]]:
        """Of some rows."""
        starts, values = self.columns[column]
        return [values[starts[row] : starts[row + 1]] for row in rows]


@dataclass(frozen=True)
class Task:
    """What is trained on: columns of token ids, and examples in a batch."""

    name: str
    columns: tuple[list[list[int]], ...]
    batch: int

    @property
    def views(self) -> tuple[list[list[int]], ...]:
        """The sentences that go through the network together: one column is seen twice."""
        return self.columns * 2 if len(self.columns) == 1 else self.columns


def tasks(steps: int) -> list[Task]:
    """Unsupervised SimCSE on Wikipedia, and supervised on NLI triplets."""
    triplets = tuple(make_ids(histogram, 128 * steps, seed) for seed, histogram in enumerate((ANCHOR, CLAIM, CLAIM)))
    return [
        Task("unsupervised", (make_ids(WIKI, 64 * steps, 7),), 64),
        Task("triplets", triplets, 128),
    ]


def recipe(task: Task, **fields: Any) -> Any:
    """SimCSE's, with the numbers of its papers."""
    from simemb import InfoNCE, Projector, Recipe, View

    views = (View(target=False), View(online=False))
    if len(task.columns) == 3:
        views = (View(target=False), View(column=1, online=False), View(column=2, online=False, negative=True))
    head = Projector(activation="tanh", keep=False)
    numbers = {"batch_size": task.batch, "max_length": LENGTH, "learning_rate": 3e-5, "eval_every": 1_000_000}
    return Recipe(**{"views": views, "head": head, "objective": InfoNCE(temperature=0.05), **numbers, **fields})


# ---- three programs that train ---------------------------------------------------------------------------


def make_trainer(task: Task, model: Path, folder: Path, *, precision: str = "bf16", **fields: Any) -> Any:
    """simemb's trainer on tokens in memory."""
    from simemb.encoder.encoder import Encoder
    from simemb.method.method import Method
    from simemb.training.dataset import Material, Reading
    from simemb.training.run_directory import Run, Settings
    from simemb.training.trainer import Trainer

    ours = recipe(task, **fields)
    columns = tuple(f"column_{number}" for number in range(len(task.columns)))
    settings = Settings(str(model), "", "cls", task.name, columns, "none", "spearman", 1, precision)
    material = Material(Reading(Table.of(task.columns)))
    method = Method(ours, Encoder.load(model, pooling="cls"), columns=len(columns), seed=1)
    trainer = Trainer(method, material, None, Run(folder / f"run-{perf_counter()}"), settings, progress=False)
    trainer.run.claim({}, resume=False)
    return trainer


def train_ours(task: Task, model: Path, folder: Path, steps: int) -> float:
    """Seconds of a step of simemb's loop, without evaluation and saving."""
    from simemb.training.status_line import LiveLine

    trainer = make_trainer(task, model, folder)
    line = LiveLine(steps, shown=False)
    with trainer.batches, trainer._recorded():
        return _per_step(lambda: trainer._step(line), steps)


def train_plain(task: Task, model: Path, folder: Path, steps: int) -> float:  # noqa: ARG001
    """Seconds of a step of SimCSE's own loop on transformers: all views in one padded forward pass."""
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
    """Seconds of a step of `SentenceTransformerTrainer`, with four workers that prepare its batches."""
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
    trainer = _their_trainer(model, folder, data, task.batch, steps, [Clock()])
    with _quiet():
        trainer.train()
    torch.cuda.synchronize()
    return (perf_counter() - ends[WARM_UP - 1]) / (len(ends) - WARM_UP)


def _their_trainer(model: Path, folder: Path, data: Any, batch: int, steps: int, callbacks: list[Any]) -> Any:
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
def _quiet() -> Iterator[None]:
    """Their trainer prints a line at the end."""
    with Path(os.devnull).open("w") as nowhere:
        kept, sys.stdout = sys.stdout, nowhere
        try:
            yield
        finally:
            sys.stdout = kept


# ---- the questions ---------------------------------------------------------------------------------------


def peak() -> float:
    """Operations a second of a large bfloat16 product of random numbers."""
    a, b = (torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    times: list[float] = []
    for _ in range(20):
        torch.cuda.synchronize()
        started = perf_counter()
        a @ b
        torch.cuda.synchronize()
        times.append(perf_counter() - started)
    return 2 * 8192**3 / median(times)


def question_training(model: Path, folder: Path, rounds: int, rate: float) -> dict[str, Any]:
    """Milliseconds of a step, ratios, share of the matrix peak, and the time of an epoch."""
    from transformers import AutoConfig

    found: dict[str, Any] = {}
    config = AutoConfig.from_pretrained(model)
    for task in tasks(600):
        programs = {
            OURS: lambda task=task: train_ours(task, model, folder, 600),
            PLAIN: lambda task=task: train_plain(task, model, folder, 150),
        }
        if find_spec("datasets"):
            programs[THEIRS] = lambda task=task: train_theirs(task, model, folder, 110)
        seconds = alternate(programs, rounds)
        lengths = [len(ids) for view in task.views for ids in view]
        operations = useful(config, lengths) / (len(lengths) / len(task.views) / task.batch)
        found[task.name] = {
            "batch": task.batch,
            "mean_tokens": sum(lengths) / len(lengths),
            "milliseconds_per_step": {name: [1e3 * t for t in times] for name, times in seconds.items()},
            "ratios": {name: median(times) / median(seconds[OURS]) for name, times in seconds.items() if name != OURS},
            "of_the_peak": {name: operations / median(times) / rate for name, times in seconds.items()},
        }
        if task.name == "unsupervised":
            found[task.name]["minutes_of_a_million_sentences"] = median(seconds[OURS]) * 15_625 / 60
    return found


def question_encoding(model: Path, folder: Path, rounds: int, rate: float) -> dict[str, Any]:  # noqa: ARG001
    """Sentences a second from text, all in bfloat16: simemb at its default, sentence-transformers at several sizes."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer

    from simemb.encoder.encoder import Encoder

    ours = Encoder.load(model, pooling="cls").eval().cuda()
    ours.backbone.to(torch.bfloat16)
    transformer = Transformer(str(model), max_seq_length=512)
    theirs = SentenceTransformer(modules=[transformer, Pooling(768, "cls")], device="cuda").bfloat16().eval()
    found: dict[str, Any] = {}
    for name, histogram, count in (("short", CLAIM, 20_000), ("medium", WIKI, 20_000), ("long", LONG, 4_000)):
        sentences = make_ids(histogram, count, 11)
        texts = texts_of(sentences)
        programs = {OURS: lambda texts=texts: _timed(lambda: ours.encode(texts, progress=False))}
        for size in (32, 256, 1024):
            programs[f"{THEIRS}, batch {size}"] = lambda texts=texts, size=size: _timed(
                lambda: theirs.encode(texts, batch_size=size, show_progress_bar=False)
            )
        for program in programs.values():
            program()
        seconds = alternate(programs, rounds)
        found[name] = {
            "texts": count,
            "mean_tokens": sum(map(len, sentences)) / count,
            "texts_per_second": {program: count / median(times) for program, times in seconds.items()},
            "ratios": {p: median(times) / median(seconds[OURS]) for p, times in seconds.items() if p != OURS},
        }
    return found


def _timed(work: Callable[[], Any]) -> float:
    torch.cuda.synchronize()
    started = perf_counter()
    work()
    torch.cuda.synchronize()
    return perf_counter() - started


def question_memory(model: Path, folder: Path) -> dict[str, Any]:
    """Peak MiB of device memory that tensors took, in training; 4,096 with gradient caching in chunks of 64."""
    found: dict[str, Any] = {}
    for batch, chunk in ((64, None), (512, None), (4096, 64)):
        task = replace(tasks(1)[0], columns=(make_ids(WIKI, batch * 4, 3),), batch=batch)
        found[f"{OURS}, batch {batch}" + (f" in chunks of {chunk}" if chunk else "")] = _peak_of(
            lambda task=task, chunk=chunk: _few_steps(task, model, folder, chunk)
        )
        if find_spec("datasets") and chunk is None:
            found[f"{THEIRS}, batch {batch}"] = _peak_of(lambda task=task: _their_few_steps(task, model, folder))
    return found


def _few_steps(task: Task, model: Path, folder: Path, chunk: int | None) -> None:
    from simemb.training.status_line import LiveLine

    trainer = make_trainer(task, model, folder, chunk=chunk)
    with trainer.batches, trainer._recorded():
        for _ in range(4):
            trainer._step(LiveLine(4, shown=False))


def _their_few_steps(task: Task, model: Path, folder: Path) -> None:
    from datasets import Dataset

    texts = texts_of(task.columns[0])
    data = Dataset.from_dict({"anchor": texts, "positive": texts})
    with _quiet():
        _their_trainer(model, folder, data, task.batch, 4, []).train()


def _peak_of(work: Callable[[], None]) -> float:
    import gc

    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    work()
    torch.cuda.synchronize()
    return (torch.cuda.max_memory_allocated() - before) / 2**20


def question_values(model: Path, folder: Path) -> dict[str, Any]:
    """How far bfloat16 is from float32: vectors, and the gradient of a step without dropout, by graph and without."""
    task = tasks(2)[0]
    gradients: dict[str, dict[str, torch.Tensor]] = {}
    losses: dict[str, float] = {}
    for name, precision, times in (("float32", "no", 1), ("bfloat16", "bf16", 1), ("bfloat16, recorded", "bf16", 3)):
        trainer = make_trainer(task, model, folder, precision=precision, dropout=0.0)
        (examples,) = trainer.loader.step(0)
        with trainer._recorded():
            for _ in range(times):
                trainer.method.zero_grad()
                with trainer._replaying():
                    loss, _ = trainer._backward(examples.to("cuda"), 1.0)
        losses[name] = float(loss)
        gradients[name] = {n: p.grad.clone() for n, p in trainer.method.named_parameters() if p.grad is not None}
        with torch.no_grad(), trainer.accelerator.autocast():
            trainer.method.eval()
            vectors = trainer.method.encoder(examples.chunks[0].online.to("cuda")).float()
        gradients[name]["vectors"] = vectors
    reference = gradients["float32"]
    vectors = reference.pop("vectors")
    found: dict[str, Any] = {"loss": losses}
    for name in ("bfloat16", "bfloat16, recorded"):
        other = gradients[name].pop("vectors")
        flat, exact = (torch.cat([g[n].flatten() for n in reference]) for g in (gradients[name], reference))
        found[name] = {
            "lowest_cosine_of_a_vector": float(torch.nn.functional.cosine_similarity(other, vectors).min()),
            "largest_difference_of_a_component": float((other - vectors).abs().max()),
            "cosine_of_the_gradient": float(torch.nn.functional.cosine_similarity(flat, exact, dim=0)),
            "relative_difference_of_the_gradient": float((flat - exact).norm() / exact.norm()),
        }
    one, other = gradients["bfloat16"], gradients["bfloat16, recorded"]
    found["recording_changes_no_bit"] = all(torch.equal(one[name], other[name]) for name in one)
    return found


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=["values", "training", "encoding", "memory"])
    chosen = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("there is no CUDA device here")
    warnings.simplefilter("ignore")
    result: dict[str, Any] = {"device": torch.cuda.get_device_name()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = make_model(folder / "model")
        result["peak_tflops"] = peak() / 1e12
        for part in chosen.only:
            started = perf_counter()
            if part in ("training", "encoding"):
                ask = {"training": question_training, "encoding": question_encoding}[part]
                result[part] = ask(model, folder, chosen.rounds, 1e12 * result["peak_tflops"])
            else:
                result[part] = {"memory": question_memory, "values": question_values}[part](model, folder)
            print(f"{part}, {perf_counter() - started:.0f} s: {json.dumps(result[part])}", flush=True)
    training = result.get("training", {}).get("unsupervised")
    if training:
        step = median(training["milliseconds_per_step"][OURS])
        result["what"] = f"unsupervised SimCSE, BERT-base, batch 64, 32 tokens, bfloat16: {step:.1f} ms a step"
        peer = THEIRS if THEIRS in training["ratios"] else PLAIN
        result |= {"ratio": training["ratios"][peer], "peer": f"{peer} on one {result['device']}"}
    write("gpu", result)


if __name__ == "__main__":
    main()
