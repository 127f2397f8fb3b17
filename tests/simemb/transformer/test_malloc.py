"""What glibc does with freed memory is seen by the pages that it asks the system for."""

import os
import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library is left alone")


def _new_pages(program: str, way: str) -> int:
    """The pages that the program says it has taken from the system."""
    environment = {**os.environ, "SIMEMB_PLAIN": "0"}
    command = [sys.executable, "-c", program, way]
    return int(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


def test_freed_memory_is_kept_for_the_next_tensor():
    """Without it every round takes its 32 MiB from the system anew, 8,192 pages of it; with it, few do."""
    program = (
        "import resource, sys, torch; from simemb.transformer import malloc\n"
        "getattr(malloc, sys.argv[1])()\n"
        "torch.ones(1 << 23); before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "for _ in range(20): torch.ones(1 << 23)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)"
    )
    pages = {way: _new_pages(program, way) for way in ("keep", "give_back")}
    assert pages["keep"] * 2 < pages["give_back"]


def test_loading_an_encoder_keeps_the_memory_of_its_products():
    """Blocks of 12 MiB, as a batch makes them: 3,072 pages a round are taken anew until glibc has adapted."""
    program = (
        "import resource, sys, torch; from simemb import Encoder\n"
        "if sys.argv[1] == 'loaded': Encoder.load('mini')\n"
        "def used():\n"
        "    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "    one, two, three = (torch.ones(3 << 20) for _ in range(3))\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before\n"
        "used(); print(sum(used() for _ in range(20)))"
    )
    assert _new_pages(program, "loaded") * 4 < _new_pages(program, "bare")
