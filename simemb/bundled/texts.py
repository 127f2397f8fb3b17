"""The texts that the bundled models learn from: named corpora, without any sentence of an STS set.

Sentences come from Wikipedia, from natural language inference and from image captions; passages of up to 16 sentences
are put together from Wikipedia, so that long texts are learnt too. A sentence that occurs in STS12 to STS16, STS-B or
SICK-R, in whatever case and punctuation, is left out, and so is every triplet with one.
"""

import logging
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from simemb.comparison.contamination import normalized
from simemb.corpus.rows import open_rows
from simemb.files import write_text

log = logging.getLogger("simemb")

SCORED = "sts_texts"
"""The corpus whose sentences are left out."""
TRIPLETS = ("nli", "captions")
PASSAGE = (3, 16)
"""The fewest and the most sentences of a passage; what is left at the end of the running text may be shorter."""
READINGS = 4
"""How often the running text is cut into passages, each time in other places."""
SEED = 7


def write(folder: Path) -> tuple[Path, Path]:
    """Write texts.txt, one sentence or passage a line, and triplets.tsv, and return their paths; both are shuffled.

    What they hold is logged.
    """
    scored = {normalized(text) for (text,) in open_rows(SCORED).texts()}
    wiki, running = _sentences("wiki", scored), _sentences("wiki_running", scored)
    triplets = [row for name in TRIPLETS for row in _triplets(name, scored)]
    sentences = list(dict.fromkeys((*wiki, *(text for row in triplets for text in row), *running)))
    rng = random.Random(SEED)
    passages = _passages(wiki, running, rng)
    texts = [*sentences, *passages]
    log.info("%d sentences, %d passages, %d triplets", len(sentences), len(passages), len(triplets))
    rng.shuffle(texts)
    rng.shuffle(triplets)
    paths = folder / "texts.txt", folder / "triplets.tsv"
    write_text(paths[0], "".join(f"{text}\n" for text in texts))
    write_text(paths[1], "".join("\t".join(row) + "\n" for row in [("anchor", "positive", "negative"), *triplets]))
    return paths


def _sentences(corpus: str, scored: set[str]) -> list[str]:
    """The sentences of a corpus that are in none of the STS sets."""
    return [" ".join(text.split()) for (text,) in open_rows(corpus).texts() if normalized(text) not in scored]


def _triplets(corpus: str, scored: set[str]) -> Iterator[tuple[str, ...]]:
    """The triplets of a corpus without a sentence of the STS sets."""
    for row in open_rows(corpus).texts():
        if not any(normalized(text) in scored for text in row):
            yield tuple(" ".join(text.split()) for text in row)


def _passages(wiki: Sequence[str], running: Sequence[str], rng: random.Random) -> list[str]:
    """Running text cut into passages, and as many passages of sentences that have nothing to do with each other."""
    passages: list[str] = []
    for _ in range(READINGS):
        start = 0
        while start < len(running):
            size = rng.randint(*PASSAGE)
            passages.append(" ".join(running[start : start + size]))
            start += size
    return passages + [" ".join(rng.sample(wiki, rng.randint(*PASSAGE))) for _ in passages]
