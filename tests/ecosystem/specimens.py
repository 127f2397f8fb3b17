"""Saved encoders and their vectors, for tests in environments where simemb is not installed.

python tests/ecosystem/specimens.py FOLDER
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TEXTS = (
    "A man plays a guitar.",
    "Somebody makes music.",
    "The economy is in trouble.",
    "dogs",
    "a red dog sees an old house " * 30,
)
"""Texts of different lengths; the last one is longer than the encoders read."""

PROMPTS = {"query": "query: ", "document": "passage: "}


def make(folder: Path) -> None:
    """Save `mini` in the ways that a directory can differ, and write what it makes of `TEXTS` beside them."""
    import numpy as np
    from torch import manual_seed, nn

    from simemb import Encoder
    from simemb.encoder.modules import Dense, Normalize

    def saved(name: str, pooling: str | None = None, tail: Sequence[nn.Module] = (), prompts: Any = None) -> None:
        encoder = Encoder.load("mini", max_length=32, pooling=pooling)
        encoder.tail = nn.ModuleList(tail)
        encoder.prompts = prompts or {}
        encoder.save(folder / name)
        prompted = {role: encoder.encode(TEXTS, prompt_name=role) for role in encoder.prompts}
        np.savez(folder / f"{name}.npz", vectors=encoder.encode(TEXTS), **prompted)

    saved("mean", tail=[Normalize()])
    saved("prompts", tail=[Normalize()], prompts=PROMPTS)
    for pooling in ("cls", "max", "first_last", "last2"):
        saved(pooling, pooling)
    for activation in (nn.Tanh(), nn.Identity(), nn.ReLU()):
        manual_seed(7)
        saved(type(activation).__name__.lower(), tail=[Dense(256, 64, activation=activation)])
    (folder / "texts.json").write_text(json.dumps(TEXTS), encoding="utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
