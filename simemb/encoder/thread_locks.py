"""What threads share, and what is left of it in a forked child: one thread, free locks, and no OpenMP workers.

The libraries start threads at the first product, which a child does not have and would wait for without end. So a child
computes with one thread, as the workers of a `DataLoader` do.
"""

import os
import threading

import torch


class _Locks:
    """modules: held where the modules of an encoder change; never while it computes.

    tokenizers: held while a tokenizer reads or is saved: its greatest length is a setting of its own, and it may be
    shared by encoders of different lengths.
    """

    def __init__(self) -> None:
        self.modules = threading.RLock()
        self.tokenizers = threading.RLock()


LOCKS = _Locks()


def _after_fork() -> None:
    vars(LOCKS).update(vars(_Locks()))
    torch.set_num_threads(1)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # its threads are gone too, even if somebody asked for them


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
