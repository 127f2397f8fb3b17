"""The teacher of the bundled encoder, cut to the student's width, so that the student can give the same vectors.

all-MiniLM-L6-v2 (sentence-transformers, Apache-2.0) has 384 dimensions; the student has 256. No weight of it is copied:
it gives word vectors to start from and sentence vectors to learn.
"""

import logging
from pathlib import Path

import numpy as np
import torch

from simemb.corpus.rows import open_rows
from simemb.encoder.encoder import Encoder
from simemb.encoder.modules import Dense, Normalize
from simemb.errors import ModelError

log = logging.getLogger("simemb")

SAMPLE = 20_000
"""Texts whose vectors decide which directions are kept."""
LENGTH = 512
"""Tokens that the teacher reads: all that its positions allow, so that passages are read to the end."""


def narrow(model: str | Path, texts: Path, width: int, output: Path) -> Path:
    """Save the teacher followed by a projection to `width` dimensions, and return its directory.

    The projection keeps the inner products as well as a linear map to `width` dimensions can: onto the largest right
    singular vectors of the vectors of the first texts; how much of their squared length it keeps is logged. Raises
    `ModelError` for a teacher that is narrower, or that another library runs.
    """
    teacher = Encoder.load(model)
    if not isinstance(teacher, Encoder) or teacher.dim < width:
        raise ModelError(f"{model} cannot teach: it must be an encoder that simemb runs, of {width} dimensions or more")
    rows = open_rows(texts).texts()
    vectors = teacher.encode([text for (text,), _ in zip(rows, range(SAMPLE), strict=False)])
    directions, lengths, _ = np.linalg.svd(vectors.T @ vectors)
    log.info("%d dimensions keep %.1f %% of the squared length", width, 100 * lengths[:width].sum() / lengths.sum())
    projection = Dense(teacher.dim, width, activation=torch.nn.Identity(), bias=False)
    with torch.no_grad():
        projection.linear.weight.copy_(torch.from_numpy(directions[:, :width].T.copy()))
    teacher.tail.extend([projection, Normalize()])
    teacher.max_length = LENGTH
    return teacher.save(output)
