"""What ships of a finished run: its encoder in half precision, and a card that says what it is and is not for."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from simemb.comparison import provenance
from simemb.comparison.contamination import Overlap
from simemb.encoder.encoder import Encoder
from simemb.evaluation.evaluate import evaluate, find
from simemb.evaluation.scores import Scores
from simemb.files import new_directory

SUITES = ("sts", "transfer", "retrieval")
"""What a card reports, each as the headline of every task and their average."""

ABOUT = {
    "mini": """# mini: an English sentence encoder of 14 MB

A BERT of 3 layers x 256 with a vocabulary of its own, mean pooling, vectors of 256 dimensions, texts up to 512 tokens.
It ships with simemb: `Encoder.load()` and `simemb encode mini sentences.txt --output vectors.npy` need no download.""",
    "base": """# base: a 14 MB English language model

A BERT of 3 layers x 256 with a vocabulary of its own, and its language-modelling head. It ships with simemb, where
`simemb train` starts from it if no model is named. It is no encoder: its vectors, the mean of its tokens, say little
about meaning until it is trained.""",
}
DATA = """## Data

Sentences without labels, and triplets of them, each once: English Wikipedia (CC BY-SA 3.0), 250,000 sentences and
11,914 lines of running text; the sentences of SNLI (CC BY-SA 4.0), MultiNLI (OANC and other free licenses), XNLI
(CC BY-NC 4.0), LingNLI (no license stated), New Protocols (CC BY-SA 3.0) and revised SNLI; captions of Flickr30k
(research and education, non-commercial). Every sentence that occurs in STS12 to STS16, STS-B or SICK-R was left out
before training, compared without case and punctuation.

The teacher is all-MiniLM-L6-v2 (Apache-2.0): its vectors of single tokens are the word embeddings that training began
with, and its vectors of texts are what `mini` learnt to give. No weight of it was copied. Its own training data were
not searched for test texts; they are known to hold SNLI, MultiNLI and image captions, from which STS took sentences
too."""
LIMITS = """## Not for

Other languages than English; specialist texts (law, medicine, code), whose words its vocabulary splits into pieces;
judgements on people. It repeats the prejudices of its data and its teacher. A "not", a number and the order of words
move a vector little: by `mini`, "The man is sleeping." and "The man is not sleeping." have a cosine of 0.95, "The dog
bit the man." and "The man bit the dog." one of 0.99.

The weights are under simemb's license, Apache-2.0. Some of the data are for research only: read their licenses before
commercial use."""
HEADER = """---
language: en
license: apache-2.0
library_name: sentence-transformers
pipeline_tag: {task}
tags: [simemb, sentence-transformers]
---
"""
TASKS = {"mini": "sentence-similarity", "base": "fill-mask"}


def publish(model: str, run: Path, target: Path, stages: Sequence[Mapping[str, Any]]) -> None:
    """Copy the encoder of `run` to `target`, in half precision, with a card; `stages` led to it, in their order.

    What is scored is what ships.
    """
    with new_directory(target) as partial:
        shutil.copytree(run / "best", partial, dirs_exist_ok=True)
        weights = partial / "model.safetensors"
        halved = {name: tensor.half() for name, tensor in load_file(weights).items()}
        save_file(halved, weights, metadata={"format": "pt"})
        config = json.loads((partial / "config.json").read_text())
        (partial / "config.json").write_text(json.dumps({**config, "dtype": "float16"}, indent=2) + "\n")
        scores = [provenance.judge(evaluate(Encoder.load(partial), suite), run) for suite in SUITES]
        (partial / "README.md").write_text(card(model, scores, stages), encoding="utf-8")


def check() -> None:
    """Raise `DataError` unless every suite has data, before hours are spent on what they score."""
    for name in SUITES:
        find(name).tasks[0].load()


def card(model: str, scores: Sequence[Scores], stages: Sequence[Mapping[str, Any]]) -> str:
    """The card as Markdown."""
    parts = [
        ABOUT[model],
        "## Scores\n\n" + "\n\n".join(map(_table, scores)),
        "## Contamination\n\n" + "\n".join(f"- {line}" for score in scores for line in _overlap(score)),
        _made(stages),
        DATA,
        LIMITS,
    ]
    return HEADER.format(task=TASKS[model]) + "\n" + "\n\n".join(parts) + "\n"


def _table(scores: Scores) -> str:
    """A suite as a table: the headline of every task, and their average."""
    names = [*scores.tasks, "average"]
    values = [task.numbers()[scores.headline] for task in scores.tasks.values()] + [scores.points]
    rows = (names, ["---:"] * len(names), [f"{value:.2f}" for value in values])
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    missing = f", without {', '.join(scores.missing)}" if scores.missing else ""
    return f"`simemb eval --suite {scores.suite}`, {scores.headline}{missing}:\n\n{table}"


def _overlap(scores: Scores) -> list[str]:
    """What the project's own search for test texts found, without the names of the files, which stay behind."""
    if scores.overlap is None:
        return []
    overlap = Overlap.from_json(scores.overlap)
    if overlap.unknown:
        return [f"{scores.suite}: whether its texts occur in the training data is not known"]
    counts = [task.words(name) for name, task in overlap.tasks.items() if task.occurring]
    found = f"{', '.join(counts)} occur" if counts else "no text of the suite occurs"
    unseen = f"; not looked at: {', '.join(overlap.not_looked_at)}" if overlap.not_looked_at else ""
    return [f"{scores.suite}: {found} in the training data{unseen}"]


def _made(stages: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        f"| {stage['name']} | {stage['recipe']} | {stage['steps']:,} | {stage['seconds'] / 60:.0f} | "
        f"{'' if stage['dev'] is None else format(stage['dev'], '.2f')} |"
        for stage in stages
    ]
    head = ["| stage | recipe | steps | minutes | STS-B dev |", "|---|---|---:|---:|---:|"]
    machine = f"{os.cpu_count()} cores, PyTorch {torch.__version__}. `python -m simemb.bundled` repeats all of it."
    return "## How it was made\n\n" + "\n".join([*head, *rows]) + f"\n\n{machine}"
