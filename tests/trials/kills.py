"""Kill every writer before every change of the disk, and see that nothing is lost: `python -m tests.trials.kills`.

After each kill the earlier output is whole, or the new one; folders of the user's are as they were; and what one types
then gives the same files as a writer that was never killed, and leaves nothing else behind.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.trials import processes
from tests.trials.contents import RANDOM
from tests.trials.processes import NAMING, Change, Ended
from tests.trials.tables import Table
from tests.trials.writers import BYSTANDERS, Work, Writer, make_inputs, named

PRECIOUS = "years of work"


class LossError(Exception):
    """What was not as it must be."""


@dataclass(frozen=True)
class Reference:
    """A writer that was never killed: its homes before and after, and what it does to the disk."""

    pristine: Path
    old: Mapping[str, str] | None
    new: Mapping[str, str]
    listing: set[str]
    changes: tuple[Change, ...]
    seconds: float


class Bench:
    """Homes for the writers, and the processes that run in them."""

    def __init__(self, folder: Path, *, swaps: bool = True, inputs: bool = True) -> None:
        self.home, self.inputs, self.swaps = folder / "home", folder / "inputs", swaps
        self.folder = folder
        os.environ |= {"SIMEMB_CACHE": str(self.home / "cache"), "TMPDIR": str(self.home / "tmp")}
        os.environ |= {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
        self.empty(self.home)
        if not inputs:
            return
        processes.warm(["simemb.cli", "torch", "transformers", "accelerate", "faiss", "simemb.training.fit"])
        self._must(self.run(lambda: make_inputs(self.inputs) or 0))

    def empty(self, home: Path) -> None:
        """A new home, with what belongs to the user in it."""
        shutil.rmtree(home, ignore_errors=True)
        for name in (*BYSTANDERS, "tmp"):
            (home / name).mkdir(parents=True)
        for name in BYSTANDERS:
            (home / name / "thesis.txt").write_text(PRECIOUS)

    def run(self, work: Callable[[], int], **how: object) -> Ended:
        """`work` in the home; see `processes.run`."""
        return processes.run(work, self.home, prepare=self._no_swaps, **how)  # type: ignore[arg-type]

    def work(self, work: Work, **how: object) -> Ended:
        """A writer's work in the home."""
        return self.run(lambda: work(self.inputs), **how)

    def _no_swaps(self) -> None:
        from simemb import files

        if not self.swaps:  # as where there is no renameat2
            files._exchange = _no_exchange  # pyright: ignore[reportPrivateUsage]

    def _must(self, ended: Ended) -> None:
        if ended.code:
            raise SystemExit(f"a trial cannot begin: exit code {ended.code}\n{ended.output[-3000:]}")
        processes.warm(processes.imported(self.home))

    def begin(self, pristine: Path) -> None:
        """The home as it is before the writer."""
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.copytree(pristine, self.home, symlinks=True, dirs_exist_ok=True)

    def reference(self, writer: Writer) -> Reference:
        """Make the earlier output, then the new one."""
        pristine = self.folder / "pristine"
        self.empty(self.home)
        if writer.before is not None:
            self._must(self.work(writer.before))
            if writer.cached:
                shutil.rmtree(self.home / "cache", ignore_errors=True)
        shutil.rmtree(pristine, ignore_errors=True)
        shutil.copytree(self.home, pristine, symlinks=True)
        old = None if writer.before is None else writer.read(self.home / writer.output)
        self._must(self.work(writer.work))
        self.begin(pristine)
        started = time.monotonic()
        self._must(self.work(writer.work))
        seconds = time.monotonic() - started
        self.begin(pristine)
        changes = self.work(writer.work, watch=True).changes
        new = writer.read(self.home / writer.output)
        return Reference(pristine, old, new, self.listing(), changes, seconds)

    def listing(self) -> set[str]:
        """The names in the home."""
        return self.names(self.home)

    def names(self, home: Path) -> set[str]:
        """All names in a home, random ones made equal."""
        return {RANDOM.sub("#", str(path.relative_to(home))) for path in home.rglob("*")}

    # ---- what must hold ------------------------------------------------------------------------------

    def check_whole(self, writer: Writer, reference: Reference) -> None:
        """Raise `LossError` unless the earlier output is there, or the new one."""
        self.check_bystanders()
        output = self.home / writer.output
        if not self.swaps:
            from simemb.files import replaced

            if writer.before is not None and replaced(output) is not None:
                return  # the next writer has it back
        if not output.exists():
            if writer.before is not None:
                raise LossError("the earlier output is gone")
            return
        content, problem = None, "it is neither the earlier nor the new one"
        try:
            content = writer.read(output)
        except Exception as error:
            problem = f"it cannot be read: {type(error).__name__}: {error}"
        if content is not None and content in (reference.old, reference.new):
            return
        if writer.before is None and content is None and writer.stages is None:
            return  # what was begun is in the way of nobody
        if writer.stages is not None:
            try:
                problem = writer.stages(output)
            except Exception as error:
                problem = f"{type(error).__name__}: {error}"
            if problem is None:
                return
        raise LossError(f"the output: {problem}; {differences(content, reference.new)}")

    def check_bystanders(self) -> None:
        """Raise `LossError` unless the user's folders are as they were."""
        for name in BYSTANDERS:
            if not (self.home / name / "thesis.txt").is_file():
                raise LossError(f"{name} of the user's is gone")

    def check_again(self, writer: Writer, reference: Reference) -> None:
        """Type what one types after a kill; raise `LossError` unless all is as if nothing had been killed."""
        said = []
        for work in writer.after or (writer.work,):
            ended = self.work(work)
            if not ended.code:
                break
            said.append(ended.output.strip()[-300:])
        else:
            raise LossError(f"the same again: {' / '.join(said)}")
        self.check_bystanders()
        content = writer.read(self.home / writer.output)
        if content != reference.new:
            raise LossError(f"the same again gives another output: {differences(content, reference.new)}")
        if strays := self.listing() - reference.listing:
            raise LossError(f"left behind: {', '.join(sorted(strays)[:4])}")
        if missing := reference.listing - self.listing():
            raise LossError(f"missing: {', '.join(sorted(missing)[:4])}")


