"""Texts in chunks that fit in memory, and the texts of a chunk in batches of a constant number of tokens.

So the time and memory of a batch do not depend on the lengths of the texts.
"""

from collections.abc import Iterable, Iterator

CHUNK, CHUNK_CHARACTERS = 8192, 64_000_000
"""Texts that are in memory at once, and their characters: the last text may go beyond."""
TOKENS = 4096
"""Tokens in one batch: enough to keep the processor busy, few enough to stay in its caches."""
INT8_TOKENS = 2048
"""The same in int8, whose products are faster."""


def chunks(texts: Iterable[str]) -> Iterator[list[str]]:
    """The texts in order, in lists of at most `CHUNK`."""
    chunk, characters = list[str](), 0
    for text in texts:
        chunk.append(text)
        characters += len(text)
        if len(chunk) == CHUNK or characters >= CHUNK_CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


def batches(lengths: list[int], budget: int, batch_size: int | None) -> Iterator[list[int]]:
    """Rows sorted by length, in groups of at most `budget` tokens and `batch_size` rows."""
    group: list[int] = []
    tokens = 0
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        if group and (tokens + lengths[row] > budget or len(group) == batch_size):
            yield group
            group, tokens = [], 0
        group.append(row)
        tokens += lengths[row]
    if group:
        yield group
