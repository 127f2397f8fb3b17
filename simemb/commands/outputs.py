"""What reports and figures need: refused before the work if it is not there."""

from collections.abc import Sequence
from pathlib import Path

from simemb import outputs
from simemb.commands.parsing import UsageError
from simemb.extras import PICTURES, need


def check_report(verb: str, models: Sequence[str], output: Path, *, overwrite: bool) -> None:
    """Refuse at once what would fail after minutes of work: no model, a missing package, an output in the way."""
    if not models:
        raise UsageError(f"missing: RUN, at least one; `simemb {verb} --help` tells more")
    need(f"simemb {verb}", PICTURES)
    outputs.check_file(output, overwrite=overwrite)
