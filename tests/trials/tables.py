"""The table of a trial: progress while it runs, then for each writer what was tried, held and lost."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar


class Named(Protocol):
    """What is tried: a writer, or another thing with a name."""

    @property
    def name(self) -> str:
        """Its row of the table."""
        ...


Tried = TypeVar("Tried", bound=Named)


@dataclass
class Table(Generic[Tried]):
    """What was tried with some writers.

    trials: what the trial is called.
    """

    trials: str
    chosen: Sequence[Tried]
    rows: dict[str, tuple[int, int]] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    def writers(self) -> Iterator[Tried]:
        """The writers, each announced with the time that is left."""
        for done, writer in enumerate(self.chosen):
            passed = time.monotonic() - self.started
            left = f", about {passed / done * (len(self.chosen) - done) / 60:.0f} min left" if done else ""
            print(f"{self.trials}: {writer.name} ({done + 1} of {len(self.chosen)}{left})", flush=True)
            yield writer

    def add(self, writer: Tried, trials: Iterator[tuple[str, str | None]]) -> None:
        """Carry out the trials of a writer; what is lost is printed with the number that repeats it."""
        tried, lost = self.rows.get(writer.name, (0, 0))
        for case, problem in trials:
            tried += 1
            if problem is not None:
                lost += 1
                print(f"  LOST {writer.name!r} case {case}\n    {problem}", flush=True)
        self.rows[writer.name] = (tried, lost)

    def close(self) -> int:
        """Print the table; 1 if anything was lost, else 0."""
        width = max(map(len, self.rows))
        print(f"\n{self.trials:{width}}  tried   held   lost")
        total = tuple(map(sum, zip(*self.rows.values(), strict=True)))
        for name, (tried, lost) in (self.rows | {"all": total}).items():
            print(f"{name:{width}} {tried:6} {tried - lost:6} {lost:6}")
        print(f"{(time.monotonic() - self.started) / 60:.1f} min")
        return 1 if total[1] else 0
