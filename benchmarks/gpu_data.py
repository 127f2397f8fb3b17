"""What gpu.py measures with: a BERT-base with random weights, and random words with the lengths of real sentences."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import torch

# How many sentences have 0, 1, 2 ... word pieces, [CLS] and [SEP] included, cut to 32: of 20,000 sentences of
# Wikipedia, and of the anchors and the positives of 20,000 NLI triplets.
WIKI = [0] * 9 + [35, 91, 143, 176, 255, 323, 366, 393, 449, 543, 607, 600, 632, 641, 712, 704, 643, 647, 674, 680]
WIKI += [655, 657, 645, 8729]
ANCHOR = [0, 0, 0, 0, 5, 28, 50, 96, 165, 345, 440, 559, 651, 712, 741, 725, 718, 761, 706, 686, 675, 736, 697, 715]
ANCHOR += [650, 605, 650, 579, 505, 485, 478, 467, 5370]
CLAIM = [0, 0, 0, 0, 21, 99, 332, 953, 1257, 1776, 1897, 1783, 1730, 1569, 1469, 1265, 1094, 883, 725, 630, 497, 410]
CLAIM += [309, 259, 200, 162, 123, 92, 89, 60, 47, 46, 223]
LONG = [0] * 100 + [1] * 300
"""Abstracts: 100 to 399 word pieces."""

VOCABULARY = 30522
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def make_model(folder: Path) -> Path:
    """A BERT-base with random weights and a tokenizer of whole words, as transformers saves them."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    words = [*SPECIAL, *(f"w{number}" for number in range(len(SPECIAL), VOCABULARY))]
    tokenizer = Tokenizer(models.WordLevel({word: row for row, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIAL, strict=True))
    torch.manual_seed(0)
    BertModel(BertConfig(), add_pooling_layer=False).save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=512, **names).save_pretrained(folder)
    return folder


def make_ids(histogram: Sequence[int], count: int, seed: int) -> list[list[int]]:
    """Random words between [CLS] and [SEP]."""
    rng = random.Random(seed)
    lengths = rng.choices(range(len(histogram)), weights=histogram, k=count)
    return [[2, *(rng.randrange(5, VOCABULARY) for _ in range(length - 2)), 3] for length in lengths]


def texts_of(sentences: list[list[int]]) -> list[str]:
    """The texts that token ids stand for."""
    return [" ".join(f"w{number}" for number in sentence[1:-1]) for sentence in sentences]


@dataclass(frozen=True)
class Table:
    """Token ids by column, in memory, with the interface of simemb's token table."""

    columns: tuple[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]], ...]

    @classmethod
    def of(cls, columns: Sequence[list[list[int]]]) -> "Table":
        """The ids of each column end to end, and where each row begins."""
        return cls(
            tuple(
                (np.array([0, *accumulate(map(len, rows))]), np.array([n for row in rows for n in row], np.int32))
                for rows in columns
            )
        )

    def __len__(self) -> int:
        return len(self.columns[0][0]) - 1

    def ids(self, column: int, rows: Sequence[int]) -> list[np.ndarray[Any, np.dtype[np.int32]]]:
        """The token ids of some rows."""
        starts, values = self.columns[column]
        return [values[starts[row] : starts[row + 1]] for row in rows]


@dataclass(frozen=True)
class Task:
    """Training data: columns of token ids, and the number of examples in a batch."""

    name: str
    columns: tuple[list[list[int]], ...]
    batch: int

    @property
    def views(self) -> tuple[list[list[int]], ...]:
        """The columns that are encoded in a step: a single one twice."""
        return self.columns * 2 if len(self.columns) == 1 else self.columns


def tasks(steps: int) -> list[Task]:
    """Unsupervised SimCSE on Wikipedia, and supervised on NLI triplets."""
    triplets = tuple(make_ids(histogram, 128 * steps, seed) for seed, histogram in enumerate((ANCHOR, CLAIM, CLAIM)))
    return [
        Task("unsupervised", (make_ids(WIKI, 64 * steps, 7),), 64),
        Task("triplets", triplets, 128),
    ]
