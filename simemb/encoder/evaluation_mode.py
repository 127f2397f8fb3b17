"""Evaluation mode for a while, also where several threads encode with one encoder that is in training mode."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

LOCK = threading.RLock()
"""Held where the mode or the modules of an encoder change; never while it computes."""


@contextmanager
def evaluating(encoder: Any) -> Generator[None, None, None]:
    """Inside this context the encoder is in evaluation mode; the last thread that leaves restores the mode before."""
    with LOCK:
        if encoder.evaluations == 0:
            encoder.trained_before = encoder.training
            encoder.eval()
        encoder.evaluations += 1
    try:
        yield
    finally:
        with LOCK:
            encoder.evaluations -= 1
            if encoder.evaluations == 0:
                encoder.train(encoder.trained_before)
