"""The command line: `simemb VERB ...`.

Only the chosen verb is imported, so that `simemb --help` answers at once. What a user can mend becomes one
line on standard error and exit code 2.
"""

import logging
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches

VERBS = {
    "train": "train an encoder by a recipe",
    "encode": "turn texts into vectors",
    "eval": "score encoders on suites of tasks",
    "compare": "say which encoder is better, and how sure that is",
    "report": "write a page about models: scores, pictures, what they get wrong",
    "plot": "draw one figure for a paper",
    "index": "build a search index from texts",
    "search": "find the nearest texts of an index",
    "mine": "add hard negatives to pairs",
    "whiten": "even out the vectors of an encoder",
    "new": "make an untrained model with a vocabulary of your own",
    "list": "show the recipes, suites and corpora at hand",
}

HELP = """simemb: train, score and search with sentence encoders

  simemb train RECIPE [--model M] [--data D] [--output DIR] [--any.field VALUE]
  simemb encode MODEL INPUT --output VECTORS.npy
  simemb eval MODEL [--suite sts] [--json FILE]
  simemb compare MODEL MODEL [--suite sts] [--against published]
  simemb report RUN [RUN ...] --output REPORT.html
  simemb plot FIGURE RUN [RUN ...] --output FIGURE.svg
  simemb index MODEL INPUT --output DIR
  simemb search INDEX "a question"
  simemb mine MODEL PAIRS --output TRIPLETS.tsv
  simemb whiten MODEL --data INPUT --output DIR
  simemb new OUTPUT --data INPUT
  simemb list [recipes|suites|corpora]

MODEL is a run directory, any Hugging Face or sentence-transformers directory,
or a hub name; INPUT is a .txt, .csv, .tsv, .jsonl or .parquet file (.gz too),
the name of a corpus, or - for standard input.

Start here, with no data and no network:
  simemb train simcse --output runs/first

Your own sentences, one a line; then NLI triplets, with the temperature changed:
  simemb train simcse --model bert-base-uncased --data sentences.txt \\
    --output runs/mine
  simemb train simcse_sup --model bert-base-uncased --data triplets.csv \\
    --objective.temperature 0.1 --output runs/sup

`simemb VERB --help` tells all about a verb, `simemb train RECIPE --help` every
field of a recipe.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code: 0, 2 for what a user can mend, 130 after Ctrl-C."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _answer(words)
        sys.stdout.flush()
    except KeyboardInterrupt as interrupt:
        sys.stderr.write(f"{str(interrupt) or 'stopped'}\n")
        return 130
    except BrokenPipeError:
        # Whoever read our output (head, less) has gone; nothing may be flushed into the pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _answer(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help"):
        sys.stdout.write(HELP)
        return 0
    if words[0] == "--version":
        from simemb import __version__

        sys.stdout.write(f"simemb {__version__}\n")
        return 0
    if words[0] not in VERBS:
        near = get_close_matches(words[0], VERBS, n=1, cutoff=0.4)
        hint = f": did you mean '{near[0]}'?" if near else ""
        return _complain(f"unknown verb '{words[0]}'{hint} (allowed: {', '.join(VERBS)})")
    return _run(words[0], words[1:])


def _run(verb: str, words: list[str]) -> int:
    from simemb.commands import train
    from simemb.errors import SimembError

    _speak()
    try:
        train.run(verb, words)
    except SimembError as error:
        return _complain(" ".join(str(error).split()))
    except SystemExit as done:  # how tyro ends after --help
        return int(done.code or 0)
    return 0


def _complain(line: str) -> int:
    sys.stderr.write(f"simemb: {line}\n")
    return 2


class _Speaker(logging.Handler):
    """What the library has to say, as plain lines on standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        sys.stderr.write(f"{record.getMessage()}\n")


def _speak() -> None:
    log = logging.getLogger("simemb")
    if not log.handlers:
        log.addHandler(_Speaker())
        log.setLevel(logging.INFO)


if __name__ == "__main__":
    sys.exit(main())
