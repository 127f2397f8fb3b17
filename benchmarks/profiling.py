"""Where does the time of a training step, and of encoding, go?

    python benchmarks/profiling.py PATH/minilm-l4-mlm [--threads 2]

torch's profiler on a step of unsupervised SimCSE (64 sentences of Wikipedia twice, 32 tokens, [CLS]) and on encoding
500 sentences (mean pooling): the share of every operator that takes a hundredth of the time or more. The share of the
matrix products, printed first, is the floor; the rest could still be saved. Printed, not recorded.
"""

import argparse
import os
from collections.abc import Callable

import torch
from texts import wiki
from torch.nn.functional import cross_entropy, normalize
from torch.profiler import profile

PRODUCTS = ("mkldnn::_linear_pointwise", "aten::mm", "aten::addmm")


def show(title: str, work: Callable[[], object]) -> None:
    """Profile some work after two warm-up rounds."""
    for _ in range(2):
        work()
    with profile() as measured:
        work()
    spent = {event.key: event.self_cpu_time_total for event in measured.key_averages()}
    total = sum(spent.values())
    print(f"{title}: {total / 1e6:.3f} s")
    print(f"  {sum(spent.get(name, 0) for name in PRODUCTS) / total:6.1%}  matrix products of the layers, together")
    for name, microseconds in sorted(spent.items(), key=lambda item: -item[1]):
        if microseconds >= total / 100:
            print(f"  {microseconds / total:6.1%}  {name}")


def main() -> None:
    """Profile both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    from simemb import Encoder
    from simemb.training import malloc
    from simemb.transformer.batch import Batch

    sentences = wiki(500)
    encoder = Encoder.load(options.model, pooling="mean")
    show("encoding", lambda: encoder.encode(sentences))
    malloc.keep()
    learner = Encoder.load(options.model, pooling="cls", max_length=32).train()
    optimizer = torch.optim.AdamW(learner.parameters(), lr=3e-5, fused=True)
    batch = Batch.collate(learner.tokenize(sentences[:64])[0] * 2)

    def step() -> None:
        first, second = normalize(learner(batch), dim=1).chunk(2)
        cross_entropy(first @ second.T / 0.05, torch.arange(64)).backward()
        torch.nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    show("training step", step)


if __name__ == "__main__":
    main()
