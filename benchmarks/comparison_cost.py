"""What a step of every method costs: seconds and memory, each in a process of its own, on one thread.

A few steps say it: the methods differ by factors. The machine must have nothing else to do.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import machine
from comparison_experiments import BATCH, RATES, Experiment
from comparison_runs import add, base, changed, recorded, texts

STEPS, WARM = 24, 4
"""Steps that are timed, and those before them that are not."""


def measure(wanted: list[Experiment], work: Path) -> None:
    """Measure what is not recorded yet."""
    for experiment in wanted:
        if recorded("costs", name=experiment.name) is not None:
            continue
        others = machine.refuse_company()
        places = [str(base(experiment.base, work)), str(texts(experiment, work))]
        words = [sys.executable, __file__, json.dumps(asdict(experiment)), *places]
        done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
        if done.returncode:
            raise SystemExit(f"{experiment.name}: {done.stderr[-500:]}")
        if (others.used() or 0) > machine.BUSY:
            raise SystemExit("other programs began to compute here: start again when they are done")
        add(
            "costs",
            {"name": experiment.name} | json.loads(done.stdout.splitlines()[-1]) | {"machine": machine.machine()},
        )


class _Clock:
    """The moments at which steps end."""

    def __init__(self) -> None:
        self.moments: list[float] = []

    def on_step(self, *_: object, **__: object) -> None:
        from time import perf_counter

        self.moments.append(perf_counter())


def _one(experiment: Experiment, model: str, data: str) -> None:
    """Train some steps, and print seconds of a step and the greatest memory of the process in MB."""
    import resource

    from simemb import fit

    recipe = replace(changed(experiment, RATES[0]), max_steps=STEPS + WARM, eval_every=STEPS + WARM)
    clock = _Clock()
    with tempfile.TemporaryDirectory() as folder:
        fit(recipe, model, data, output=f"{folder}/run", dev="none", progress=False, callbacks=[clock])
    seconds = (clock.moments[-1] - clock.moments[WARM - 1]) / (len(clock.moments) - WARM)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": round(seconds, 4), "batch": BATCH, "megabytes": round(peak)}))


if __name__ == "__main__":
    _one(Experiment(**json.loads(sys.argv[1])), *sys.argv[2:])
