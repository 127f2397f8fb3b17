"""Where an encoder computes: the words of `device` and `devices`, and what they stand for on this machine.

torch is imported when it is asked what there is, and not before.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from simemb.errors import DeviceError, unknown

if TYPE_CHECKING:
    import torch

AUTO, ALL, CPU, CUDA, MPS = "auto", "all", "cpu", "cuda", "mps"

ALLOWED = (AUTO, CPU, CUDA, "cuda:0, cuda:1 ...", MPS)
ALLOWED_TOGETHER = (ALL, "numbers of GPUs as 0,1", "a device for each process as cuda:0,cuda:1 or cpu,cpu")


def find(word: str = AUTO, *, cpu_only: str = "") -> str:
    """The device of a word, as torch names it: cpu, cuda (the current one), cuda:1 or mps.

    auto is a GPU where there is one, and otherwise the CPU. cpu_only: what computes on the CPU alone; then auto is the
    CPU. Raises `DeviceError` for a word that names no device, and for a device that is not there.
    """
    if word == AUTO:
        return CPU if cpu_only else _first()
    kind, colon, number = word.partition(":")
    if kind not in (CPU, CUDA, MPS) or (colon and (kind != CUDA or not _is_number(number))):
        raise DeviceError(_unknown(word))
    if kind != CPU and cpu_only:
        raise DeviceError(f"{cpu_only} is for the CPU, not for {word}")
    if kind == CUDA:
        _check_cuda(word, int(number) if number else 0)
    if kind == MPS and not _has_mps():
        raise DeviceError("device mps is not there: it is the GPU of a Mac with Apple silicon (allowed: auto, cpu)")
    return f"{CUDA}:{int(number)}" if number else kind


def find_several(words: str | Sequence[str | int], *, cpu_only: str = "") -> tuple[str, ...]:
    """The device of each of several processes: a list, or its items between commas.

    An item is a word as `find` takes it, or the number of a GPU. `all` stands for all GPUs. The CPU may be named
    several times, a GPU once. Raises `DeviceError` for anything else.
    """
    if words == ALL:
        words = range(_gpus())
        if not words:
            raise DeviceError("devices all: there is no CUDA GPU here; cpu,cpu takes two processes on the CPU")
    items = [str(item).strip() for item in (words.split(",") if isinstance(words, str) else words)]
    if not any(items):
        raise DeviceError(f"devices names no device (allowed: {'; '.join(ALLOWED_TOGETHER)})")
    found = tuple(find(_alone(item), cpu_only=cpu_only) for item in items)
    twice = [device for device in found if device != CPU and found.count(device) > 1]
    if twice:
        raise DeviceError(f"devices: {twice[0]} is named twice, and a process is enough for a GPU")
    return found


def leading(device: str | None, devices: str | Sequence[str | int] | None) -> str:
    """The word for the device of this process: the first of `devices` where others compute, so that a precision suits.

    Raises `DeviceError` if both are asked for.
    """
    if devices is None:
        return AUTO if device is None else device
    if device not in (None, AUTO):
        raise DeviceError(f"device {device} is for one process, and devices for several: give one of them")
    return find_several(devices)[0]


def of_process(number: int) -> str:
    """The word for the device of one of several processes of a machine: a GPU each, by turns, and auto without any."""
    return f"{CUDA}:{number % gpus}" if (gpus := _gpus()) else AUTO


def current(device: "torch.device") -> AbstractContextManager[None]:
    """Make a GPU the current one, where kernels of our own are launched; nothing for another device."""
    import torch

    return torch.cuda.device(device) if device.type == CUDA else nullcontext()


def _alone(item: str) -> str:
    """An item of several as a word of its own: 1 is cuda:1, and cuda is the first."""
    if item in (AUTO, ALL, ""):
        raise DeviceError(f"devices: {item!r} is no single device (allowed: {'; '.join(ALLOWED_TOGETHER)})")
    return f"{CUDA}:{item}" if _is_number(item) else f"{CUDA}:0" if item == CUDA else item


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdecimal() and len(word) < 5


def _unknown(word: str) -> str:
    """One line for a word that is no device; who writes gpu means the one that torch calls cuda."""
    line = unknown("device", word, ALLOWED)
    return line.replace("did you mean 'cpu'", "did you mean 'cuda'") if "gpu" in word.lower() else line


def _first() -> str:
    return CUDA if _gpus() else MPS if _has_mps() else CPU


def _gpus() -> int:
    """How many GPUs CUDA (or ROCm, which torch calls so too) finds."""
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _has_mps() -> bool:
    import torch

    return torch.backends.mps.is_available()


def _check_cuda(word: str, number: int) -> None:
    count = _gpus()
    if not count:
        import torch

        reason = "torch is installed without CUDA" if torch.version.cuda is None else "no GPU is found"
        raise DeviceError(f"device {word} is not there: {reason} (allowed: auto, cpu)")
    if number >= count:
        there = ", ".join(f"{CUDA}:{each}" for each in range(count))
        raise DeviceError(f"device {word} is not there (allowed: {there}, auto, cpu)")
