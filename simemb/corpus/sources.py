"""Named corpora: what each is, under which license, and where its file is looked for.

The files of the `data` package are the registry: every `Source` in one of them is a corpus, by its name.
"""

import hashlib
import importlib
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

from simemb import cookbook, files
from simemb.arguments import checked_fields
from simemb.errors import AbsentError, DataError, unknown

logger = logging.getLogger("simemb")


@dataclass(frozen=True, kw_only=True)
class Hub:
    """A file of a dataset repository on the Hugging Face hub.

    `revision` is a commit, so that a name means the same bytes for everyone; `columns` and `score` are
    the names in that file; `note` says how its content differs from the file of the `$SIMEMB_DATA` layout.
    """

    repo: str
    file: str
    revision: str
    columns: tuple[str, ...]
    score: str | None = None
    note: str = ""


@checked_fields
@dataclass(frozen=True, kw_only=True)
class Source:
    """A named corpus.

    `path` is its file in the `$SIMEMB_DATA` layout and `sha256` the checksum of that file; where it is not there, the
    files of `otherwise` are looked for in their order, each plain or gzipped, as `path` itself. `columns` are
    the text columns in role order (anchor, positive, negative) and `score` the score column. A corpus
    without a file has `generate`, which makes its rows in memory, out of the rows of `parts` (each a
    `simemb.corpus.rows.Rows`, in that order) if it is made of other corpora. `warning` is what a person who
    trains on it must know, for example that it contains the texts of a test set.
    """

    name: str
    description: str
    columns: tuple[str, ...]
    license: str
    citation: str
    score: str | None = None
    path: str | None = None
    otherwise: tuple[str, ...] = ()
    sha256: str | None = None
    hub: Hub | None = None
    generate: Callable[..., Sequence[str] | Sequence[tuple[str | float, ...]]] | None = None
    parts: tuple["Source", ...] = ()
    warning: str = ""


def scored_pairs(path: str, description: str, *, license: str, citation: str, sha256: str | None = None) -> Source:
    """A file of the `$SIMEMB_DATA` layout with the columns score, sentence1 and sentence2; its path is its name."""
    return Source(
        name=path,
        description=description,
        columns=("sentence1", "sentence2"),
        score="score",
        path=path,
        sha256=sha256,
        license=license,
        citation=citation,
    )


@dataclass(frozen=True)
class LocatedFile:
    """Where a corpus was found: its file, the columns of that file, and what a record of a run needs.

    `place` is "$SIMEMB_DATA", "cache" or "hub"; `commit` is the commit of a hub file.
    """

    path: Path
    place: str
    columns: tuple[str, ...]
    score: str | None
    sha256: str
    commit: str | None = None


def corpora() -> list[str]:
    """The names of all corpora, sorted."""
    return sorted(_registry())


def get(name: str) -> Source:
    """The corpus of this name.

    Raises:
        DataError: there is none; names the nearest.
    """
    if name not in _registry():
        raise DataError(unknown("corpus", name, corpora()))
    return _registry()[name]


def find(source: Source) -> Path:
    """The file of a corpus; see `locate`."""
    return locate(source).path


def locate(source: Source) -> LocatedFile:
    """Find the file of a corpus: under $SIMEMB_DATA, in the user's cache, then on the hub.

    A local file with another checksum than the recorded one is used, with a notice in the log "simemb". A
    hub file is downloaded once, at its pinned commit, and its checksum is compared with the hub's.

    Raises:
        AbsentError: the corpus is in none of the three places.
        DataError: its download broke off or is damaged.
    """
    if source.generate is not None:
        raise DataError(f"corpus {source.name!r} has no file: it is made in memory; open it by its name")
    for place, path in _local_files(source):
        if path.is_file():
            located = LocatedFile(path, place, source.columns, source.score, files.sha256_of(path))
            if source.sha256 and located.sha256 != source.sha256:
                logger.warning("%s is not the recorded file of corpus %r: used as it is", path, source.name)
            return located
    if source.hub is None:
        raise AbsentError(_not_found(source, "it is not on the hub"))
    return _from_hub(source, source.hub)


def is_local(source: Source) -> bool:
    """Whether the file of a corpus is under $SIMEMB_DATA or in the user's cache, so that no download is needed."""
    return any(path.is_file() for _, path in _local_files(source))


def _local_files(source: Source) -> Iterator[tuple[str, Path]]:
    """Where the file of a corpus may be, the likeliest place first."""
    if os.environ.get("SIMEMB_DATA"):
        yield from (("$SIMEMB_DATA", Path(os.environ["SIMEMB_DATA"]) / path) for path in _paths(source))
    yield from (("cache", files.cache_folder() / path) for path in _paths(source))


