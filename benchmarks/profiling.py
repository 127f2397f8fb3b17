"""Where does the time of a training step, and of encoding, go, and how near is it to the limit?

    python benchmarks/profiling.py PATH/minilm-l4-mlm [--models base 12x768]

A step of unsupervised SimCSE (64 sentences of Wikipedia twice, 32 tokens, [CLS]) in float32 and with bfloat16, and
encoding of short, medium and long texts (mean pooling, 256 tokens) in float32, bfloat16 and int8. The profiler gives
the share of each group of operators in the whole time, which includes tokenizing and Python. `floor` is the time that
the useful operations (flops.py) take at the highest rate of a matrix product in that precision at the model's shapes,
as a share of the whole time: what is left above it could at most be saved. Results: benchmarks/results/profiling.json,
table in docs/speed.md (see speed_tables.py).
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch
from encoding import LONGEST, enough
from flops import forward, matrix_peak, training
from models import arguments, configuration, directories, lengths, prepare
from record import add
from speed_tables import write_page
from texts import KINDS, wiki
from torch.nn.functional import cross_entropy, normalize
from torch.profiler import profile

GROUPS: Mapping[str, tuple[str, ...]] = {
    "products": ("_linear_pointwise", "aten::mm", "aten::addmm", "qlinear_pointwise"),
    "attention": ("bmm", "baddbmm", "softmax", "exp", "scaled_dot_product", "masked_fill", "aten::div_", "aten::sum"),
    "norms": ("layer_norm",),
    "quantizing": ("addcmul", "round", "clamp", "bitwise_xor"),
    "gelu": ("gelu",),
    "dropout": ("native_dropout", "random_raw", "aten::ge"),
    "optimizer": ("_fused_adamw", "_foreach", "linalg_vector_norm"),
    "copies": ("copy_", "aten::cat", "index_select", "aten::index", "embedding", "fill_", "zero_"),
    "sums": ("aten::add", "aten::mul"),
}
"""Operators by a part of their names; the first group that fits counts."""
ROUNDS = 5


def shares(work: Callable[[], object]) -> tuple[float, dict[str, float]]:
    """Seconds of some work, the median of several, and the share of each group in a profile of it."""
    for _ in range(2):
        work()
    times: list[float] = []
    for _ in range(ROUNDS):
        started = perf_counter()
        work()
        times.append(perf_counter() - started)
    with profile() as measured:
        started = perf_counter()
        work()
        profiled = perf_counter() - started
    spent = dict.fromkeys((*GROUPS, "other operators"), 0.0)
    for event in measured.key_averages():
        named = (group for group, names in GROUPS.items() if any(name in event.key for name in names))
        spent[next(named, "other operators")] += event.self_cpu_time_total / 1e6
    found = {group: seconds / profiled for group, seconds in spent.items()}
    return median(times), {**found, "tokenizing and Python": max(0.0, 1 - sum(found.values()))}


def measure(name: str, model: Path) -> None:
    """Every precision of encoding and training on one model."""
    from simemb.errors import ModelError

    for precision in ("float32", "bf16", "int8"):
        for kind in KINDS:
            try:
                record(name, model, f"encode, {kind}", precision, *encoding(model, kind, precision))
            except ModelError as reason:
                print(f"{name}, {precision}: left out, {reason}", flush=True)
    for precision in ("float32", "bf16"):
        record(name, model, "train", precision, *step(model, half=precision == "bf16"))


def record(
    name: str, model: Path, task: str, precision: str, useful: float, seconds: float, groups: dict[str, float]
) -> None:
    """Record one line."""
    peak = matrix_peak(configuration(model), precision)
    line = {"model": name, "task": task, "precision": precision, "seconds": seconds, "shares": groups}
    add("profiling", f"{name}, {task}, {precision}", {**line, "peak": peak, "floor": useful / peak / seconds})


def encoding(model: Path, kind: str, precision: Any) -> tuple[float, float, dict[str, float]]:
    """Useful operations, seconds and shares of encoding."""
    from simemb import Encoder

    encoder = Encoder.load(model, pooling="mean", max_length=LONGEST, precision=precision)
    sentences = enough(configuration(model), model, kind)
    useful = forward(configuration(model), lengths(model, sentences, LONGEST))
    return useful, *shares(lambda: encoder.encode(sentences, progress=False))


def step(model: Path, *, half: bool) -> tuple[float, float, dict[str, float]]:
    """Useful operations, seconds and shares of a step of training."""
    from simemb import Encoder
    from simemb.transformer import malloc
    from simemb.transformer.batch import Batch

    malloc.keep()
    learner: Any = Encoder.load(model, pooling="cls", max_length=32)
    optimizer = torch.optim.AdamW(learner.train().parameters(), lr=3e-5, fused=True)
    tokens = learner.tokenize(wiki(64))[0] * 2
    batch = Batch.collate(tokens)

    def work() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            vectors = learner(batch)
        first, second = normalize(vectors.float(), dim=1).chunk(2)
        cross_entropy(first @ second.T / 0.05, torch.arange(64)).backward()
        torch.nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return training(configuration(model), map(len, tokens)), *shares(work)


def main() -> None:
    """Measure every requested model."""
    options = arguments(__doc__, rounds=ROUNDS).parse_args()
    prepare(options)
    with directories(options) as paths:
        for name, model in paths.items():
            measure(name, model)
    write_page()


if __name__ == "__main__":
    main()
