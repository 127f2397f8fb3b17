"""Tells glibc to keep the memory that tensors free, or to return it to the system; `simemb train` calls it.

Memory that was returned must be mapped again and filled with zeros, which costs time. Memory that is kept leaves holes
that slightly larger blocks do not fit, which costs memory. Other C libraries are left alone, as is glibc with
`SIMEMB_PLAIN=1`. A choice holds for the process until the next one.
"""

import ctypes
import platform

from simemb.transformer.cpu_ops import PLAIN

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h."""
_NEVER, _SOON = 1 << 30, 1 << 20
"""Bytes from which a block is mapped and returned by itself, and from which the free end of the heap is returned."""


def keep() -> None:
    """Keep freed memory: for steps that are all of one size."""
    _choose(_NEVER)


def give_back() -> None:
    """Return freed memory: for gradient caching, whose many chunks differ a little in size."""
    _choose(_SOON)


def _choose(size: int) -> None:
    if not PLAIN and platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_THRESHOLD, size)
        libc.mallopt(_TRIM_THRESHOLD, size)
