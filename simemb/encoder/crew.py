"""Several processes that encode together, one for each device, each with a copy of the encoder.

The process that asks reads the texts, makes the batches that it would compute itself, and hands each to a worker that
has room. Workers are programs of their own (`simemb.encoder.worker`), so nothing of the caller's program runs twice.
"""

import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BytesIO
from multiprocessing import Pipe
from multiprocessing.connection import wait
from typing import Any, NoReturn

from simemb import devices
from simemb.encoder.vector_files import Vectors
from simemb.encoder.worker import Failure, Start
from simemb.errors import DeviceError

log = logging.getLogger("simemb")

AHEAD = 2
"""Batches that a worker has at once: the one that it computes, and the next."""
PROGRAM = (
    "import sys; from multiprocessing.connection import Connection; link = Connection(int(sys.argv[1])); "
    "sys.path[:] = link.recv(); from simemb.encoder.worker import serve; serve(link)"
)
ENDING = ("SIGINT", "SIGTERM", "SIGHUP")
"""Signals that end a command. They reach a whole group of processes, and only the one that leads may answer."""


class Crew:
    """The workers of one encoder, which end with `close` or with this process, however it ends.

    Attributes:
        devices: That of each worker.
    """

    def __init__(self, encoder: Any, places: Sequence[str]):
        """Start a worker on each of these devices. Raises `DeviceError` for an encoder that cannot be sent."""
        self.devices = tuple(places)
        self._workers: list[_Worker] = []
        self._lock = threading.Lock()
        self._count = 0
        threads, content = _threads(len(places)), packed(encoder)
        try:
            self._workers += [_Worker(device, threads) for device in places]
            for worker in self._workers:
                worker.send(Start(worker.device, threads, content))
        except BaseException:
            self.close()
            raise

    def __reduce__(self) -> Any:
        """A copy of the encoder, by pickle or `deepcopy`, computes by itself."""
        return type(None), ()

    def embed_each(self, batches: Iterable[Sequence[Any]], prompt: str) -> Iterator[tuple[int, Vectors]]:
        """The vectors of each batch with its number, in the order in which they are ready.

        Raises `DeviceError` if a worker ends, and what `embed` raises there, in one line.
        """
        with self._lock:
            first = self._count
            tasks = self._numbered(batches, prompt)
            unanswered = self._hand_out(tasks)
            while unanswered:
                for number, vectors in self._answers():
                    if number >= first:  # else of a call that was given up
                        unanswered -= 1
                        yield number - first, vectors
                unanswered += self._hand_out(tasks)

    def _numbered(self, batches: Iterable[Sequence[Any]], prompt: str) -> Iterator[tuple[int, Sequence[Any], str]]:
        for batch in batches:
            self._count += 1
            yield self._count - 1, batch, prompt

    def _hand_out(self, tasks: Iterator[Any]) -> int:
        """Send batches to workers that have room, to those with most of it first; the number of batches."""
        sent = 0
        for waiting in range(AHEAD):
            for worker in self._workers:
                if worker.waiting <= waiting and (task := next(tasks, None)) is not None:
                    worker.send(task)
                    worker.waiting += 1
                    sent += 1
        return sent

    def _answers(self) -> Iterator[tuple[int, Vectors]]:
        """What workers have ready, once one of them has something; the end of one is noticed too."""
        workers = {worker.link: worker for worker in self._workers}
        for link in wait(list(workers)):
            worker = workers[link]  # pyright: ignore[reportArgumentType]
            answer = worker.receive()
            worker.waiting -= 1
            if isinstance(answer, Failure):
                raise answer.error
            yield answer

    def close(self) -> None:
        """End the workers now."""
        for worker in self._workers:
            worker.end()


class _Worker:
    """A process, and the line to it. waiting: the batches that it has not answered."""

    def __init__(self, device: str, threads: int):
        self.device, self.waiting = device, 0
        self.link, other = Pipe()
        environment = os.environ | {"OMP_NUM_THREADS": str(threads), "RAYON_NUM_THREADS": str(threads)}
        command = [sys.executable, "-P", "-c", PROGRAM, str(other.fileno())]
        with _signals_blocked(), other:
            self.process = subprocess.Popen(
                command, env=environment, pass_fds=[other.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
            )
        self.send(sys.path)

    def send(self, message: Any) -> None:
        try:
            self.link.send(message)
        except OSError:
            self._fail()

    def receive(self) -> Any:
        try:
            return self.link.recv()
        except (EOFError, OSError):
            self._fail()

    def _fail(self) -> NoReturn:
        """Say how the process ended; it closes its line a moment earlier."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        code = self.process.returncode
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            reason = f"was killed by {name}" + (", as the system does where memory runs out" if -code == 9 else "")
        else:
            reason = f"ended with exit code {code}"
        raise DeviceError(f"the process on {self.device} {reason}: the texts are not encoded")

    def end(self) -> None:
        self.link.close()
        self.process.kill()
        self.process.wait()


@contextmanager
def crew_of(encoder: Any, places: str | Sequence[str | int]) -> Generator[Crew, None, None]:
    """The crew of an encoder on these devices (`simemb.devices.find_several`), until the end of the context."""
    quantized = getattr(encoder, "quantized", None) is not None
    found = devices.find_several(places, cpu_only="precision int8" if quantized else "")
    log.info("%s: encoding in processes of their own, on %s", encoder.name, ", ".join(found))
    crew = Crew(encoder, found)
    try:
        yield crew
    finally:
        crew.close()


def _threads(processes: int) -> int:
    """The threads of each process, which share those of this one."""
    import torch

    return max(1, torch.get_num_threads() // processes)


class _Packer(pickle.Pickler):
    """Packs what lies on a GPU as if it lay on the CPU: whoever unpacks it need not have that GPU."""

    def reducer_override(self, obj: Any) -> Any:
        import torch

        if type(obj) is torch.Tensor and obj.device.type != "cpu":
            return obj.cpu().__reduce_ex__(pickle.HIGHEST_PROTOCOL)
        return NotImplemented


def packed(encoder: Any) -> bytes:
    """An encoder as workers take it. Raises `DeviceError` if a part of it cannot be sent."""
    content = BytesIO()
    try:
        _Packer(content, pickle.HIGHEST_PROTOCOL).dump(encoder)
    except Exception as error:  # whatever an object of somebody else raises
        reason = " ".join(str(error).split())[:240]
        raise DeviceError(f"{encoder.name} cannot be sent to another process: {reason}") from error
    return content.getvalue()


@contextmanager
def _signals_blocked() -> Generator[None, None, None]:
    """A process that is started here never sees the signals of `ENDING`; this one sees them afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [getattr(signal, name) for name in ENDING])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
