"""Evaluation mode of one thread: what it computes has no dropout, whatever mode the encoder is in, and changes none.

Our own layers are told; a module of another library is replaced by a copy in evaluation mode that shares its tensors.
"""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from copy import deepcopy
from itertools import chain
from typing import TypeVar
from weakref import WeakKeyDictionary

from torch import nn

from simemb.encoder.thread_locks import LOCKS

M = TypeVar("M", bound=nn.Module)


_mode = threading.local()
_copies: "WeakKeyDictionary[nn.Module, nn.Module]" = WeakKeyDictionary()


@contextmanager
def evaluating() -> Generator[None, None, None]:
    """Inside this context the encoders of this thread compute in evaluation mode."""
    before, _mode.on = is_evaluating(), True
    try:
        yield
    finally:
        _mode.on = before


def is_evaluating() -> bool:
    """Whether this thread is inside `evaluating`."""
    return getattr(_mode, "on", False)


def in_mode(module: M) -> M:
    """The module itself or, while this thread evaluates and the module is in training mode, a copy that is not."""
    if not (is_evaluating() and module.training):
        return module
    with LOCKS.modules:
        copy = _copies.get(module)
        if copy is None or not _same_tensors(module, copy):
            shared = {id(tensor): tensor for tensor in _tensors(module)}
            copy = deepcopy(module, shared).eval()
            _copies[module] = copy
    return copy  # pyright: ignore[reportReturnType]


def _tensors(module: nn.Module) -> chain[nn.Parameter]:
    return chain(module.parameters(), module.buffers())  # pyright: ignore[reportReturnType]


def _same_tensors(module: nn.Module, copy: nn.Module) -> bool:
    own, copied = list(_tensors(module)), list(_tensors(copy))
    return len(own) == len(copied) and all(one is other for one, other in zip(own, copied, strict=True))
