"""Vectors that were computed before, by the fingerprint of the encoder and the text.

One folder for each encoder and release of simemb in the user's cache; in it files that never change, each with the
vectors of one encoding and a digest of every text. A file appears whole or not at all, so any number of processes may
share a folder. What is oldest is thrown away when the whole cache outgrows `LIMIT`.
"""

import logging
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simemb.corpus.sources import cache_folder
from simemb.files import new_file

log = logging.getLogger("simemb")

LIMIT = 4 << 30
"""Bytes of all encoders together."""
_DIGEST = 16


class VectorCache:
    """The vectors of one encoder. fingerprint: what tells it from every other (`Encoder.fingerprint`)."""

    def __init__(self, fingerprint: str):
        # The release too: the same weights may give other vectors after an error in the code was mended.
        self.folder = cache_folder() / "vectors" / f"{fingerprint}-{version('simemb')}"

    def get_or_encode(
        self, texts: Sequence[str], encode: Callable[[list[str]], NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """Vectors [texts, dim] of distinct texts: those that are known, and the others by `encode`, which are kept.

        Where nothing can be written, everything still works, with a notice.
        """
        keys = [digest(text) for text in texts]
        found = self._found(keys)
        missing = [row for row, key in enumerate(keys) if key not in found]
        if not missing:
            return np.stack([found[key] for key in keys]) if keys else encode([])
        fresh = encode([texts[row] for row in missing])
        vectors = np.empty((len(texts), fresh.shape[1]), np.float32)
        vectors[missing] = fresh
        for row, key in enumerate(keys):
            if key in found:
                vectors[row] = found[key]
        self._keep([keys[row] for row in missing], fresh)
        return vectors

    def _found(self, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
        """The vectors that are known of these texts, still in the mapped files; a damaged file is removed."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        wanted, found = set(keys), dict[bytes, NDArray[np.float32]]()
        for path in sorted(self.folder.glob("*.safetensors")):
            try:
                content = load_file(path)
                held = [row.tobytes() for row in content["keys"]]
                vectors = content["vectors"]
                if vectors.shape[0] != len(held):
                    raise ValueError
            except (OSError, SafetensorError, KeyError, ValueError):
                log.warning("%s: is damaged and was removed; its vectors are computed anew", path)
                path.unlink(missing_ok=True)
                continue
            found |= {key: vectors[row] for row, key in enumerate(held) if key in wanted}
        return found

    def _keep(self, keys: Sequence[bytes], vectors: NDArray[np.float32]) -> None:
        from safetensors.numpy import save_file

        table = np.frombuffer(b"".join(keys), np.uint8).reshape(len(keys), _DIGEST)
        name = blake2b(table.tobytes(), digest_size=_DIGEST).hexdigest()
        try:
            with new_file(self.folder / f"{name}.safetensors") as partial:
                save_file({"keys": table, "vectors": np.ascontiguousarray(vectors)}, partial)
            shrink(self.folder.parent, LIMIT, keep=self.folder)
        except OSError as error:
            log.warning("%s: vectors cannot be kept: %s", self.folder, error.strerror)


def digest(text: str) -> bytes:
    """What a text is known by; half of a surrogate pair is allowed."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST).digest()


def shrink(folder: Path, limit: int, *, keep: Path) -> None:
    """Remove encoders, those first that were not added to for longest, until the rest takes at most `limit` bytes.

    keep: never removed, however much it is.
    """
    sizes: dict[Path, int] = {}
    ages: dict[Path, float] = {}
    for path in folder.iterdir():
        with suppress(FileNotFoundError, NotADirectoryError):  # another process may be removing it
            sizes[path] = sum(file.stat().st_size for file in path.iterdir())
            ages[path] = path.stat().st_mtime
    for path in sorted(ages, key=ages.__getitem__):
        if sum(sizes.values()) <= limit:
            return
        if path != keep:
            shutil.rmtree(path, ignore_errors=True)
            del sizes[path]
