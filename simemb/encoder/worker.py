"""The program of a worker: it embeds the batches that it is sent, until the process that started it lets go or ends.

`simemb.encoder.crew` starts workers and says what is sent. torch is imported with the encoder.
"""

import os
import pickle
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

from simemb.errors import DeviceError, SimembError


@dataclass(frozen=True)
class Start:
    """The first message: where to compute, with how many threads of the CPU, and what."""

    device: str
    threads: int
    encoder: bytes


@dataclass(frozen=True)
class Failure:
    """The answer in place of vectors, or of the start."""

    error: SimembError


def serve(link: Connection) -> None:
    """Answer every batch with its number and its vectors, in the order in which they come."""
    inbox: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_receive, args=(link, inbox), daemon=True).start()
    start: Start = pickle.loads(inbox.get())
    try:
        encoder = unpacked(start)
    except BaseException as error:  # whatever the code of a model raises, and exits too
        _answer(link, Failure(_portable(error, start.device)))
        return
    while True:
        number, batch, prompt = pickle.loads(inbox.get())
        try:
            answer = number, encoder.embed(batch, prompt)
        except BaseException as error:
            answer = Failure(_portable(error, start.device))
        _answer(link, answer)


def _receive(link: Connection, inbox: "SimpleQueue[bytes]") -> None:
    """Take messages while others are computed, so that nobody waits to send one. Without a sender all ends at once."""
    try:
        while True:
            inbox.put(link.recv_bytes())
    except (EOFError, OSError):
        os._exit(0)


def unpacked(start: Start) -> Any:
    """The encoder of the first message, on its device."""
    import torch

    torch.set_num_threads(start.threads)
    encoder: Any = pickle.loads(start.encoder)
    return encoder.to(start.device)


def _answer(link: Connection, answer: Any) -> None:
    try:
        link.send(answer)
    except OSError:  # nobody is there to read it
        os._exit(0)


def _portable(error: BaseException, device: str) -> SimembError:
    """An error as the other process can read it; of one that is none of ours it needs a line, not the class."""
    if isinstance(error, SimembError):
        return error
    reason = " ".join(str(error).split())[:500]
    return DeviceError(f"the process on {device} failed: {type(error).__name__}{': ' if reason else ''}{reason}")
