"""How much memory does training take as the batch grows, with and without gradient caching?

    python benchmarks/memory.py PATH/minilm-l4-mlm [--batches 64 512 4096] [--chunk 64] [--limit 16]

Unsupervised SimCSE on Wikipedia, 32 tokens at most, two optimizer steps (Adam has its moments in the second one), each
in a fresh process: simemb, simemb with `chunk`, sentence-transformers' trainer with
MultipleNegativesRankingLoss, and with CachedMultipleNegativesRankingLoss in mini-batches of `--chunk`. The peak is the
process's largest resident size; `before` is its size after all imports, with nothing loaded. A process may allocate at
most `--limit` GiB; if that is not enough, the table says so. Results: benchmarks/results/memory.json.
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


def child(options: argparse.Namespace, program: str, batch: int) -> None:
    """Train in this fresh process, and print its peak and its size before, in bytes."""
    resource.setrlimit(resource.RLIMIT_DATA, (int(options.limit * GIB),) * 2)
    for name in IMPORTS[program.partition(",")[0]]:
        import_module(name)
    rows = [(text,) for text in wiki(STEPS * batch)]
    before = resident()
    with tempfile.TemporaryDirectory() as folder:
        job = Job(options.base, rows, batch, 32, 3e-5, Path(folder))
        side, _, caching = program.partition(", ")
        train = training_programs.simemb if side == "simemb" else training_programs.sentence_transformers
        train(job, options.chunk if caching else None)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"before": before, "peak": peak}))


def resident() -> int:
    """The resident size of this process, in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def measure(options: argparse.Namespace, name: str, model: Path, program: str, batch: int) -> None:
    """Run one program in its own process and record its line."""
    flags = ["--threads", str(options.threads), "--limit", str(options.limit), "--chunk", str(options.chunk)]
    flags += ["--child", program, str(batch)]
    done = subprocess.run([sys.executable, __file__, str(model), *flags], capture_output=True, text=True)
    program = f"{program}, {options.chunk} at once" if "," in program else program
    line = {"model": name, "program": program, "batch": batch, "limit_gib": options.limit}
    if done.returncode == 0:
        line |= json.loads(done.stdout.splitlines()[-1])
    elif "allocate" in done.stderr or "MemoryError" in done.stderr or done.returncode == -9:
        line |= {"before": None, "peak": None}
    else:
        raise SystemExit(f"{name}, {program}, batch {batch}: {done.stderr[-2000:]}")
    add("memory", f"{name}, {program}, batch {batch}", line)


def main() -> None:
    """Measure every requested combination."""
    parser = arguments(__doc__, rounds=1)
    parser.add_argument("--batches", nargs="+", type=int, default=[64, 512, 4096])
    parser.add_argument("--programs", nargs="+", default=PROGRAMS, choices=PROGRAMS)
    parser.add_argument("--chunk", type=int, default=64, help="examples per chunk of gradient caching")
    parser.add_argument("--limit", type=float, default=16, help="GiB that a process may allocate")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    prepare(options)
    if options.child:
        child(options, options.child[0], int(options.child[1]))
        return
    with directories(options) as paths:
        for name, model in paths.items():
            for batch in options.batches:
                for program in options.programs:
                    measure(options, name, model, program, batch)


if __name__ == "__main__":
    main()
