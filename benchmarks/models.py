"""The models that are measured, and the command-line arguments that all benchmarks share.

Besides the given checkpoint there are BERTs of other sizes with its tokenizer and random weights, which are as fast as
trained ones.
"""

import argparse
import logging
import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SIZES = {"6x384": (6, 384, 12), "12x768": (12, 768, 12)}
"""Layers, width and attention heads of the models with random weights."""


def arguments(text: str | None, rounds: int) -> argparse.ArgumentParser:
    """A parser with the base checkpoint, the models, the rounds and the threads."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", type=Path, help="a BERT checkpoint; its tokenizer serves the other sizes too")
    parser.add_argument("--models", nargs="+", default=["base"], choices=["base", *SIZES], metavar="MODEL")
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    return parser


def prepare(options: argparse.Namespace) -> None:
    """Set the same threads for every program, no network, and no log lines."""
    import torch
    import transformers

    os.environ["OMP_NUM_THREADS"] = str(options.threads)  # for child processes
    os.environ["HF_HUB_OFFLINE"] = "1"
    torch.set_num_threads(options.threads)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for name in ("simemb", "sentence_transformers", "nncf", "torch.onnx"):
        logging.getLogger(name).setLevel(logging.ERROR)


@contextmanager
def directories(options: argparse.Namespace) -> Generator[dict[str, Path], None, None]:
    """The directory of each requested model by name; those with random weights exist as long as the context."""
    with tempfile.TemporaryDirectory() as folder:
        paths: dict[str, Path] = {}
        for name in options.models:
            if name == "base":
                paths[options.base.resolve().name] = options.base.resolve()
            else:
                paths[name] = random_model(name, options.base, Path(folder) / name)
        yield paths


def random_model(name: str, base: Path, directory: Path) -> Path:
    """A BERT of one of `SIZES` with random weights and the tokenizer of `base`, as transformers saves it."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertModel

    layers, hidden, heads = SIZES[name]
    tokenizer = AutoTokenizer.from_pretrained(base)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * hidden,
    )
    torch.manual_seed(1)
    BertModel(config).save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return directory


def configuration(directory: Path) -> Any:
    """The configuration of a model, with its shapes."""
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(directory)


def lengths(directory: Path, texts: list[str], longest: int) -> list[int]:
    """Tokens of each text, special tokens included, cut to `longest`."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(directory)
    return [len(ids) for ids in tokenizer(texts, truncation=True, max_length=longest)["input_ids"]]
