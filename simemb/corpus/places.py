"""Where data are that the user names: a file or a corpus."""

import logging
import os
import shutil
import sys
import tempfile
from difflib import get_close_matches
from pathlib import Path

from simemb.arguments import home
from simemb.corpus import sources
from simemb.corpus.delimited import head
from simemb.corpus.json_shape import are_objects
from simemb.corpus.lines import reading
from simemb.corpus.sources import Source
from simemb.errors import DataError

logger = logging.getLogger("simemb")

STANDARD_INPUT = "standard input"
"""What messages call it."""


def find(data: str | os.PathLike[str]) -> Path | Source:
    """The file or the corpus: an existing file wins over a corpus, a corpus over a directory of the same name.

    Raises:
        DataError: there is neither; names the nearest.
    """
    if not str(data).strip():
        raise DataError("data must name a file or a corpus, not ''")
    if any(letter in str(data) for letter in "*?[") and not Path(home(str(data))).exists():
        raise DataError(f"no file {str(data)!r}: patterns are the shell's, so write them without quotes")
    path = Path(home(str(data)))
    if path.is_file():
        return path
    if str(data) in sources.corpora():
        return sources.get(str(data))
    if path.is_dir():
        raise DataError(f"{data} is a directory: name a file in it")
    if path.exists():
        return path
    siblings = [str(file) for file in path.parent.iterdir()] if path.parent.is_dir() else []
    names = [*siblings, *sources.corpora()]
    near = get_close_matches(str(path), names, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]!r}?" if near else f"it must be a file, - or a corpus ({_corpora()})"
    raise DataError(f"no file or corpus {str(data)!r}: {hint}")


def _corpora() -> str:
    return ", ".join(sources.corpora())


def saved_standard_input() -> Path:
    """A temporary file with all of standard input, which can be read only once: .jsonl if its lines are objects."""
    handle, name = tempfile.mkstemp(suffix=".txt", prefix="simemb-")
    path = Path(name)
    try:
        with reading(STANDARD_INPUT), os.fdopen(handle, "wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        of_objects = are_objects(head(path, STANDARD_INPUT))
    except DataError:
        path.unlink()
        raise
    if of_objects:
        logger.warning("%s: each line is a JSON object and read as one", STANDARD_INPUT)
        path = path.rename(path.with_suffix(".jsonl"))
    return path
