"""Push a run or a model to the Hugging Face hub.

simemb push RUN ORG/NAME [--private] [--license L]
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import Positional

from simemb import streams
from simemb.commands.parsing import parse


@dataclass(frozen=True)
class Push:
    """Push a run's best encoder, or a model that simemb saved, with its card.

    The token is that of HF_TOKEN or of `hf auth login`.
    """

    model: Positional[Annotated[str, tyro.conf.arg(metavar="RUN")]]
    """A run directory whose run is finished, or a model directory; RUN/best is what an unfinished run has kept."""
    name: Positional[Annotated[str, tyro.conf.arg(metavar="ORG/NAME")]]
    """The repository on the hub, made if there is none."""
    private: bool = False
    """Make it private; refused where it exists and is public."""
    revision: str | None = None
    """A branch instead of main, made if there is none."""
    message: str | None = None
    """Of the commit."""
    license: str | None = None
    """Stated in the card, say apache-2.0; by default that of the base's card, if it has one."""
    language: str | None = None
    """Stated in the card, say en; by default that of the base's card, if it has one."""
    overwrite: bool = False
    """Replace other files in the repository; they stay in its history."""


def run(words: list[str]) -> None:
    """`simemb push RUN ORG/NAME`."""
    options = parse(Push, words, prog="simemb push")
    from simemb.encoder import publishing
    from simemb.encoder.location import locate
    from simemb.encoder.names import is_bundled
    from simemb.errors import ModelError
    from simemb.training.standing import check_finished

    path = Path(options.model)
    if not is_bundled(options.model) and not path.is_dir():
        raise ModelError(f"{path}: no directory of a run or a model, and what is pushed is on this machine")
    metadata = publishing.stated(options.license, options.language)
    if (path / "recipe.json").is_file():
        check_finished(path)
    address = publishing.push(
        locate(options.model),
        options.name,
        private=options.private,
        revision=options.revision,
        message=options.message,
        overwrite=options.overwrite,
        metadata=metadata,
    )
    streams.show(f"{address}\n")
