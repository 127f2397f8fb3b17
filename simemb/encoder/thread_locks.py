"""Locks between threads on what encoders share; a forked child begins with free ones, for it has one thread only."""

import os
import threading


class _Locks:
    """modules: held where the modules of an encoder change; never while it computes.

    tokenizers: held while a tokenizer reads or is saved: its greatest length is a setting of its own, and it may be
    shared by encoders of different lengths.
    """

    def __init__(self) -> None:
        self.modules = threading.RLock()
        self.tokenizers = threading.RLock()


LOCKS = _Locks()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: vars(LOCKS).update(vars(_Locks())))
