"""What reports and figures need: refused before the work if it is not there."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from simemb import outputs
from simemb.commands.parsing import UsageError
from simemb.errors import DataError

PACKAGES = ("matplotlib", "jinja2")
"""What reports and figures need beyond the requirements of simemb: `simemb[plot]`."""


def check_report(verb: str, models: Sequence[str], output: Path, *, overwrite: bool) -> None:
    """Refuse at once what would fail after minutes of work: no model, a missing package, an output in the way."""
    if not models:
        raise UsageError(f"missing: RUN, at least one; `simemb {verb} --help` tells more")
    missing = [package for package in PACKAGES if find_spec(package) is None]
    if missing:
        raise DataError(f"simemb {verb} needs {' and '.join(missing)}: pip install 'simemb[plot]'")
    outputs.check_file(output, overwrite=overwrite)
