"""What a result was measured on: the machine, its load, the threads, and the versions of the packages involved."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import monotonic, sleep

PACKAGES = (
    *("simemb", "torch", "transformers", "sentence-transformers", "tokenizers", "datasets", "accelerate", "numpy"),
    *("faiss-cpu", "onnxruntime", "openvino", "nncf", "optimum-intel"),
)


BUSY = 0.1
"""Processors in use by others from which a run is no measurement."""


class Others:
    """How many processors other programs, and other guests of the host, have used since this was made.

    Linux alone tells; elsewhere nothing is known, which is recorded as None.
    """

    def __init__(self) -> None:
        self._started, self._work = monotonic(), self._foreign()

    def used(self) -> float | None:
        """A mean over the time since then."""
        work = self._foreign()
        if work is None or self._work is None:
            return None
        return max(0.0, (work - self._work) / (monotonic() - self._started))

    @staticmethod
    def _foreign() -> float | None:
        """Seconds of all processors, less idle ones and those of this process and its children that have ended."""
        stat = Path("/proc/stat")
        if not stat.exists():
            return None
        user, nice, system, _idle, _wait, irq, softirq, steal, *_ = map(
            int, stat.read_text().split("\n")[0].split()[1:]
        )
        own = os.times()
        ours = own.user + own.system + own.children_user + own.children_system
        return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK") - ours


def refuse_company(seconds: float = 3) -> Others:
    """Exit if other programs compute here: beside two busy neighbors a benchmark said 1.05x for 2.20x."""
    others = Others()
    sleep(seconds)
    used = others.used()
    if used is not None and used > BUSY:
        raise SystemExit(f"other programs use {used:.2f} processors: a run beside them is no measurement")
    return Others()


def machine() -> str:
    """Processor, cores and threads."""
    import torch

    return f"{_processor()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads"


def versions() -> dict[str, str]:
    """The version of each package that is installed."""
    numbers: dict[str, str] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            numbers[package] = version(package)
        except PackageNotFoundError:
            continue
    return numbers


def _processor() -> str:
    """The model name of the processor and, on Linux, its widest vector and matrix units."""
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return platform.machine()
    facts = dict(line.split(":", 1) for line in path.read_text().split("\n\n")[0].splitlines() if ":" in line)
    facts = {name.strip(): value.strip() for name, value in facts.items()}
    units = [unit for unit in ("avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16") if unit in facts.get("flags", "")]
    name = facts.get("model name", platform.machine())
    return f"{name} ({', '.join(units)})" if units else name
