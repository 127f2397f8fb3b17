"""The models that are measured, and the command-line arguments that all benchmarks share.

Besides the given checkpoint there are models of other sizes and families with its tokenizer and random weights, which
are as fast as trained ones.
"""

import argparse
import inspect
import logging
import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import record
from machine import refuse_company

SIZES = {
    "6x384": ("bert", 6, 384, 12, {}),
    "12x768": ("bert", 12, 768, 12, {}),
    "mpnet-12x768": ("mpnet", 12, 768, 12, {"max_position_embeddings": 514}),
    "modernbert-22x768": ("modernbert", 22, 768, 12, {"intermediate_size": 1152}),
    "albert-12x768": ("albert", 12, 768, 12, {}),
}
"""Family, layers, width, attention heads and further settings of the models with random weights."""

SPECIAL = ("pad", "bos", "eos", "cls", "sep")
"""The special tokens that configurations name."""


def arguments(text: str | None, rounds: int) -> argparse.ArgumentParser:
    """A parser with the base checkpoint, the models, the rounds and the threads."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", type=Path, help="a BERT checkpoint; its tokenizer serves the other sizes too")
    parser.add_argument("--models", nargs="+", default=["base"], choices=["base", *SIZES], metavar="MODEL")
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    return parser


def prepare(options: argparse.Namespace) -> None:
    """Set the same threads for every program, no network, and no log lines; exit if other programs compute here."""
    import torch
    import transformers

    record.OTHERS = refuse_company()
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
    """A model of one of `SIZES` with random weights and the tokenizer of `base`, as transformers saves it."""
    import torch
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    family, layers, hidden, heads, settings = SIZES[name]
    tokenizer = AutoTokenizer.from_pretrained(base)
    sizes = {
        "vocab_size": len(tokenizer),
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": 4 * hidden,
    }
    special = {f"{token}_token_id": getattr(tokenizer, f"{token}_token_id") for token in SPECIAL}
    torch.manual_seed(1)
    AutoModel.from_config(AutoConfig.for_model(family, **{**sizes, **special, **settings})).save_pretrained(directory)
    if family in ("mpnet", "modernbert"):  # without token types
        tokenizer.model_input_names = ["input_ids", "attention_mask"]
    tokenizer.save_pretrained(directory)
    return directory


def network(directory: Path) -> Any:
    """The transformers model without its pooler."""
    import torch
    from transformers import MODEL_MAPPING, AutoModel

    made_by = MODEL_MAPPING[type(configuration(directory))]
    has_pooler = "add_pooling_layer" in inspect.signature(made_by.__init__).parameters
    options = {"add_pooling_layer": False} if has_pooler else {}
    return AutoModel.from_pretrained(directory, dtype=torch.float32, **options)


def configuration(directory: Path) -> Any:
    """The configuration of a model, with its shapes."""
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(directory)


def lengths(directory: Path, texts: list[str], longest: int) -> list[int]:
    """Tokens of each text, special tokens included, cut to `longest`."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(directory)
    return [len(ids) for ids in tokenizer(texts, truncation=True, max_length=longest)["input_ids"]]
