"""Train in two processes, as people type it, many times in a row: `python -m tests.trials.launches`.

A launch ends well if it ends with 0, says everything once, gives the weights of one process and the same files as every
other launch of its kind, and leaves nothing else behind. With `--kill` one process of each launch is killed at a random
moment: then all processes end soon, the earlier run is whole or the new one has begun, and what one types then gives
the same files.
"""

import argparse
import contextlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from tests.trials import contents
from tests.trials.tables import Table
from tests.trials.writers import command, make_inputs, train

TORCHRUN = ("torchrun", "--nproc-per-node", "2", "-m", "simemb.cli")
ACCELERATE = ("accelerate", "launch", "--multi_gpu", "--num_processes", "2", "-m", "simemb")
WEIGHTS, EQUAL = "best/model.safetensors", 1e-5
"""The encoder that a run gives, and by how much that of one process may differ."""
STRAYS = 1e-3
"""The share of weights that may differ by more: where a gradient is next to nothing, rounding alone says which way Adam
takes its whole step."""
SOON = 60.0
"""Seconds within which a launch ends after one of its processes was killed, and seconds that a launch may take more."""


def words(*, evaluates: bool, overwrites: bool) -> list[str]:
    """A short run without dropout, whose masks are those of one process; `{}` stands for the folder of the inputs."""
    over = ["--overwrite"] if overwrites else []
    return train("simcse", "texts.txt", "--dropout", "0", *over, dev="{}/dev.tsv" if evaluates else "none")


@dataclass(frozen=True)
class Kind:
    """A way to type it: the launcher, whether there is a dev suite, whether an earlier run is replaced."""

    launcher: Sequence[str]
    evaluates: bool
    overwrites: bool

    @property
    def name(self) -> str:
        """The row of the table."""
        how = "with evaluation" if self.evaluates else "without evaluation"
        return f"{self.launcher[0]}, {how}{', --overwrite' if self.overwrites else ''}"

    def words(self, inputs: Path) -> list[str]:
        """The command line of simemb."""
        return [word.replace("{}", str(inputs)) for word in words(evaluates=self.evaluates, overwrites=self.overwrites)]


KINDS = tuple(
    Kind(launcher, evaluates, overwrites)
    for overwrites in (False, True)
    for evaluates in (True, False)
    for launcher in (TORCHRUN, ACCELERATE)
)


class LossError(Exception):
    """What was not as it must be."""


@dataclass(frozen=True)
class Ended:
    """How a launch ended. after_kill: seconds that it took from the kill on, if one of its processes was killed."""

    code: int
    output: str
    after_kill: float | None = None


