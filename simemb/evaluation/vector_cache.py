"""A cache of vectors on disk, by the fingerprint of the encoder and the text.

The user's cache has a folder for each encoder and release of simemb. Each file in it holds the vectors of one encoding
and a digest of every text. Files are written atomically, under a lock, and never change, so any number of processes can
share a folder; each is read only if it is what was written (`simemb.cached_files`). When the cache outgrows `LIMIT`,
the folders that were not written to for longest are removed.
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

from simemb.cached_files import checksum_path, is_intact, new_cached_file
from simemb.files import cache_folder, is_temporary, sweep

log = logging.getLogger("simemb")

LIMIT = 4 << 30
"""Limit of the size of the cache in bytes, over all encoders."""
_DIGEST = 16


class VectorCache:
    """The vectors of one encoder, identified by its fingerprint (`Encoder.fingerprint`).

    dim: the length of its vectors, if it is known; others are not read.
    """

    def __init__(self, fingerprint: str, dim: int | None = None):
        # The release is part of the key: the same weights may give other vectors after a bug is fixed.
        self.folder = cache_folder() / "vectors" / f"{fingerprint}-{version('simemb')}"
        self.dim = dim

    def get_or_encode(
        self, texts: Sequence[str], encode: Callable[[list[str]], NDArray[np.float32]], prompt: str = ""
    ) -> NDArray[np.float32]:
        """Vectors [texts, dim] of distinct texts; those that are not in the cache are encoded and added to it.

        prompt: the text that `encode` puts before each, which makes other vectors of the same texts.

        If the cache cannot be written, the vectors are returned all the same and a warning is logged.
        """
        keys = [digest(text, prompt) for text in texts]
        cached = self._read(keys)
        missing = [row for row, key in enumerate(keys) if key not in cached]
        if not missing:
            return np.stack([cached[key] for key in keys]) if keys else encode([])
        encoded = encode([texts[row] for row in missing])
        vectors = np.empty((len(texts), encoded.shape[1]), np.float32)
        vectors[missing] = encoded
        for row, key in enumerate(keys):
            if key in cached:
                vectors[row] = cached[key]
        self._write([keys[row] for row in missing], encoded)
        return vectors

    def _read(self, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
        """The cached vectors of these texts; a file that is not what was written is removed."""
        sweep(self.folder)
        requested, cached = set(keys), dict[bytes, NDArray[np.float32]]()
        paths: list[Path] = []
        with suppress(OSError):  # a name that is too long: `_write` says so
            paths = sorted(self.folder.glob("*.safetensors"))
        for path in paths:
            content = self._content(path)
            if content is None:
                with suppress(OSError):  # a folder that may only be read
                    path.unlink()
                continue
            file_keys, vectors = content
            cached |= {key: vectors[row] for row, key in enumerate(file_keys) if key in requested}
        return cached

    def _content(self, path: Path) -> tuple[list[bytes], NDArray[np.float32]] | None:
        """The keys and the vectors of a file; None if they are not what was written."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        if not is_intact(path):
            return None
        try:
            content = load_file(path)
            keys, vectors = [row.tobytes() for row in content["keys"]], content["vectors"]
        except (OSError, SafetensorError, KeyError):
            return None
        of_texts = vectors.ndim == 2 and len(vectors) == len(keys) and vectors.dtype == np.float32
        fits = of_texts and self.dim in (None, vectors.shape[1])
        return (keys, vectors) if fits and bool(np.isfinite(vectors).all()) else None

    def _write(self, keys: Sequence[bytes], vectors: NDArray[np.float32]) -> None:
        from safetensors import SafetensorError
        from safetensors.numpy import save_file

        table = np.frombuffer(b"".join(keys), np.uint8).reshape(len(keys), _DIGEST)
        name = blake2b(table.tobytes(), digest_size=_DIGEST).hexdigest()
        try:
            with new_cached_file(self.folder / f"{name}.safetensors") as partial:
                save_file({"keys": table, "vectors": np.ascontiguousarray(vectors, np.float32)}, partial)
            shrink(self.folder.parent, LIMIT, keep=self.folder)
        except (OSError, SafetensorError) as error:
            log.warning("%s: vectors cannot be cached: %s", self.folder, getattr(error, "strerror", None) or error)


def digest(text: str, prompt: str = "") -> bytes:
    """The key of a text after a prompt in the cache; unpaired surrogates are allowed."""
    key = blake2b(prompt.encode("utf-8", "surrogatepass")).digest() if prompt else b""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST, key=key).digest()


def shrink(folder: Path, limit: int, *, keep: Path) -> None:
    """Remove folders of encoders, least recently written first, until the rest takes at most `limit` bytes.

    keep: a folder that is never removed, whatever its size. So is what simemb did not write: it has a checksum of
    every folder that it wrote, and nothing else is in there.
    """
    sizes: dict[Path, int] = {}
    ages: dict[Path, float] = {}
    for path in folder.iterdir():
        with suppress(FileNotFoundError, NotADirectoryError):  # another process may be removing it
            if not _is_ours(path):
                continue
            sizes[path] = sum(file.stat().st_size for file in path.iterdir())
            ages[path] = path.stat().st_mtime
    for path in sorted(ages, key=ages.__getitem__):
        if sum(sizes.values()) <= limit:
            return
        if path != keep:
            shutil.rmtree(path, ignore_errors=True)
            shutil.rmtree(checksum_path(path), ignore_errors=True)
            del sizes[path]


def _is_ours(folder: Path) -> bool:
    names = (file for file in folder.iterdir() if file.suffix != ".safetensors" and not is_temporary(file))
    return checksum_path(folder).is_dir() and next(names, None) is None
