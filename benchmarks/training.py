"""Training speed beside sentence-transformers' trainer doing the same job, in one run, alternating.

    python benchmarks/training.py MODEL SENTENCES.txt [--steps 30] [--rounds 3]

Both train the same base on (s, s) pairs of the same sentences: batch 64, 32 tokens, in-batch negatives,
temperature 0.05, AdamW at 3e-5, float32. sentence-transformers: MultipleNegativesRankingLoss, scale 20,
CLS pooling. Counted are optimizer steps with everything in them but evaluation, saving and the first three
steps of each round. The result goes to benchmarks/results/training.json.
"""

import argparse
import shutil
import tempfile
from dataclasses import replace
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from record import write

BATCH, LENGTH, WARM_UP = 64, 32, 3


def seconds_per_step_simemb(model: str, sentences: list[str], steps: int, folder: Path) -> float:
    """Mean seconds of a step of `simemb.fit`."""
    from simemb import fit
    from simemb.recipe import find
    from simemb.trainer import Trainer

    times: list[float] = []
    step = Trainer._step

    def timed(self: Trainer, line: Any) -> None:
        started = perf_counter()
        step(self, line)
        times.append(perf_counter() - started)

    Trainer._step = timed
    try:
        recipe = replace(find("simcse"), max_steps=steps, eval_every=steps + 1, batch_size=BATCH, max_length=LENGTH)
        fit(recipe, model, sentences, output=folder / "simemb", dev="none")
    finally:
        Trainer._step = step
    shutil.rmtree(folder / "simemb")
    return sum(times[WARM_UP:]) / len(times[WARM_UP:])


def seconds_per_step_sentence_transformers(model: str, sentences: list[str], steps: int, folder: Path) -> float:
    """Mean seconds of a step of `SentenceTransformerTrainer`, loading of batches included."""
    from datasets import Dataset
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.losses import MultipleNegativesRankingLoss
    from sentence_transformers.models import Pooling, Transformer
    from transformers import TrainerCallback

    class Clock(TrainerCallback):
        def __init__(self) -> None:
            self.ends: list[float] = []

        def on_step_end(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002
            self.ends.append(perf_counter())

    transformer = Transformer(model, max_seq_length=LENGTH)
    encoder = SentenceTransformer(modules=[transformer, Pooling(transformer.get_embedding_dimension(), "cls")])
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(folder / "st"),
        per_device_train_batch_size=BATCH,
        max_steps=steps,
        learning_rate=3e-5,
        report_to="none",
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
    )
    clock = Clock()
    data = Dataset.from_dict({"anchor": sentences, "positive": sentences})
    trainer = SentenceTransformerTrainer(
        model=encoder,
        args=arguments,
        train_dataset=data,
        loss=MultipleNegativesRankingLoss(encoder, scale=20.0),
        callbacks=[clock],
    )
    trainer.train()
    return (clock.ends[-1] - clock.ends[WARM_UP - 1]) / (len(clock.ends) - WARM_UP)


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("sentences", help="a text file, one sentence a line, or the name of a corpus")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    from simemb.rows import open_rows

    sentences = [row[0] for row in islice(open_rows(chosen.sentences).texts(), BATCH * chosen.steps)]
    ours: list[float] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(chosen.rounds):
            ours.append(seconds_per_step_simemb(chosen.model, sentences, chosen.steps, Path(folder)))
            theirs.append(seconds_per_step_sentence_transformers(chosen.model, sentences, chosen.steps, Path(folder)))
    write(
        "training",
        {
            "what": f"unsupervised SimCSE, batch {BATCH}, {LENGTH} tokens, {Path(chosen.model).name}",
            "steps": chosen.steps,
            "seconds_per_step": {"simemb": ours, "sentence-transformers": theirs},
            "ratio": median(theirs) / median(ours),
            "ratios": [b / a for a, b in zip(ours, theirs, strict=True)],
            "peer": f"sentence-transformers {version('sentence-transformers')}",
        },
    )


if __name__ == "__main__":
    main()
