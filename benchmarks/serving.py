"""How many requests a second does `simemb serve` answer, beside the same model behind FastAPI?

    python benchmarks/serving.py PATH/minilm-l4-mlm [--clients 1 8 32] [--seconds 5] [--rounds 3]

Both servers are processes of their own on this machine, one at a time under load, in alternating rounds. Each client
asks for one sentence of STS after the other, as `POST /embed`, and waits for the answer. The peer is what one would
write: a FastAPI route that calls `SentenceTransformer.encode`, in the threads that FastAPI gives it. The clients are
threads of another process. Recorded: the medians over the rounds of requests a second, and of the percentiles of the
time of one.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import record
from machine import refuse_company
from texts import texts as sample

PEER = """
import sys
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from sentence_transformers import SentenceTransformer

app, model = FastAPI(), SentenceTransformer(sys.argv[1], device="cpu")

class Body(BaseModel):
    inputs: list[str]

@app.post("/embed")
def embed(body: Body):
    return model.encode(body.inputs, normalize_embeddings=True, show_progress_bar=False).tolist()

@app.get("/health")
def health():
    return ""

uvicorn.run(app, port=int(sys.argv[2]), log_level="error")
"""
CLIENTS = """
import http.client, json, sys, threading, time
port, clients, seconds = map(float, sys.argv[1:4])
texts, times = json.load(sys.stdin), []

def ask(first):
    connection, row = http.client.HTTPConnection("127.0.0.1", int(port)), first
    while time.perf_counter() < end:
        started = time.perf_counter()
        body = json.dumps({"inputs": [texts[row % len(texts)]]})
        connection.request("POST", "/embed", body, {"content-type": "application/json"})
        answer = connection.getresponse()
        assert answer.status == 200 and len(answer.read()) > 1000, answer.status
        times.append(time.perf_counter() - started)
        row += int(clients)

end = time.perf_counter() + seconds
threads = [threading.Thread(target=ask, args=(number,)) for number in range(int(clients))]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps(times))
"""


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def server(program: str, model: str) -> Iterator[int]:
    """The port of a server, from its first answer on."""
    port = free_port()
    ours = ["-m", "simemb", "serve", model, "--pooling", "mean", "--port", str(port)]
    words = ours if program == "simemb" else ["-c", PEER, model, str(port)]
    process = subprocess.Popen([sys.executable, *words], env=os.environ | {"TRANSFORMERS_VERBOSITY": "error"})
    try:
        for _ in range(600):
            try:
                urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
                break
            except (URLError, OSError):
                time.sleep(0.2)
        yield port
    finally:
        process.terminate()
        process.wait()


def load(port: int, clients: int, seconds: float, texts: list[str]) -> dict[str, float]:
    """Requests a second, and milliseconds of half of them and of 99 in 100."""
    words = [sys.executable, "-c", CLIENTS, str(port), str(clients), str(seconds)]
    done = subprocess.run(words, input=json.dumps(texts), capture_output=True, text=True, check=True)
    times = sorted(json.loads(done.stdout))
    return {
        "per_second": len(times) / seconds,
        "p50": 1000 * times[len(times) // 2],
        "p99": 1000 * times[min(len(times) - 1, len(times) * 99 // 100)],
    }


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dry", action="store_true", help="record nothing, and do not mind other programs")
    options = parser.parse_args()
    if not options.dry:
        record.OTHERS = refuse_company()
    texts, programs = sample("short", 2000), ("simemb", "peer")
    rounds = {(program, clients): [] for program in programs for clients in options.clients}
    with server("simemb", options.model) as ours, server("peer", options.model) as theirs:
        ports = {"simemb": ours, "peer": theirs}
        for program in programs:
            load(ports[program], 4, 1, texts)
        for number in range(options.rounds):
            for clients in options.clients:
                for program in programs if number % 2 == 0 else programs[::-1]:
                    found = load(ports[program], clients, options.seconds, texts)
                    rounds[program, clients].append(found)
                    print(f"  round {number + 1}, {clients} clients, {program}: {found}", flush=True)
    for clients in options.clients:
        line: dict[str, Any] = {program: _medians(rounds[program, clients]) for program in programs}
        line["model"], line["clients"] = Path(options.model).name, clients
        line["ratio"] = line["simemb"]["per_second"] / line["peer"]["per_second"]
        print(clients, json.dumps(line), flush=True)
        if not options.dry:
            record.add("serving", f"{line['model']}; {clients} clients", line)


def _medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {name: median(found[name] for found in rounds) for name in rounds[0]}


if __name__ == "__main__":
    main()
