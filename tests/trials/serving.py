"""A server under attack and under restarts: `python -m tests.trials.serving`.

Malformed requests: none may make it fail, hang or end, and its memory may not grow without end. Restarts: clients ask
without a pause while the server is stopped by SIGTERM and started again on the same port, and ask again where nobody
answered; every answer is whole and right, and every process ends with code 0.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import httpx2
import numpy as np
import psutil

from simemb.encoder.encoder import Encoder
from tests.trials.requests_of_all_kinds import answered, request
from tests.trials.tables import Table

TEXTS = [f"A man number {number} plays the guitar {'very ' * (number % 5)}well." for number in range(64)]
GROWTH = 300_000_000
"""Bytes that a server may grow by while it refuses requests: caches that fill, and arenas of threads."""


@dataclass(frozen=True)
class Trial:
    """A row of the table."""

    name: str


class Process:
    """`simemb serve mini` on a port."""

    def __init__(self, port: int):
        command = [sys.executable, "-m", "simemb", "serve", "mini", "--port", str(port)]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"COLUMNS": ""})
        assert self._process.stderr is not None
        self.said: list[str] = []
        for line in self._process.stderr:
            self.said.append(line)
            if "listening on" in line:
                self.place = ("127.0.0.1", int(line.split(" on http://127.0.0.1:")[1].split()[0]))
                break
        else:
            raise SystemExit("".join(self.said))
        self._listener = threading.Thread(target=lambda: self.said.extend(self._process.stderr or ()), daemon=True)
        self._listener.start()

    def memory(self) -> int:
        """Bytes in memory."""
        return psutil.Process(self._process.pid).memory_info().rss

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(60)
        self._listener.join()
        assert self._process.stderr is not None
        self._process.stderr.close()
        return code


def attack(count: int, seed: int) -> Iterator[tuple[str, str | None]]:
    """Malformed requests, one after the other."""
    server, dice = Process(0), random.Random(seed)
    before = 0
    for number in range(count):
        content = request(dice)
        try:
            status = answered(server.place, content)
        except OSError as error:
            status = f"5xx: {error}"
        yield f"{seed}:{number}", f"{status} to {content[:200]!r}" if status.startswith("5") else None
        if number == count // 10:
            before = server.memory()
    grown, code = server.memory() - before, server.stop()
    yield "memory", f"{grown} bytes more" if grown > GROWTH else None
    yield "end", f"exit code {code}: {server.said[-3:]}" if code or "defect" in "".join(server.said) else None


@dataclass
class Client:
    """Asks without a pause until it is stopped; counts answers, and keeps what was wrong with one."""

    address: str
    expected: np.ndarray
    stop: threading.Event
    answers: int = 0
    again: int = 0
    lost: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Ask for one text after the other; a connection that nobody answered on is no loss."""
        number = 0
        with httpx2.Client(base_url=self.address, timeout=60) as client:
            while not self.stop.is_set():
                row = number % len(TEXTS)
                try:
                    answer = client.post("/embed", json={"inputs": TEXTS[row]})
                    if (
                        answer.status_code != 200
                        or np.abs(np.array(answer.json()[0]) - self.expected[row]).max() > 1e-5
                    ):
                        self.lost.append(f"{answer.status_code}: {answer.text[:200]}")
                    self.answers += 1
                    number += 1
                except (httpx2.ConnectError, httpx2.ReadError, httpx2.WriteError):
                    self.again += 1
                    time.sleep(0.02)
                except httpx2.RemoteProtocolError as error:
                    if "without sending a response" not in str(error):
                        self.lost.append(str(error))
                    self.again += 1


def restarts(count: int, clients: int) -> Iterator[tuple[str, str | None]]:
    """Stop and start a server while clients ask."""
    server, stop = Process(0), threading.Event()
    expected = Encoder.load("mini").encode(TEXTS, normalize=True)
    asking = [Client(f"http://127.0.0.1:{server.place[1]}", expected, stop) for _ in range(clients)]
    threads = [threading.Thread(target=client.run) for client in asking]
    for thread in threads:
        thread.start()
    for number in range(count):
        before = sum(client.answers for client in asking)
        while sum(client.answers for client in asking) < before + 10 * clients:
            time.sleep(0.01)
        code = server.stop()
        server = Process(server.place[1])
        lost = [line for client in asking for line in client.lost]
        yield str(number), f"exit code {code}" if code else lost[0] if lost else None
        for client in asking:
            client.lost.clear()
    stop.set()
    for thread in threads:
        thread.join()
    answers, again = (sum(getattr(client, name) for client in asking) for name in ("answers", "again"))
    print(f"  {answers} answers, {again} asked again", flush=True)
    yield "end", f"exit code {code}" if (code := server.stop()) else None


def main(words: Sequence[str] | None = None) -> int:
    """Carry out both trials; returns 1 if something was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.trials.serving", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--requests", type=int, default=10_000, help="malformed requests")
    parser.add_argument("--restarts", type=int, default=100, help="restarts under load")
    parser.add_argument("--clients", type=int, default=8, help="clients that ask meanwhile")
    parser.add_argument("--seed", type=int, default=0, help="of the malformed requests")
    options = parser.parse_args(words)
    table = Table("serving", [Trial("malformed requests"), Trial("restarts under load")])
    for trial in table.writers():
        if trial.name.startswith("malformed"):
            table.add(trial, attack(options.requests, options.seed))
        else:
            table.add(trial, restarts(options.restarts, options.clients))
    return table.close()


if __name__ == "__main__":
    sys.exit(main())
