"""The language of texts, as far as the script of their letters says it: enough to choose a dev suite by.

The rule is small on purpose. Han characters without kana are Chinese. Latin letters of which hardly any has an accent
are English; so are those of the few other languages that have none, such as Dutch or Indonesian, which it cannot tell
from it.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache

from simemb.corpus.rows import Rows
from simemb.corpus.sample import first_rows

ENGLISH, CHINESE, JAPANESE = "English", "Chinese", "Japanese"

HAN, KANA = 0.2, 0.1
"""The share of the letters of a text from which on it is Chinese, or Japanese: much English goes into Chinese texts."""
ACCENTED = 0.005
"""The share of Latin letters beyond a to z from which on they are of another language than English."""


def language(texts: Iterable[str]) -> str:
    """The language of most of the texts: `ENGLISH`, `CHINESE`, `JAPANESE`, or another by its letters ("Cyrillic").

    Latin letters with accents are "accented Latin". Empty if no text has a letter.

    >>> language(["A man plays a guitar."]), language(["我用 PyTorch 写代码。"]), language(["Мужчина играет."])
    ('English', 'Chinese', 'Cyrillic')
    """
    letters: dict[str, Counter[str]] = {}
    texts_by_script: Counter[str] = Counter()
    for text in texts:
        counts = Counter(filter(str.isalpha, unicodedata.normalize("NFKC", text).casefold()))
        if counts:
            script = _script_of(counts)
            texts_by_script[script] += 1
            letters.setdefault(script, Counter()).update(counts)
    if not texts_by_script:
        return ""
    script = texts_by_script.most_common(1)[0][0]
    return _of_latin(letters[script]) if script == "Latin" else script


def language_of(rows: Rows) -> str:
    """The language of the first column of some rows, by the first of them."""
    return language(text for (text,) in first_rows(rows, 1))


def _script_of(letters: Counter[str]) -> str:
    """The script of a text by its letters, and the language where the script has but one."""
    scripts: Counter[str] = Counter()
    for letter, count in letters.items():
        scripts[_script(letter)] += count
    total = scripts.total()
    if scripts["Hiragana"] + scripts["Katakana"] >= KANA * total:
        return JAPANESE
    return CHINESE if scripts["Cjk"] >= HAN * total else scripts.most_common(1)[0][0]


@cache
def _script(letter: str) -> str:
    """The first word of the name that Unicode gives a letter: "Latin", "Cyrillic", "Cjk" ..."""
    return unicodedata.name(letter, "unnamed").partition(" ")[0].capitalize()


def _of_latin(letters: Counter[str]) -> str:
    accented = sum(count for letter, count in letters.items() if not letter.isascii() and _script(letter) == "Latin")
    return "accented Latin" if accented >= ACCENTED * letters.total() else ENGLISH
