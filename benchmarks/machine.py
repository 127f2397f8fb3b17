"""What a result was measured on: the machine, the threads, and the versions of the packages involved."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    *("simemb", "torch", "transformers", "sentence-transformers", "tokenizers", "datasets", "accelerate", "numpy"),
    *("faiss-cpu", "onnxruntime", "openvino", "nncf", "optimum-intel"),
)


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
