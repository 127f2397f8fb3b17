"""Damage to files, for tests of what notices it."""

from pathlib import Path


def flipped(path: Path, place: int) -> None:
    """Turn the lowest bit of one byte around."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
