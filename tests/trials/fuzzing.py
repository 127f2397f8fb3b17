"""Mutate every kind of file that simemb reads, and see that it is read or refused in one line.

python -m tests.trials.fuzzing [--seed S] [--cases N] [--first N] [--kind NAME ...]
python -m tests.trials.fuzzing --seed S --case N --keep DIR

A case follows from the seed and its number alone: the kind of file, the reader, the file and what is done to it. It
runs in a child of its own (`tests.trials.sandbox`). It is good if the reader ends with exit code 0, or with 2 and one
line that begins with `simemb: `, and if nothing has changed but what it was asked to write. Everything else is a fault:
a traceback, another exit code, a crash, more than 20 s or 2 GB, a file that is changed, gone or left over, and vectors
that are not finite.
"""

import argparse
import os
import random
import re
import shlex
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from hashlib import sha256
from itertools import count, islice
from pathlib import Path

from tests.trials import sandbox, specimens
from tests.trials.mutations import mutate
from tests.trials.specimens import KINDS, Kind

_FRAME = re.compile(r'File ".*/(simemb/\S+)", line (\d+)')
READ, REFUSED, FAULT = "read", "refused", "faults"
LONGEST = 2000
"""Characters of the one line."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")


@dataclass(frozen=True)
class Case:
    """A mutated specimen and its reader."""

    seed: int
    number: int
    kind: Kind
    reader: str
    mutation: str
    words: list[str]

    @property
    def repeated(self) -> str:
        """The command that repeats this case alone."""
        return f"python -m tests.trials.fuzzing --seed {self.seed} --case {self.number} --keep DIR"


@dataclass(frozen=True)
class Verdict:
    """What came of a case: `READ`, `REFUSED` or `FAULT`, and what the reader said or did."""

    outcome: str
    words: str


def kind_of(number: int) -> Kind:
    """The kind of file of a case: they take turns."""
    return KINDS[number % len(KINDS)]


def lay_out(seed: int, number: int, pantry: Path, home: Path) -> Case:
    """Prepare a case in an empty folder: the mutated specimen, things of the user's, and a folder for what is made."""
    kind, turn = kind_of(number), number // len(KINDS)
    reader = kind.readers[turn % len(kind.readers)]
    dice = random.Random(f"{seed} {number}")
    source, it = pantry / kind.specimen, home / Path(kind.specimen).name
    (shutil.copytree if source.is_dir() else shutil.copy)(source, it)
    for name in ("diary.txt", f"{it.name}.old/letters.txt", "made/kept.txt"):
        (home / name).parent.mkdir(exist_ok=True)
        (home / name).write_text("years of work\n")
    target = dice.choice(kind.choices(it))
    done = mutate(target, dice, pipes=target != it)
    mutation = f"{target.relative_to(home)}: {done}"
    return Case(seed, number, kind, reader, mutation, specimens.words(reader, pantry, it))


def try_out(case: Case, pantry: Path, home: Path) -> tuple[Verdict, sandbox.Ended]:
    """Run the reader of a case in its folder."""
    it = home / Path(case.kind.specimen).name
    variables = {"SIMEMB_CACHE": str(home / "made" / "cache")}
    variables |= {name: value.format(it=it) for name, value in case.kind.environment.items()}

    def work() -> int:
        os.environ.update(variables)
        return specimens.execute(case.words)

    before, stock = _snapshot(home), _stock(pantry)
    ended = sandbox.run(work, home)
    problem = _misbehaved(ended) or _lost(case, ended, before, _snapshot(home), it.name)
    if problem is None and _stock(pantry) != stock:
        problem = "something outside of its folder was changed"
    if problem is None and ended.code == 0:
        problem = _wrong(home / "made")
    if problem is not None:
        return Verdict(FAULT, problem), ended
    return Verdict(READ if ended.code == 0 else REFUSED, _last_line(ended.err)), ended


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def _misbehaved(ended: sandbox.Ended) -> str | None:
    """What is wrong with the end of a reader."""
    if ended.hung:
        return "it hangs"
    if ended.code < 0:
        return f"killed by signal {-ended.code}: {_last_line(ended.err)}"
    if "Traceback (most recent call last)" in ended.err or ended.code not in (0, 2):
        frames = [
            line.strip() for line in ended.err.splitlines() if "simemb/" in line and line.strip().startswith("File")
        ]
        place = frames[-1].partition("simemb/")[2].replace('", line ', ":") if frames else "?"
        return f"exit code {ended.code}, a traceback: {_last_line(ended.err)[:300]} ({place})"
    if ended.code == 2:
        lines = ended.err.splitlines()
        complaints = [line for line in lines if line.startswith("simemb: ")]
        if len(complaints) != 1 or lines[-1] != complaints[0]:
            return f"{len(complaints)} complaints, not one line at the end: {_last_line(ended.err)[:300]}"
        if len(complaints[0]) > LONGEST:
            return f"a complaint of {len(complaints[0])} characters: {complaints[0][:200]}"
    return None


