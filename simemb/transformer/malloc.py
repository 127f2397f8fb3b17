"""Tells glibc to keep the memory that tensors free, or to return it to the system.

Memory that was returned must be mapped again and filled with zeros, which costs time. Memory that is kept leaves holes
that slightly larger blocks do not fit, which costs memory. Other C libraries are left alone, as is glibc with
`SIMEMB_PLAIN=1`. A command owns its process and chooses for good (`keep`, `give_back`); a library does not, so
`Encoder.load` only has glibc `adapt`, as it does by itself sooner or later.
"""

import ctypes
import platform
from functools import cache

import torch

from simemb.transformer.cpu_ops import PLAIN

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h."""
_NEVER, _SOON = 1 << 30, 1 << 20
"""Bytes from which a block is mapped and returned by itself, and from which the free end of the heap is returned."""
_ADAPTS_TO = (32 << 20) - (1 << 16)
"""Bytes of the largest block (on 64 bits) whose release raises both limits: to its size and to twice that."""


@cache
def adapt() -> None:
    """Release one block of almost 32 MiB, so that glibc keeps blocks up to that size from now on.

    It learns this from the first such block that a program releases (mallopt(3), M_MMAP_THRESHOLD); the products of a
    batch stay below it, and are mapped anew for every layer until then. Nothing happens where a command has chosen.
    """
    if not PLAIN:
        torch.empty(_ADAPTS_TO, dtype=torch.uint8)


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