def _no_exchange(one: Path, other: Path) -> bool:
    return False


def differences(one: Mapping[str, str] | None, other: Mapping[str, str]) -> str:
    """The names at which two contents differ."""
    names = {name for name in (one or {}).keys() | other.keys() if (one or {}).get(name) != other.get(name)}
    return "different: " + ", ".join(sorted(names)[:6])


# ---- the trials ----------------------------------------------------------------------------------------


def every(bench: Bench, writer: Writer, only: int | None = None, step: int = 1) -> Iterator[tuple[str, str | None]]:
    """Kill a writer before each change of a name; yields each case and what was lost, if anything."""
    reference = bench.reference(writer)
    calls = (*NAMING, "open", "openat", "exchange", "os.")
    changes = [change for change in reference.changes if change.call.startswith(calls)]
    for number, change in enumerate(changes):
        if number % step == 0 if only is None else number == only:
            bench.begin(reference.pristine)
            ended = bench.work(writer.work, at=change)
            case = f"{number} of {len(changes)}: {change}"
            yield case, _judged(bench, writer, reference, ended)


def at_random(bench: Bench, writer: Writer, times: int, seed: int) -> Iterator[tuple[str, str | None]]:
    """Kill a writer at random moments, twice in a row, and go on until it is done."""
    reference = bench.reference(writer)
    dice = random.Random(seed)
    for number in range(times):
        bench.begin(reference.pristine)
        moments = [dice.random() * reference.seconds for _ in range(2)]
        ended = bench.work(writer.work, after=moments[0])
        if ended.killed:
            lost = _judged(bench, writer, reference, ended, until=moments[1])
            yield f"{number}: after {moments[0]:.3f} and {moments[1]:.3f} s", lost


def _judged(bench: Bench, writer: Writer, reference: Reference, ended: Ended, until: float | None = None) -> str | None:
    try:
        if not ended.killed and ended.code:
            raise LossError(f"exit code {ended.code}: {ended.output.strip()[-300:]}")
        bench.check_whole(writer, reference)
        if until is not None and bench.work((writer.after or (writer.work,))[0], after=until).killed:
            bench.check_whole(writer, reference)
        bench.check_again(writer, reference)
    except LossError as lost:
        return str(lost)
    return None


def main() -> int:
    """Run the trials that the command line asks for; 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tests.trials.kills")
    parser.add_argument("--writer", default="", help="a regular expression for the names of writers; by default all")
    parser.add_argument("--case", type=int, help="this case of the writer alone")
    parser.add_argument("--step", type=int, default=1, help="every n-th case")
    parser.add_argument("--random", type=int, default=0, metavar="N", help="kill N times at random moments instead")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--no-swaps", action="store_true", help="as where directories cannot be exchanged in one step")
    parser.add_argument("--no-strace", action="store_true", help="see Python's changes only, as where strace is absent")
    options = parser.parse_args()
    if options.no_strace:
        processes.STRACE = None
    if processes.STRACE is None:
        print("without strace: what libraries write by themselves is not seen", flush=True)
    table = Table("kills", named(options.writer))
    with tempfile.TemporaryDirectory(prefix="simemb-kills-") as folder:
        bench = Bench(Path(folder), swaps=not options.no_swaps)
        for writer in table.writers():
            if options.random:
                trials = at_random(bench, writer, options.random, options.seed)
            else:
                trials = every(bench, writer, options.case, options.step)
            table.add(writer, trials)
    return table.close()


if __name__ == "__main__":
    sys.exit(main())
