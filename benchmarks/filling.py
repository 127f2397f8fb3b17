"""What does filling a batch up to a round number of tokens gain (`simemb.transformer.onednn_padding`)?

    python benchmarks/filling.py MODEL [--steps 60] [--sentences 10000] [--rounds 2]

Unsupervised SimCSE (64 new sentences of Wikipedia in every step) and the encoding of `--sentences` sentences, with
filling and without, alternating, each in a process of its own: the median seconds of a step, or all seconds, and the
growth of private memory. Results: benchmarks/results/filling.json.
"""

from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from models import arguments, prepare
from record import add
from texts import wiki
from watching import Line, alone, watching

BATCH = 64


def turn_off() -> None:
    """Turn filling off in this process."""
    from simemb.transformer import onednn_padding

    onednn_padding.missing = lambda _: 0


def train(model: str, threads: int, steps: int, filled: bool) -> Line:
    """The median seconds of a step, and the growth of memory over all steps."""
    import torch
    from torch.nn.functional import cross_entropy, normalize

    from simemb import Encoder
    from simemb.transformer import malloc
    from simemb.transformer.batch import Batch

    torch.set_num_threads(threads)
    malloc.keep()
    if not filled:
        turn_off()
    learner = Encoder.load(model, pooling="cls", max_length=32).train()
    tokens = learner.tokenize(wiki(BATCH * steps))[0]
    optimizer = torch.optim.AdamW(learner.parameters(), lr=3e-5, fused=True)

    def step(number: int) -> float:
        started = perf_counter()
        batch = Batch.collate(tokens[BATCH * number : BATCH * (number + 1)] * 2)
        first, second = normalize(learner(batch), dim=1).chunk(2)
        cross_entropy(first @ second.T / 0.05, torch.arange(len(first))).backward()
        optimizer.step()
        optimizer.zero_grad()
        return perf_counter() - started

    with watching() as watch:
        seconds = median(step(number) for number in range(steps))
        return {"seconds": seconds, "memory_mib": watch.growth}


def encode(model: str, threads: int, sentences: int, filled: bool) -> Line:
    """All seconds, and the growth of memory."""
    import torch

    from simemb import Encoder

    torch.set_num_threads(threads)
    if not filled:
        turn_off()
    encoder, texts = Encoder.load(model, pooling="mean"), wiki(sentences)
    with watching() as watch:
        encoder.encode(texts, progress=False)
        return {"seconds": watch.seconds, "memory_mib": watch.growth}


def main() -> None:
    """Measure both kinds of work."""
    parser = arguments(__doc__, rounds=2)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--sentences", type=int, default=10_000)
    options = parser.parse_args()
    prepare(options)
    name = Path(options.base).name
    for task, work, size in (("training", train, options.steps), ("encoding", encode, options.sentences)):
        runs: dict[bool, list[Line]] = {True: [], False: []}
        for _ in range(options.rounds):
            for filled, lines in runs.items():
                lines.append(alone(work, str(options.base), options.threads, size, filled))
        medians: dict[str, Any] = {
            f"{number}, {'filled' if filled else 'as it is'}": median(line[number] for line in lines)
            for filled, lines in runs.items()
            for number in ("seconds", "memory_mib")
        }
        add("filling", f"{name}, {task}", {"model": name, "work": task, "size": size, **medians})


if __name__ == "__main__":
    main()
