"""Sentences of STS-B in English and Chinese: a parallel corpus for two towers, or to teach an encoder Chinese.

The anchor is a sentence of the training split, the positive its machine translation (DeepL, by stsb-multi-mt). Each of
the two sentences of a scored pair gives a row, in order: 11,498 rows, of which 10,536 are distinct.
"""

from collections.abc import Sequence
from itertools import zip_longest

from simemb.corpus.rows import Rows
from simemb.corpus.sources import Source
from simemb.errors import DataError

from .stsb import stsb


def _translations(english: Rows, chinese: Rows) -> Sequence[tuple[str, str]]:
    """Each sentence with its translation, in order; equal scores show that both files have the same rows."""
    pairs: list[tuple[str, str]] = []
    for number, (row, translated) in enumerate(zip_longest(english.scored(), chinese.scored()), 1):
        if row is None or translated is None or row[2] != translated[2]:
            scores = " and ".join("none" if one is None else f"{one[2]:g}" for one in (row, translated))
            raise DataError(
                f"row {number} of {english.name} and {chinese.name} do not agree: their scores are {scores}"
            )
        pairs += [(row[0], translated[0]), (row[1], translated[1])]
    return pairs


stsb_en_zh = Source(
    name="stsb_en_zh",
    description="11,498 English sentences of the training split of STS-B with their Chinese machine translation",
    columns=("anchor", "positive"),
    parts=(
        stsb,
        Source(
            name="zh/stsb_mt/train.tsv",
            description="the training split of STS-B in Chinese, translated by machine",
            path="zh/stsb_mt/train.tsv",
            sha256="cbc2b86ed4d408ef4c7464d20a1e33dc0d58d6d55eef59d876dbad0443e5398a",
            columns=("sentence1", "sentence2"),
            score="score",
            license=stsb.license,
            citation="PhilipMay/stsb-multi-mt, https://github.com/PhilipMay/stsb-multi-mt",
        ),
    ),
    generate=_translations,
    license=stsb.license,
    citation=f"{stsb.citation}; translation: https://github.com/PhilipMay/stsb-multi-mt",
)
