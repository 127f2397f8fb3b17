"""How long until the first vector, in a fresh process?

    python benchmarks/cold.py PATH/minilm-l4-mlm [--models base 6x384 12x768] [--rounds 7]

`simemb encode` of a file with one sentence, compared to a script of three lines that loads the same directory with
sentence-transformers and prints one vector. Both run once before they are timed, so that the system has cached the
files.
Results: benchmarks/results/cold.json.
"""

import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import runtimes
from models import arguments, directories, prepare
from record import add
from timing import alternate, clock

SENTENCE = "A man is playing a guitar on the stage."
SCRIPT = """import sys
from sentence_transformers import SentenceTransformer
print(SentenceTransformer(sys.argv[1], device="cpu").encode(sys.argv[2]))
"""


def start(*command: str) -> None:
    """Run this Python with some arguments to its end."""
    subprocess.run([sys.executable, *command], check=True, capture_output=True)


def measure(name: str, model: Path, rounds: int) -> None:
    """Measure and record one model."""
    with tempfile.TemporaryDirectory() as folder:
        saved, text, vectors = Path(folder) / "encoder", Path(folder) / "one.txt", Path(folder) / "one.npy"
        runtimes.sentence_transformer(model, "mean", 256).save(str(saved))
        text.write_text(SENTENCE + "\n", encoding="utf-8")
        ours = ("-P", "-m", "simemb.cli", "encode", str(saved), str(text), "--overwrite", "--output", str(vectors))
        commands = {"simemb": ours, "sentence-transformers": ("-c", SCRIPT, str(saved), SENTENCE)}
        for command in commands.values():
            start(*command)
        seconds = alternate({program: clock(partial(start, *words)) for program, words in commands.items()}, rounds)
    add("cold", name, {"model": name, "seconds": seconds})


def main() -> None:
    """Measure every requested model."""
    options = arguments(__doc__, rounds=7).parse_args()
    prepare(options)
    with directories(options) as paths:
        for name, model in paths.items():
            measure(name, model, options.rounds)


if __name__ == "__main__":
    main()
