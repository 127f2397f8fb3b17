"""An index, or a table of LanceDB, of vectors that `simemb encode` has written, which are not computed again."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from simemb.arguments import checked
from simemb.encoder.limits import check_dim
from simemb.encoder.shard_plan import Plan
from simemb.encoder.vector_files import Vectors
from simemb.encoder.vector_folder import Taken, VectorFolder
from simemb.errors import SearchError
from simemb.search.index import Index
from simemb.search.lance import Kind, build_table


@checked
def index_vectors(
    vectors: str | Path,
    path: str | os.PathLike[str],
    *,
    kind: str = "auto",
    effort: int = 128,
    truncate_dim: int | None = None,
    overwrite: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Index:
    """Build an index of the texts of a folder of shards, by the vectors that are there.

    It is the index that `Index.build` makes of the same texts with the same encoder, up to the precision in which the
    vectors are stored; a search loads the encoder by its name.

    Args:
        vectors: the folder; see `simemb.encode_shards`.
        path: directory of the index.
        kind, effort, overwrite, progress: as for `Index.build`.
        truncate_dim: keep only the first dimensions; at most those that are stored.

    Raises:
        DataError: a shard is missing, damaged, or of another encoder than the others.
        SearchError: the vectors are not those of documents; and as for `Index.build`.
    """
    folder = _opened(Path(vectors), truncate_dim)
    Index.build(
        Encoded(folder),
        folder.texts(),
        ids=folder.ids(),
        kind=kind,
        effort=effort,
        truncate_dim=truncate_dim or folder.plan.truncate_dim,
        path=path,
        overwrite=overwrite,
        progress=progress,
    )
    return Index.load(path, verify=False)


@checked
def table_of_vectors(
    vectors: str | Path,
    path: str | os.PathLike[str],
    *,
    kind: Kind = "auto",
    truncate_dim: int | None = None,
    overwrite: bool = False,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Build a table of LanceDB of the texts of a folder of shards, by the vectors that are there.

    The arguments and errors are those of `index_vectors` and `simemb.search.lance.build_table`; returns the number of
    texts.
    """
    folder = _opened(Path(vectors), truncate_dim)
    return build_table(
        Encoded(folder),
        folder.texts(),
        path,
        ids=folder.ids(),
        kind=kind,
        truncate_dim=truncate_dim or folder.plan.truncate_dim,
        overwrite=overwrite,
        progress=progress,
    )


def _opened(path: Path, truncate_dim: int | None) -> VectorFolder:
    """The folder, if its vectors are so long, and of texts that were encoded as the documents that an index has."""
    folder = VectorFolder(path)
    plan = folder.plan
    check_dim(truncate_dim, plan.width)
    if plan.prompt != plan.prompts.get("document", ""):
        had, needs = (repr(prompt) if prompt else "nothing" for prompt in (plan.prompt, plan.prompts.get("document")))
        raise SearchError(
            f"{folder.folder}: its texts were encoded with {had} before them, and the encoder puts {needs} before "
            "documents: encode them with --role document"
        )
    return folder


class Encoded:
    """In place of an encoder: it gives the stored vectors of the texts in their order, whatever the texts are."""

    def __init__(self, folder: VectorFolder) -> None:
        self._plan: Plan = folder.plan
        self._vectors = Taken(folder.vectors())
        self.prompts: Mapping[str, str] = folder.plan.prompts

    @property
    def name(self) -> str:
        """Of the encoder that made the vectors."""
        return self._plan.encoder

    @property
    def dim(self) -> int:
        """The length of that encoder's vectors."""
        return self._plan.dim

    def fingerprint(self) -> str:
        """Of that encoder."""
        return self._plan.fingerprint

    def encode(
        self,
        texts: str | Iterable[str],
        *,
        normalize: bool = False,  # noqa: ARG002
        truncate_dim: int | None = None,  # noqa: ARG002
        batch_size: int | None = None,  # noqa: ARG002
        progress: bool | None = None,  # noqa: ARG002
        prompt: str | None = None,  # noqa: ARG002
    ) -> Vectors:
        """The vectors of the next texts, as they were asked for when they were encoded."""
        return self._vectors.take(len([texts] if isinstance(texts, str) else list(texts)))
