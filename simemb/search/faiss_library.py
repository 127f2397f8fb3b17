"""FAISS, which the extra `index` installs; it is imported when vectors are first arranged or read."""

import os
from functools import cache
from typing import Any

from simemb import extras


@cache
def faiss() -> Any:
    """The module. Raises `LibraryError` if it is not installed."""
    extras.need("an index", extras.INDEXES)
    import faiss

    if hasattr(os, "register_at_fork"):  # a forked child has no threads of OpenMP, and would wait for them without end
        os.register_at_fork(after_in_child=lambda: faiss.omp_set_num_threads(1))
    return faiss
