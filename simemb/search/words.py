"""The words that tell groups of texts apart."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

_WORD = re.compile(r"[^\W\d_]+")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2,}")
"""Runs of Chinese, Japanese and Korean characters."""


def characteristic(groups: Sequence[Sequence[str]], most: int = 5) -> list[tuple[str, ...]]:
    """The words of each group with the highest c-TF-IDF: tf(word, group) log(1 + A / tf(word)).

    A is the mean number of words of a group, tf counts a word in a group or in all (Grootendorst, 2022, BERTopic,
    equation 2, https://arxiv.org/abs/2203.05794). Words are letters in lower case; of scripts without blanks they are
    pairs of characters.
    """
    counts = [Counter(word for text in group for word in words(text)) for group in groups]
    total = sum(counts, Counter[str]())
    mean = total.total() / max(len(groups), 1)
    return [
        tuple(sorted(own, key=lambda word: (-own[word] * math.log(1 + mean / total[word]), word))[:most])
        for own in counts
    ]


def words(text: str) -> list[str]:
    """The words of a text.

    >>> words("The cat's 2 toys"), words("我爱音乐")
    (['the', 'cat', 's', 'toys'], ['我爱', '爱音', '音乐'])
    """
    found: list[str] = []
    for word in _WORD.findall(text.lower()):
        if _UNSPACED.fullmatch(word):
            found += [one + other for one, other in pairwise(word)]
        else:
            found.append(word)
    return found