# ---- nothing lost ----------------------------------------------------------------------------------


def _snapshot(folder: Path) -> dict[str, str]:
    """Every path in a folder with what it is, and the digest of a file."""
    return {str(path.relative_to(folder)): _state(path) for path in folder.rglob("*")}


def _state(path: Path) -> str:
    if path.is_symlink():
        return f"-> {path.readlink()}"
    return sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder" if path.is_dir() else "pipe"


def _stock(pantry: Path) -> list[tuple[str, int, int]]:
    """The files of the pantry with their sizes and dates, but for those that readers add."""
    files = [(path, path.stat()) for path in pantry.rglob("*") if path.is_file() and "scores" not in path.parts]
    return sorted((str(path), state.st_size, state.st_mtime_ns) for path, state in files)


def _lost(case: Case, ended: sandbox.Ended, before: dict[str, str], after: dict[str, str], it: str) -> str | None:
    """What a reader has changed beside what it was asked to write; a refusal changes nothing."""
    from simemb.files import is_temporary

    strays = [path for path in after if any(is_temporary(Path(part)) for part in Path(path).parts)]
    if strays:
        return f"left over: {strays[0]}"
    writes = ("made", it) if _writes_it(case) and ended.code == 0 else ("made", "cache")
    for path in sorted(before.keys() | after.keys()):
        kept = before.get(path) == after.get(path)
        if not kept and (Path(path).parts[0] not in writes or path == "made/kept.txt"):
            return f"{'gone' if path not in after else 'new' if path not in before else 'changed'}: {path}"
    return None


def _writes_it(case: Case) -> bool:
    """Whether a reader writes into what it reads: a run keeps its scores."""
    return "--output {it}" in case.reader or (case.reader.startswith("eval") and case.kind.specimen == "run")


def _wrong(made: Path) -> str | None:
    """What is wrong with a success."""
    import numpy as np

    path = made / "vectors.npy"
    if path.is_file() and not np.isfinite(np.load(path)).all():
        return "vectors that are not finite"
    return None


# ---- the command -----------------------------------------------------------------------------------


def cases(options: argparse.Namespace, pantry: Path) -> Iterator[tuple[Case, Verdict]]:
    """Every case that was asked for, tried out."""
    wanted = (number for number in count(options.first) if not options.kind or kind_of(number).name in options.kind)
    for number in islice(wanted, options.cases):
        with tempfile.TemporaryDirectory(prefix="simemb-fuzzing-") as home:
            case = lay_out(options.seed, number, pantry, Path(home))
            yield case, try_out(case, pantry, Path(home))[0]


def _again(options: argparse.Namespace, pantry: Path) -> int:
    """One case alone, in a folder that stays."""
    home = options.keep.resolve()
    home.mkdir(parents=True)
    case = lay_out(options.seed, options.case, pantry, home)
    verdict, ended = try_out(case, pantry, home)
    _say(f"{case.kind.name}, {case.mutation}\n  simemb {shlex.join(case.words)}\n{ended.out}{ended.err}")
    _say(f"{verdict.outcome}: {verdict.words}")
    return int(verdict.outcome == FAULT)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _table(counts: Counter[tuple[str, str]]) -> str:
    names = dict.fromkeys(name for name, _ in counts)
    width = max(map(len, (*names, "kind of file")))
    rows = [f"{'kind of file':{width}}   tried    read refused  faults"]
    for name in (*names, "all"):
        of_kind = [sum(n for (kind, verdict), n in counts.items() if name in (kind, "all") and verdict == each)
                   for each in (READ, REFUSED, FAULT)]  # fmt: skip
        rows.append(f"{name:{width}} {sum(of_kind):7} " + " ".join(f"{number:7}" for number in of_kind))
    return "\n".join(rows)


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="the number of the first case")
    parser.add_argument("--kind", nargs="+", default=[], help="only these kinds of file")
    parser.add_argument("--case", type=int, help="only the case of this number")
    parser.add_argument("--keep", type=Path, help="the folder of that case, which stays")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Run the trials; the exit code is 1 if there is a fault."""
    options = _options(words)
    os.environ.update(dict.fromkeys(THREADS, "1"), TOKENIZERS_PARALLELISM="false", HF_HUB_OFFLINE="1")
    counts: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory(prefix="simemb-pantry-") as folder:
        pantry = Path(folder)
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            specimens.make(pantry)
        if options.case is not None:
            return _again(options, pantry)
        for done, (case, verdict) in enumerate(cases(options, pantry), 1):
            if done % 100 == 0:
                sys.stderr.write(f"{done} of {options.cases} cases, the last is {case.number}\n")
            counts[case.kind.name, verdict.outcome] += 1
            if verdict.outcome == FAULT:
                _say(f"fault: {case.kind.name}, {case.mutation}; {case.reader}\n  {verdict.words}\n  {case.repeated}")
    _say(_table(counts))
    return int(any(outcome == FAULT for _, outcome in counts))


if __name__ == "__main__":
    sys.exit(main())
