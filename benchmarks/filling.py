"""What does it bring to fill a batch up to a round number of tokens (`simemb.transformer.onednn_padding`)?

    python benchmarks/filling.py MODEL [--steps 60] [--sentences 10000] [--rounds 2]

A training by unsupervised SimCSE (64 sentences of Wikipedia, other ones in every step) and the encoding of as many
sentences as are given, each once with filling and once without, in processes of their own, alternating: median
seconds of a step or in all, and how much the private memory grew. Results: benchmarks/results/filling.json.
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


def without() -> None:
    """Fill nothing in this process."""
    from simemb.transformer import onednn_padding

    onednn_padding.missing = lambda _: 0


def trained(model: str, threads: int, steps: int, filled: bool) -> Line:
    """Seconds of a step, median, and the growth of memory over all."""
    import torch
    from torch.nn.functional import cross_entropy, normalize

    from simemb import Encoder
    from simemb.training import malloc
    from simemb.transformer.batch import Batch

    torch.set_num_threads(threads)
    malloc.keep()
    if not filled:
        without()
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


def encoded(model: str, threads: int, sentences: int, filled: bool) -> Line:
    """Seconds in all, and the growth of memory."""
    import torch

    from simemb import Encoder

    torch.set_num_threads(threads)
    if not filled:
        without()
    encoder, texts = Encoder.load(model, pooling="mean"), wiki(sentences)
    with watching() as watch:
        encoder.encode(texts, progress=False)
        return {"seconds": watch.seconds, "memory_mib": watch.growth}


def main() -> None:
    """Measure both kinds of work."""
    parser = arguments(__doc__, rounds=2)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--sentences", type=int, default=10_000)
    chosen = parser.parse_args()
    prepare(chosen)
    name = Path(chosen.base).name
    for what, work, size in (("training", trained, chosen.steps), ("encoding", encoded, chosen.sentences)):
        found: dict[bool, list[Line]] = {True: [], False: []}
        for _ in range(chosen.rounds):
            for filled, lines in found.items():
                lines.append(alone(work, str(chosen.base), chosen.threads, size, filled))
        middle: dict[str, Any] = {
            f"{number}, {'filled' if filled else 'as it is'}": median(line[number] for line in lines)
            for filled, lines in found.items()
            for number in ("seconds", "memory_mib")
        }
        add("filling", f"{name}, {what}", {"model": name, "work": what, "size": size, **middle})


if __name__ == "__main__":
    main()
