"""How fast is training? Unsupervised SimCSE on Wikipedia and supervised SimCSE on NLI triplets.

    python benchmarks/training.py PATH/minilm-l4-mlm [--models base 6x384 12x768] [--tasks unsupervised supervised]

Alternating in one run: `simemb.fit` and sentence-transformers' trainer with MultipleNegativesRankingLoss, in float32
and with bfloat16, and a plain padded loop like that of princeton-nlp/SimCSE (see training_programs.py). Batches of 64
sentences or of 128 triplets, 32 tokens at most; all programs train on the same texts, each once. The seconds of a step
are those between the ends of two optimizer steps: they include loading, tokenizing, clipping and logging, and exclude
the first steps, start-up, evaluation and saving. Useful operations: see flops.py. Results:
benchmarks/results/training.json.
"""

import tempfile
from pathlib import Path
from statistics import mean, median
from typing import Any

import training_programs
from flops import matrix_peak, training
from models import arguments, configuration, directories, lengths, prepare
from record import add
from texts import triplets, wiki
from timing import Program, alternate, clock
from training_programs import Job, Row, seconds_per_step

LENGTH = 32
WORK = 1.5e12
"""Useful operations of a program in a round, about 15 seconds: the number of steps follows from it."""
TASKS = {"unsupervised": (64, 3e-5), "supervised": (128, 5e-5)}
"""The batch and the learning rate of each task."""
PROGRAMS = {
    "simemb": training_programs.simemb,
    "sentence-transformers": training_programs.sentence_transformers,
    "padded loop": training_programs.padded_loop,
    "simemb bf16": training_programs.simemb_bf16,
    "sentence-transformers bf16": training_programs.sentence_transformers_bf16,
}


def measure(name: str, model: Path, task: str, steps: int | None, rounds: int) -> None:
    """Measure and record one model on one task."""
    batch, rate = TASKS[task]
    config = configuration(model)
    useful = useful_operations(config, model, rows_of(task, 8 * batch), batch)
    steps = steps or max(1, min(12, round(WORK / useful)))
    warm_up = 2 if steps > 2 else 1
    rows = rows_of(task, batch * (steps + warm_up))
    useful = useful_operations(config, model, rows, batch)
    print(f"{name}, {task}: {steps} steps of {batch}, {useful:.3g} useful operations a step", flush=True)
    peaks: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        job = Job(model, rows, batch, LENGTH, rate, Path(folder))
        timed: dict[str, Program] = {"matrix peak": clock(lambda: peaks.append(matrix_peak(config)))}
        for program, train in PROGRAMS.items():
            timed[program] = lambda train=train: seconds_per_step(train, job, warm_up)
        seconds = alternate(timed, rounds)
    del seconds["matrix peak"]
    line = {
        "model": name,
        "task": task,
        "batch": batch,
        "mean_tokens": mean(lengths(model, [text for row in rows for text in row], LENGTH)),
        "steps": steps,
        "seconds_per_step": seconds,
        "useful_operations_per_step": useful,
        "peak": median(peaks),
    }
    add("training", f"{name}, {task}", line)


def rows_of(task: str, count: int) -> list[Row]:
    """The first rows of a task's corpus."""
    return [(text,) for text in wiki(count)] if task == "unsupervised" else triplets(count)


def useful_operations(config: Any, model: Path, rows: list[Row], batch: int) -> float:
    """The mean over steps: both views of a sentence, or all three texts of a triplet, forward and backward."""
    each_text = 2 if len(rows[0]) == 1 else 1
    tokens = lengths(model, [text for row in rows for text in row], LENGTH)
    return each_text * training(config, tokens) * batch / len(rows)


def main() -> None:
    """Measure every requested model."""
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--tasks", nargs="+", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--steps", type=int, help="measured steps in a round; by default about 15 seconds")
    options = parser.parse_args()
    prepare(options)
    with directories(options) as paths:
        for name, model in paths.items():
            for task in options.tasks:
                measure(name, model, task, options.steps, options.rounds)


if __name__ == "__main__":
    main()
