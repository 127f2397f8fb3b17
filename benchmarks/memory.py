"""How much memory does training take as the batch grows, with and without gradient caching?

    python benchmarks/memory.py PATH/minilm-l4-mlm [--batches 64 512 4096] [--chunk 64] [--limit 16]

Unsupervised SimCSE on Wikipedia, 32 tokens at most, two optimizer steps (in the second one Adam's moments are there),
each in a fresh process: simemb, simemb with `chunk`, sentence-transformers' trainer with
MultipleNegativesRankingLoss, and with CachedMultipleNegativesRankingLoss in mini-batches of as many. The peak is the
process's largest resident size, `before` its size when everything is imported and nothing loaded. A process that
would need more than `--limit` GiB gets no more, and is said to have run out. Results: benchmarks/results/memory.json.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import training_programs
from models import arguments, directories, prepare
from record import add
from texts import wiki
from training_programs import Job

STEPS, GIB = 2, 2**30
PROGRAMS = ("simemb", "simemb, chunked", "sentence-transformers", "sentence-transformers, cached")
IMPORTS = {
    "simemb": ("simemb.training.fit", "accelerate", "transformers.models.bert.modeling_bert"),
    "sentence-transformers": (
        *("sentence_transformers", "sentence_transformers.sentence_transformer.losses"),
        *("datasets", "accelerate", "transformers.models.bert.modeling_bert", "simemb.corpus.rows"),
    ),
}


def child(chosen: argparse.Namespace, program: str, batch: int) -> None:
    """In a fresh process: train, and print its peak and its size before, in bytes."""
    resource.setrlimit(resource.RLIMIT_DATA, (int(chosen.limit * GIB),) * 2)
    for name in IMPORTS[program.partition(",")[0]]:
        import_module(name)
    rows = [(text,) for text in wiki(STEPS * batch)]
    before = resident()
    with tempfile.TemporaryDirectory() as folder:
        job = Job(chosen.base, rows, batch, 32, 3e-5, Path(folder))
        side, _, caching = program.partition(", ")
        train = training_programs.simemb if side == "simemb" else training_programs.sentence_transformers
        train(job, chosen.chunk if caching else None)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"before": before, "peak": peak}))


def resident() -> int:
    """Bytes of this process in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def measure(chosen: argparse.Namespace, name: str, model: Path, program: str, batch: int) -> None:
    """Start the process, wait for it, record what it says."""
    options = ["--threads", str(chosen.threads), "--limit", str(chosen.limit), "--chunk", str(chosen.chunk)]
    options += ["--child", program, str(batch)]
    done = subprocess.run([sys.executable, __file__, str(model), *options], capture_output=True, text=True)
    program = f"{program}, {chosen.chunk} at once" if "," in program else program
    line = {"model": name, "program": program, "batch": batch, "limit_gib": chosen.limit}
    if done.returncode == 0:
        line |= json.loads(done.stdout.splitlines()[-1])
    elif "allocate" in done.stderr or "MemoryError" in done.stderr or done.returncode == -9:
        line |= {"before": None, "peak": None}
    else:
        raise SystemExit(f"{name}, {program}, batch {batch}: {done.stderr[-2000:]}")
    add("memory", f"{name}, {program}, batch {batch}", line)


def main() -> None:
    """Measure what was asked for."""
    parser = arguments(__doc__, rounds=1)
    parser.add_argument("--batches", nargs="+", type=int, default=[64, 512, 4096])
    parser.add_argument("--programs", nargs="+", default=PROGRAMS, choices=PROGRAMS)
    parser.add_argument("--chunk", type=int, default=64, help="examples at once with gradient caching")
    parser.add_argument("--limit", type=float, default=16, help="GiB that a process may take")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    prepare(chosen)
    if chosen.child:
        child(chosen, chosen.child[0], int(chosen.child[1]))
        return
    with directories(chosen) as found:
        for name, model in found.items():
            for batch in chosen.batches:
                for program in chosen.programs:
                    measure(chosen, name, model, program, batch)


if __name__ == "__main__":
    main()