def _paths(source: Source) -> Iterator[str]:
    """The paths in the layout that may hold a corpus, each followed by the same one gzipped, or not."""
    for path in filter(None, (source.path, *source.otherwise)):
        yield path
        yield path.removesuffix(".gz") if path.endswith(".gz") else f"{path}.gz"


def _not_found(source: Source, hub: str) -> str:
    data = os.environ.get("SIMEMB_DATA")
    names = [path for path in (source.path, *source.otherwise) if path]
    first, *others = names or [""]
    more = "".join(f", {Path(other).name}" for other in others) + (", plain or .gz" if names else "")
    first_place = f"$SIMEMB_DATA ({Path(data) / first}{more})" if data else "$SIMEMB_DATA (not set)"
    second_place = f"the cache ({files.cache_folder() / first}{more})"
    advice = "set SIMEMB_DATA to a folder that holds it, copy it into the cache, or use 'sample'"
    return f"corpus {source.name!r} was not found: not in {first_place}, not in {second_place}, and {hub}; {advice}"


def _from_hub(source: Source, hub: Hub) -> LocatedFile:
    """The file in the hub's own cache, downloaded if it is not there yet, and verified."""
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(hub.repo, hub.file, revision=hub.revision, repo_type="dataset")
    path = Path(cached) if isinstance(cached, str) else _download(source, hub)
    return LocatedFile(path, "hub", hub.columns, hub.score, _verified(source, path), hub.revision)


def _download(source: Source, hub: Hub) -> Path:
    """Download a hub file into the hub's own cache, where it appears complete or not at all."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

    # Read now and not when huggingface_hub is imported: a mirror may be set at run time.
    endpoint = os.environ.get("HF_ENDPOINT")
    url = hf_hub_url(hub.repo, hub.file, repo_type="dataset", revision=hub.revision, endpoint=endpoint)
    # Whatever fails in the downloader means the same to the user, so every exception is caught. The
    # metadata come first because they fail at once without a network, the download after half a minute.
    try:
        get_hf_file_metadata(url, endpoint=endpoint)
    except Exception as error:
        reason = f"{hub.repo} on the hub cannot be reached ({_one_line(error)})"
        raise AbsentError(_not_found(source, reason)) from None
    if hub.note:
        logger.warning("corpus %r comes from the hub: %s", source.name, hub.note)
    try:
        return Path(hf_hub_download(hub.repo, hub.file, repo_type="dataset", revision=hub.revision, endpoint=endpoint))
    except Exception as error:
        broken = f"the download of corpus {source.name!r} ({hub.repo}/{hub.file}) broke off"
        advice = "nothing of it was kept; run the same command again"
        raise DataError(f"{broken}: {_one_line(error)}; {advice}") from None


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


def _verified(source: Source, path: Path) -> str:
    """The SHA-256 of a hub file, after comparing it with what the hub said.

    The hub's cache names a blob by its ETag: the SHA-256 of a large file, the git blob SHA-1 of a small one.
    A damaged file is removed, so that the next try downloads it again.
    """
    blob = path.resolve()
    checksum = files.sha256_of(blob)
    expected = blob.name
    actual = checksum if len(expected) == 64 else _git_sha1(blob)
    # Without symbolic links (Windows) the file has its plain name, and there is nothing to compare with.
    if blob != path and actual != expected:
        path.unlink()
        blob.unlink()
        problem = f"the download of corpus {source.name!r} is damaged: checksum {actual}, expected {expected}"
        raise DataError(f"{problem}; it was removed, run the same command again")
    return checksum


def _git_sha1(path: Path) -> str:
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: digest).hexdigest()


@cache
def _registry() -> dict[str, Source]:
    """Every `Source` of every module of the `data` package, by name."""
    modules = [importlib.import_module(f"{cookbook.CORPORA}.{name}") for name in cookbook.names(cookbook.CORPORA)]
    return {source.name: source for module in modules for source in _sources(module)}


def _sources(module: ModuleType) -> list[Source]:
    return [value for value in vars(module).values() if isinstance(value, Source)]


def generated(source: Source, opened: Callable[[Source], object]) -> Sequence[object]:
    """The rows of a corpus that is made of others; an error in one of its parts names the corpus too."""
    assert source.generate is not None
    try:
        return source.generate(*map(opened, source.parts))
    except DataError as error:
        raise DataError(f"corpus {source.name!r} is made of others: {error}") from None
