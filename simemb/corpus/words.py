"""The words of a text, also in scripts that are written without spaces."""

import re

UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
"""A letter of Thai, Lao, Burmese, Khmer, Japanese or Chinese, which are written without spaces."""
_WORD = re.compile(rf"{UNSPACED.pattern}|(?:(?!{UNSPACED.pattern})\w)+")


def words(text: str) -> list[str]:
    """The words of a text, case-folded; in scripts that are written without spaces each character is a word.

    >>> words("Two dogs, 2 cats: 两只狗")
    ['two', 'dogs', '2', 'cats', '两', '只', '狗']
    """
    return _WORD.findall(text.casefold())
