"""What glibc does with the memory that tensors free: keep it for the next ones, or give it back at once.

Blocks that are given back come again page by page, filled with zeros, which costs time; blocks that are kept leave
holes that the next, a little larger, do not fit, which costs memory. Other C libraries are left as they are, and so is
all with `SIMEMB_PLAIN=1`. What is chosen holds for the process until the other is.
"""

import ctypes
import platform

from simemb.transformer.cpu_ops import PLAIN

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""The names that malloc.h has for these numbers."""
_NEVER, _SOON = 1 << 30, 1 << 20
"""Bytes of a block that is mapped, and given back, by itself; and of what may lie free at the end of the heap."""


def keep() -> None:
    """For steps that are all of one size."""
    _choose(_NEVER)


def give_back() -> None:
    """For many chunks of a little different sizes, where memory is what matters: gradient caching."""
    _choose(_SOON)


def _choose(size: int) -> None:
    if not PLAIN and platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_THRESHOLD, size)
        libc.mallopt(_TRIM_THRESHOLD, size)