class Bench:
    """A home for launches: the folder of the earlier run, of a run, and the cache."""

    def __init__(self, folder: Path) -> None:
        self.inputs, self.home, self.earlier = folder / "inputs", folder / "home", folder / "earlier"
        os.environ |= {"SIMEMB_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        make_inputs(self.inputs)
        self.made: dict[bool, dict[str, str]] = {}
        self.one: dict[bool, dict[str, Any]] = {}
        self.seconds, self.slowest = SOON, 0.0
        for evaluates in (True, False):
            self.empty()
            self._alone(*words(evaluates=evaluates, overwrites=False))
            self.one[evaluates] = load_file(self.home / "out" / WEIGHTS)
        self._alone(*words(evaluates=True, overwrites=True), "--seed", "7")
        shutil.copytree(self.home, self.earlier)
        self.old = contents.run(self.home / "out")

    def _alone(self, *words: str) -> None:
        """Run simemb in this process."""
        with contextlib.chdir(self.home):
            if code := command(*words)(self.inputs):
                raise SystemExit(f"a trial cannot begin: exit code {code}")

    def measure(self) -> None:
        """See how long a launch takes, so that the moments of kills are spread over it."""
        self.empty()
        started = time.monotonic()
        self.check(KINDS[0], self.launch(TORCHRUN, KINDS[0].words(self.inputs)))
        self.seconds = time.monotonic() - started

    def empty(self) -> None:
        """A home without a run."""
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir()

    def begin(self, kind: Kind) -> None:
        """The home as it is before a launch: with an earlier run, if that is replaced."""
        self.empty()
        if kind.overwrites:
            shutil.copytree(self.earlier, self.home, dirs_exist_ok=True)

    def launch(self, launcher: Sequence[str], words: Sequence[str], kill: tuple[float, int] | None = None) -> Ended:
        """Type it. kill: after how many seconds which process is killed."""
        said = self.home.with_name("said.txt")
        with said.open("wb") as file:
            process = subprocess.Popen(
                [*launcher, *words], cwd=self.home, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
            )
            killed = None
            if kill is not None:
                killed = time.monotonic() if _kill(process, *kill) else None
            try:
                code = process.wait(timeout=SOON + 5 * self.seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()
                raise LossError(f"it hangs: {_tail(said)}") from None
        return Ended(code, said.read_text(errors="replace"), None if killed is None else time.monotonic() - killed)

    # ---- what must hold ------------------------------------------------------------------------------

    def check(self, kind: Kind, ended: Ended) -> None:
        """Raise `LossError` unless a launch has ended well."""
        if ended.code:
            raise LossError(f"exit code {ended.code}: {ended.output.strip()[-600:]}")
        for line in ("next:", "the best encoder", *(["step 4: "] if kind.evaluates else [])):
            if ended.output.count(line) != 1:
                raise LossError(f"{line!r} comes {ended.output.count(line)} times: {ended.output.strip()[-600:]}")
        one, two = self.one[kind.evaluates], load_file(self.home / "out" / WEIGHTS)
        apart = torch.cat([(two[name] - tensor).abs().flatten() for name, tensor in one.items()])
        if (share := (apart > EQUAL).float().mean().item()) > STRAYS:
            raise LossError(f"{share:.2%} of the weights are not those of one process, by up to {apart.max().item()}")
        content = dict(contents.run(self.home / "out"))
        made = self.made.setdefault(kind.evaluates, content)
        if differing := {name for name in made.keys() | content.keys() if made.get(name) != content.get(name)}:
            raise LossError(f"another run than that of the launches before: {sorted(differing)}")
        self.check_tidy()

    def check_tidy(self) -> None:
        """Raise `LossError` if something is left beside the run."""
        strays = [path.name for path in self.home.iterdir() if path.name != "out"]
        strays += [str(path) for path in (self.home / "out").rglob("*") if contents.is_temporary(path)]
        if strays:
            raise LossError(f"left behind: {', '.join(strays)}")

    def check_whole(self, kind: Kind) -> None:
        """Raise `LossError` unless the earlier run is there, or the new one, maybe only begun."""
        run = self.home / "out"
        if kind.overwrites and not run.exists():
            raise LossError("the earlier run is gone")
        if not run.exists() or contents.run(run) == self.old:
            return
        try:
            problem = contents.begun(run)
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
        if problem is not None:
            raise LossError(f"after the kill the run {problem}")


def _kill(process: subprocess.Popen[bytes], seconds: float, rank: int) -> bool:
    """Kill one process of a launch after some seconds; False if it has ended before."""
    time.sleep(seconds)
    while process.poll() is None:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        if len(children) > rank:
            try:
                os.kill(int(children[rank]), 9)
            except ProcessLookupError:
                return False
            return True
        time.sleep(0.01)
    return False


def _tail(said: Path) -> str:
    return said.read_text(errors="replace").strip()[-600:]


def launches(bench: Bench, kind: Kind, times: int) -> Iterator[tuple[str, str | None]]:
    """Launch a kind so many times; yields each case and what was wrong, if anything."""
    for number in range(times):
        bench.begin(kind)
        if number % 2 == 0:
            shutil.rmtree(os.environ["SIMEMB_CACHE"], ignore_errors=True)
        try:
            bench.check(kind, bench.launch(kind.launcher, kind.words(bench.inputs)))
        except LossError as lost:
            yield f"{number}", str(lost)
        else:
            yield f"{number}", None


def kills(bench: Bench, kind: Kind, times: int, dice: random.Random) -> Iterator[tuple[str, str | None]]:
    """Kill one process of each launch; yields each case and what was lost, if anything."""
    for number in range(times):
        bench.begin(kind)
        seconds, rank = dice.random() * bench.seconds, dice.randrange(2)
        try:
            ended = bench.launch(kind.launcher, kind.words(bench.inputs), (seconds, rank))
            if ended.after_kill is not None:
                _judge(bench, kind, ended)
        except LossError as lost:
            yield f"{number}: process {rank} after {seconds:.2f} s", str(lost)
        else:
            yield f"{number}: process {rank} after {seconds:.2f} s", None


def _judge(bench: Bench, kind: Kind, killed: Ended) -> None:
    assert killed.after_kill is not None
    bench.slowest = max(bench.slowest, killed.after_kill)
    if killed.after_kill > SOON:
        raise LossError(f"the others went on for {killed.after_kill:.0f} s")
    bench.check_whole(kind)
    if not kind.overwrites and (bench.home / "out" / "recipe.json").exists():
        ended = bench.launch(kind.launcher, ["train", "--resume", "out"])
    else:
        ended = bench.launch(kind.launcher, kind.words(bench.inputs))
    if ended.code:
        raise LossError(f"the same again: exit code {ended.code}: {ended.output.strip()[-600:]}")
    content = contents.run(bench.home / "out")
    if content != bench.made.setdefault(kind.evaluates, dict(content)):
        raise LossError("the same again gives another run")
    bench.check_tidy()


def main(words: Sequence[str] | None = None) -> int:
    """Launch as the command line says; 1 if a launch did not end well."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tests.trials.launches")
    parser.add_argument("--times", type=int, default=50, help="launches in all, of every kind in turn")
    parser.add_argument("--kill", action="store_true", help="kill one process of each at a random moment")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--kind", type=int, action="append", help="the number of a kind; by default all of them")
    options = parser.parse_args(words)
    kinds = [KINDS[number] for number in options.kind or range(len(KINDS))]
    table, dice = Table("kills" if options.kill else "launches", kinds), random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="simemb-launches-") as folder:
        bench = Bench(Path(folder))
        if options.kill:
            bench.measure()
        for place, kind in enumerate(table.writers()):
            times = len(range(place, options.times, len(kinds)))
            table.add(kind, kills(bench, kind, times, dice) if options.kill else launches(bench, kind, times))
        if options.kill:
            print(f"after a kill a launch ended within {bench.slowest:.1f} s")
    return table.close()


if __name__ == "__main__":
    sys.exit(main())
