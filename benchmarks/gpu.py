"""Training, encoding and memory on a GPU with BERT-base shapes: simemb, sentence-transformers, a plain padded loop.

    python benchmarks/gpu.py [--rounds 3] [--only training encoding memory values]

Needs a CUDA device, but neither network nor files: a BERT-base with random weights, and random words with the lengths
of Wikipedia sentences and NLI triplets (gpu_data.py). All programs compute in bfloat16 by autocast, with fused AdamW
and clipped gradients (gpu_programs.py). A step includes everything: batch, transfer, forward, backward, update.
sentence-transformers' trainer needs the package `datasets` and is left out without it. The result goes to
benchmarks/results/gpu.json.
"""

import argparse
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from flops import training as useful
from gpu_data import CLAIM, LONG, WIKI, Task, make_ids, make_model, tasks, texts_of
from gpu_programs import make_trainer, quiet, their_trainer, train_ours, train_plain, train_theirs
from record import write
from timing import alternate

OURS, THEIRS, PLAIN = "simemb", "sentence-transformers", "padded loop"


def peak() -> float:
    """Operations per second of a large bfloat16 matrix product of random numbers."""
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
    """Milliseconds per step, ratios, share of the matrix peak, and the time of an epoch."""
    from transformers import AutoConfig

    result: dict[str, Any] = {}
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
        result[task.name] = {
            "batch": task.batch,
            "mean_tokens": sum(lengths) / len(lengths),
            "milliseconds_per_step": {name: [1e3 * t for t in times] for name, times in seconds.items()},
            "ratios": {name: median(times) / median(seconds[OURS]) for name, times in seconds.items() if name != OURS},
            "of_the_peak": {name: operations / median(times) / rate for name, times in seconds.items()},
        }
        if task.name == "unsupervised":
            result[task.name]["minutes_of_a_million_sentences"] = median(seconds[OURS]) * 15_625 / 60
    return result


def question_encoding(model: Path, folder: Path, rounds: int, rate: float) -> dict[str, Any]:  # noqa: ARG001
    """Sentences per second in bfloat16: simemb at its default, sentence-transformers at several batch sizes."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer

    from simemb.encoder.encoder import Encoder

    ours = Encoder.load(model, pooling="cls").eval().cuda()
    ours.backbone.to(torch.bfloat16)
    transformer = Transformer(str(model), max_seq_length=512)
    theirs = SentenceTransformer(modules=[transformer, Pooling(768, "cls")], device="cuda").bfloat16().eval()
    result: dict[str, Any] = {}
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
        result[name] = {
            "texts": count,
            "mean_tokens": sum(map(len, sentences)) / count,
            "texts_per_second": {program: count / median(times) for program, times in seconds.items()},
            "ratios": {p: median(times) / median(seconds[OURS]) for p, times in seconds.items() if p != OURS},
        }
    return result


def _timed(work: Callable[[], Any]) -> float:
    torch.cuda.synchronize()
    started = perf_counter()
    work()
    torch.cuda.synchronize()
    return perf_counter() - started


def question_memory(model: Path, folder: Path) -> dict[str, Any]:
    """Peak device memory of tensors in training, in MiB; batch 4,096 with gradient caching in chunks of 64."""
    result: dict[str, Any] = {}
    for batch, chunk in ((64, None), (512, None), (4096, 64)):
        task = replace(tasks(1)[0], columns=(make_ids(WIKI, batch * 4, 3),), batch=batch)
        result[f"{OURS}, batch {batch}" + (f" in chunks of {chunk}" if chunk else "")] = _peak_of(
            lambda task=task, chunk=chunk: _few_steps(task, model, folder, chunk)
        )
        if find_spec("datasets") and chunk is None:
            result[f"{THEIRS}, batch {batch}"] = _peak_of(lambda task=task: _their_few_steps(task, model, folder))
    return result


def _few_steps(task: Task, model: Path, folder: Path, chunk: int | None) -> None:
    from simemb.training.status_line import StatusLine

    trainer = make_trainer(task, model, folder, chunk=chunk)
    with trainer.batches, trainer.replays.recorded():
        for _ in range(4):
            trainer._step(StatusLine(4, shown=False))


def _their_few_steps(task: Task, model: Path, folder: Path) -> None:
    from datasets import Dataset

    texts = texts_of(task.columns[0])
    data = Dataset.from_dict({"anchor": texts, "positive": texts})
    with quiet():
        their_trainer(model, folder, data, task.batch, 4, []).train()


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
    """How far bfloat16 is from float32: vectors, and a step's gradient without dropout, by CUDA graph or not."""
    task = tasks(2)[0]
    gradients: dict[str, dict[str, torch.Tensor]] = {}
    losses: dict[str, float] = {}
    for name, precision, times in (("float32", "no", 1), ("bfloat16", "bf16", 1), ("bfloat16, recorded", "bf16", 3)):
        trainer = make_trainer(task, model, folder, precision=precision, dropout=0.0)
        (examples,) = trainer.loader.step(0)
        with trainer.replays.recorded():
            for _ in range(times):
                trainer.method.zero_grad()
                with trainer.replays.working():
                    loss, _ = trainer._backward(examples.to("cuda"), 1.0)
        losses[name] = float(loss)
        gradients[name] = {n: p.grad.clone() for n, p in trainer.method.named_parameters() if p.grad is not None}
        with torch.no_grad(), trainer.accelerator.autocast():
            trainer.method.eval()
            vectors = trainer.method.encoder(examples.chunks[0].online.to("cuda")).float()
        gradients[name]["vectors"] = vectors
    reference = gradients["float32"]
    vectors = reference.pop("vectors")
    result: dict[str, Any] = {"loss": losses}
    for name in ("bfloat16", "bfloat16, recorded"):
        other = gradients[name].pop("vectors")
        flat, exact = (torch.cat([g[n].flatten() for n in reference]) for g in (gradients[name], reference))
        result[name] = {
            "lowest_cosine_of_a_vector": float(torch.nn.functional.cosine_similarity(other, vectors).min()),
            "largest_difference_of_a_component": float((other - vectors).abs().max()),
            "cosine_of_the_gradient": float(torch.nn.functional.cosine_similarity(flat, exact, dim=0)),
            "relative_difference_of_the_gradient": float((flat - exact).norm() / exact.norm()),
        }
    one, other = gradients["bfloat16"], gradients["bfloat16, recorded"]
    result["recording_changes_no_bit"] = all(torch.equal(one[name], other[name]) for name in one)
    return result


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=["values", "training", "encoding", "memory"])
    options = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("there is no CUDA device here")
    warnings.simplefilter("ignore")
    result: dict[str, Any] = {"device": torch.cuda.get_device_name()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = make_model(folder / "model")
        result["peak_tflops"] = peak() / 1e12
        for part in options.only:
            started = perf_counter()
            if part in ("training", "encoding"):
                ask = {"training": question_training, "encoding": question_encoding}[part]
                result[part] = ask(model, folder, options.rounds, 1e12 * result["peak_tflops"])
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
