"""A small but real encoder, and sentences for it, for tests of indexes."""

import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np

DIM = 32


class Trigrams:
    """Sums of random vectors of the hashed character trigrams, of any length: a small but real encoder."""

    def __init__(self, name: str = "trigrams", *, seed: int = 0, dim: int = DIM) -> None:
        self.name = name
        self.dim = dim
        self.table = np.random.default_rng(seed).standard_normal((4096, dim)).astype(np.float32)

    def fingerprint(self) -> str:
        return f"{zlib.crc32(self.table.tobytes()):08x}" * 8

    def encode(self, texts: Iterable[str], **_: Any) -> np.ndarray:
        grams = [[text[i : i + 3] for i in range(max(0, len(text) - 2))] for text in texts]
        rows = [self.table[[zlib.crc32(gram.encode()) % 4096 for gram in row]].sum(axis=0) for row in grams]
        return np.array(rows, dtype=np.float32).reshape(len(rows), self.dim)


def sentences(count: int) -> list[str]:
    """Different sentences in clusters: 60 topics of words, each sentence from one of them."""
    generator = np.random.default_rng(1)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    topics = [["".join(generator.choice(letters, 6)) for _ in range(12)] for _ in range(60)]
    return [" ".join([*generator.choice(topics[row % 60], 5), str(row)]) for row in range(count)]
