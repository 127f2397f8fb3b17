"""What glibc does with freed memory is seen by the pages that it asks the system for."""

import os
import platform
import subprocess
import sys

import pytest


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator of another C library is left alone")
def test_freed_memory_is_kept_for_the_next_tensor():
    """Without it every round takes its 32 MiB from the system anew, 8,192 pages of it; with it, few do."""
    program = (
        "import resource, sys, torch; from simemb.training import malloc\n"
        "getattr(malloc, sys.argv[1])()\n"
        "torch.ones(1 << 23); before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "for _ in range(20): torch.ones(1 << 23)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)"
    )
    environment = {**os.environ, "SIMEMB_PLAIN": "0"}
    pages = {
        way: int(
            subprocess.run(
                [sys.executable, "-c", program, way], env=environment, capture_output=True, text=True, check=True
            ).stdout
        )
        for way in ("keep", "give_back")
    }
    assert pages["keep"] * 2 < pages["give_back"]
