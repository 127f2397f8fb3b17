"""Every method on the same base, texts and steps with three seeds; the claims of the papers; domains without labels.

    python benchmarks/comparison.py run [NAMES]    all that is not recorded yet
    python benchmarks/comparison.py cost [NAMES]   seconds and memory of a step, on a machine with nothing else to do
    python benchmarks/comparison.py table          the tables and the picture of train/README.md

`run` first tries plain SimCSE from every candidate for the base (part `choice`), then sweeps the learning rate of every
method on STS-B dev with one seed, trains three seeds at the best, scores them, and tests them against the base and
against simcse. It can be stopped and started again, and several processes may share the work: whoever comes to an
experiment that another has begun goes on with the next. Everything is recorded in eval/results/comparison/; texts,
bases and encoders stay in runs/comparison/ (`--work`), where a base of another name is linked into bases/.
"""

import argparse
from pathlib import Path

import comparison_cost
import comparison_tables
import comparison_tests
from comparison_experiments import Experiment, experiments
from comparison_runs import chosen, finish, measure_base


def run(wanted: list[Experiment], every: dict[str, Experiment], work: Path) -> None:
    """Finish the experiments that nobody else is at, then test those that are whole."""
    from simemb.errors import BusyError
    from simemb.locks import lock

    (work / "runs").mkdir(parents=True, exist_ok=True)
    for experiment in wanted:
        try:
            with lock(work / "runs" / experiment.swept):
                measure_base(experiment.base, work)
                if experiment.part == "choice":
                    chosen(experiment, every, work)
                else:
                    finish(experiment, every, work)
                comparison_tests.test(experiment, every, work)
        except BusyError:
            print(f"{experiment.name}: another process is at it", flush=True)


def main() -> None:
    """Do what is asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=["run", "cost", "table"])
    parser.add_argument("names", nargs="*", help="experiments, or parts: choice, methods, claims, domains, bases")
    parser.add_argument("--work", type=Path, default=Path("runs/comparison"))
    options = parser.parse_args()
    every = experiments()
    known = {*every, *(experiment.part for experiment in every.values())}
    if unknown := [name for name in options.names if name not in known]:
        parser.error(f"no experiment or part is named {unknown[0]!r}; there are {', '.join(sorted(known))}")
    wanted = [
        each for each in every.values() if not options.names or each.name in options.names or each.part in options.names
    ]
    match options.verb:
        case "run":
            run(wanted, every, options.work)
        case "cost":
            comparison_cost.measure([each for each in wanted if each.part == "methods"], options.work)
        case _:
            comparison_tables.write()


if __name__ == "__main__":
    main()
