"""Negations of English sentences by rule: a sentence of nearly the same words that says the opposite.

Wang et al., 2022, https://arxiv.org/abs/2201.05979 (SNCSE), section 3.1, negates by a parser's tree. Here words and
their neighbours decide, so no parser is needed, and some sentences are read wrongly: the verb of a participle or of a
clause inside may be taken for the main verb, unusual verbs without an auxiliary are not found, and a scope such as
"all ... are not" is not thought about. `negation` returns None where it finds no verb.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from simemb.corpus.english_verbs import BASES, is_participle, past_base, third_person_base

LONGEST = 256
"""Words of a text that are looked at; what stands behind them stays as it is."""

_PIECES = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*|\s+|.")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_BE = _set("am is are was were")
_MODALS = _set("can could will would shall should may might must")
_DO = _set("do does did")
_HAVE = {"has": "does", "have": "do", "had": "did"}
_CONTRACTED = re.compile(
    r"(?:i['’]m|(?:you|we|they|who)['’]re|(?:i|you|we|they)['’]ve|(?:he|she|it|that|there|who|let)['’]s|"
    r"(?:i|you|he|she|it|we|they|there|that|who)['’](?:ll|d))"
)
_BEFORE_NOT, _BEHIND_NOT = _set("or if why"), _set("only just least surprisingly")
_SHORTENED = {"ca": "can", "wo": "will", "sha": "shall", "ai": "is"}
_POSITIVE = {"nothing": "something", "nobody": "somebody", "nowhere": "somewhere", "no": "some", "none": "some"}

_PRONOUNS = _set("i you he she it we they this that these those there who")
_PLURALS = _set("i you we they these those who")
_DETERMINERS = _set(
    "a an the my your his her its our their this that these those some any no each every both many several few one "
    "two three four five six seven eight nine ten other another such most"
)
_PREPOSITIONS = _set(
    "of in on at by for with from to into onto over under between among through during against about near after before "
    "since until without within along across behind beyond as per via than like upon"
)
_RELATIVES = _set("who which whose whom that where when while because if although though unless until whereas")
_SUBORDINATORS = _set("when while if although though because since after before as until unless once whereas")
_BOUNDARIES = _set("that which who where when while because if and but or to as")
_ADVERBS = _set(
    "also always often still already just ever now then never only even soon usually later first long ever yet since"
)
_NO_VERBS = _PREPOSITIONS | _BOUNDARIES | _BE
_QUESTION_WORDS = _set("what which who whom whose where when why how")
_SINGULARS = _PRONOUNS | _set("series species news always")
_LOWERED = _PRONOUNS - {"i"} | _DETERMINERS | _PREPOSITIONS | _SUBORDINATORS


@dataclass(frozen=True)
class _Sentence:
    """A sentence as pieces: words, spaces and signs, which together are the text.

    words: the places of the words among the pieces. lower: the words in lower case, with straight apostrophes.
    """

    pieces: list[str]

    @cached_property
    def words(self) -> list[int]:
        return [place for place, piece in enumerate(self.pieces) if piece[0].isalnum()][:LONGEST]

    @cached_property
    def lower(self) -> list[str]:
        return [self.written(number).lower().replace("’", "'") for number in range(len(self.words))]

    def written(self, number: int) -> str:
        """A word as it is written."""
        return self.pieces[self.words[number]]

    def word(self, number: int) -> str:
        """A word in lower case, or "" for a number out of range."""
        return self.lower[number] if 0 <= number < len(self.lower) else ""

    def gap(self, number: int) -> str:
        """What stands between a word and the one before."""
        first = self.words[number - 1] + 1 if number else 0
        return "".join(self.pieces[first : self.words[number] if number < len(self.words) else len(self.pieces)])

    def after_comma(self, number: int) -> int | None:
        """The first word, from this one on, that a comma stands before."""
        return next((n for n in range(max(number, 1), len(self.words)) if "," in self.gap(n)), None)

    def put(self, first: int, stop: int, text: str) -> str:
        """The text with another in the place of some pieces; its first letter stays a capital one."""
        new = "".join([*self.pieces[:first], text, *self.pieces[stop:]])
        capital = self.pieces[0][:1].isupper() and not "".join(self.pieces[:first]).strip()
        return new[:1].upper() + new[1:] if capital else new

    def replaced(self, number: int, text: str) -> str:
        """The text with another word."""
        return self.put(self.words[number], self.words[number] + 1, text)

    def without(self, number: int, last: int) -> str:
        """The text without some words and the space before them, or at the start the one after them."""
        first, stop = self.words[number], self.words[last] + 1
        if first and self.pieces[first - 1].isspace():
            return self.put(first - 1, stop, "")
        return self.put(first, stop + (stop < len(self.pieces) and self.pieces[stop].isspace()), "")


@dataclass(frozen=True)
class _Verb:
    """A finite verb: the number of its word, and what takes its place."""

    number: int
    negated: str
    auxiliary: bool


def negation(text: str) -> str | None:
    """The sentence without its negation, or with one; None if no verb is found.

    >>> negation("He was born in Paris."), negation("She plays the guitar."), negation("They do not know.")
    ('He was not born in Paris.', 'She does not play the guitar.', 'They do know.')
    """
    sentence = _Sentence(_PIECES.findall(text))
    affirmed = _affirmed(sentence)
    if affirmed is not None:
        return affirmed
    verb = _main_verb(sentence)
    if verb is None:
        return _forbidden(sentence)
    subject = _end_of_subject(sentence, verb)
    if subject is not None:
        return sentence.replaced(subject, f"{sentence.written(subject)} not")
    return sentence.replaced(verb.number, verb.negated)


def opposite(text: str) -> str:
    """The negation, or "Not" before the text if no verb is found; a text without Latin letters stays as it is.

    >>> opposite("A list of rivers."), opposite("他在巴黎。")
    ('Not a list of rivers.', '他在巴黎。')
    """
    found = negation(text)
    if found is not None or not re.search("[A-Za-z]", text):
        return text if found is None else found
    start = text.lstrip()
    first = re.split(r"\W", start, maxsplit=1)[0]
    return f"Not {start[0].lower() + start[1:] if first.lower() in _LOWERED else start}"


# ---- a negation that is there already ----------------------------------------------------------


def _affirmed(sentence: _Sentence) -> str | None:
    """The sentence without the first negation in it; None if there is none."""
    for number, word in enumerate(sentence.lower):
        before, after = sentence.word(number - 1), sentence.word(number + 1)
        if word.endswith("n't"):
            return sentence.replaced(number, _SHORTENED.get(word[:-3], sentence.written(number)[:-3]))
        if word == "cannot":
            return sentence.replaced(number, sentence.written(number)[:3])
        if word == "never" or (word == "not" and before not in _BEFORE_NOT and after not in _BEHIND_NOT):
            return sentence.without(number, number)
        if word == "no" and after == "longer":
            return sentence.without(number, number + 1)
        if word == "no" and after == "one":
            return sentence.put(sentence.words[number], sentence.words[number + 1] + 1, "someone")
        if word in _POSITIVE and _denies(sentence, number):
            return sentence.replaced(number, _POSITIVE[word])
    return None


def _denies(sentence: _Sentence, number: int) -> bool:
    """Whether a "no" or the like stands for a negation, as it does not in "No. 1", "Dr. No" or a lone "none"."""
    word, together = sentence.word(number), sentence.gap(number + 1) == " "
    if word == "none":
        return together and sentence.word(number + 1) == "of"
    return word != "no" or (together and number + 1 < len(sentence.words) and sentence.written(number + 1)[0].islower())


# ---- the main verb -----------------------------------------------------------------------------


def _main_verb(sentence: _Sentence) -> _Verb | None:
    """The first auxiliary of the main clause, or a full verb before it that a clause or a conjunction sets apart."""
    numbers = list(_main_clause(sentence))
    auxiliary = next((verb for number in numbers if (verb := _auxiliary(sentence, number))), None)
    full = next((verb for number in numbers if (verb := _full_verb(sentence, number))), None)
    if auxiliary is None or full is None or full.number > auxiliary.number:
        return auxiliary or full
    between = range(full.number + 1, auxiliary.number + 1)
    apart = any(sentence.word(number) in _BOUNDARIES or "," in sentence.gap(number) for number in between)
    return full if apart else auxiliary


def _main_clause(sentence: _Sentence) -> Iterator[int]:
    """The numbers of the words that are not in a clause inside the sentence or before it."""
    number = _after_opening(sentence)
    while number < len(sentence.words):
        if number and sentence.word(number) in _RELATIVES and (number > 1 or sentence.word(number) != "that"):
            number = _after_relative(sentence, number)
        elif "(" in sentence.gap(number):
            inside = range(number + 1, len(sentence.words) + 1)
            number = next((n for n in inside if ")" in sentence.gap(n)), len(sentence.words))
        else:
            yield number
            number += 1


def _after_opening(sentence: _Sentence) -> int:
    """Where the main clause begins: behind an opening clause or phrase and its comma."""
    first, comma = sentence.word(0), sentence.after_comma(1)
    if comma is None or len(sentence.words) - comma < 2:
        return 0
    phrase = first in _PREPOSITIONS and not (_BE | _MODALS).intersection(sentence.lower[:comma])
    return comma if phrase or first in _SUBORDINATORS else 0


def _after_relative(sentence: _Sentence, number: int) -> int:
    """The word behind a clause that begins with this one: behind its comma, or behind its verb."""
    if "," in sentence.gap(number):
        return sentence.after_comma(number + 1) or len(sentence.words)
    for inside in range(number + 1, len(sentence.words)):
        if _auxiliary(sentence, inside) or _full_verb(sentence, inside):
            return inside + 1 + is_participle(sentence.word(inside + 1))
    return len(sentence.words)


def _auxiliary(sentence: _Sentence, number: int) -> _Verb | None:
    """A form of be, do or have, a modal, or a contraction with one."""
    word, written, after = sentence.word(number), sentence.written(number), sentence.word(number + 1)
    named = number > 0 and written[0].isupper() and written[1:2].islower()  # May, Will
    if named or after == "not":  # "is not only"
        return None
    if word in _MODALS and (not after or after in _NO_VERBS or sentence.gap(number + 1).strip()):
        return None  # free will, the month of may
    if word in _BE | _MODALS | _DO or _CONTRACTED.fullmatch(word):
        return _Verb(number, f"{written} not", auxiliary=True)
    if word not in _HAVE:
        return None
    rest = [after for after in sentence.lower[number + 1 : number + 4] if after not in _ADVERBS and after[-2:] != "ly"]
    perfect = is_participle(rest[0]) if rest else False
    return _Verb(number, f"{written} not" if perfect else f"{_HAVE[word]} not have", auxiliary=True)


def _full_verb(sentence: _Sentence, number: int) -> _Verb | None:
    """A verb without an auxiliary, with do: a past, a third person, or a base form behind a plural."""
    word, before = sentence.word(number), sentence.word(number - 1)
    if not number or not sentence.written(number).islower() or not _may_follow_subject(sentence, number):
        return None
    base = past_base(word)
    if base is not None:
        agent = sentence.word(number + 1) == "by" and is_participle(word)
        return None if agent else _Verb(number, f"did not {base}", auxiliary=False)
    base = third_person_base(word)
    if base is not None:
        plural = before in _PLURALS or _is_plural(before) or before.endswith(("s'", "'s", "ing"))
        return None if plural else _Verb(number, f"does not {base}", auxiliary=False)
    if word in BASES and (before in _PLURALS or _is_plural(before)):
        return _Verb(number, f"do not {word}", auxiliary=False)
    return None


def _may_follow_subject(sentence: _Sentence, number: int) -> bool:
    """Whether the word before may end a subject: no preposition or determiner, and no single comma before a list."""
    before = sentence.word(number - 1)
    if before in _PRONOUNS:
        return True
    enclosed = "," not in sentence.gap(number) or (sentence.after_comma(1) or number) < number
    return enclosed and before not in _PREPOSITIONS | _DETERMINERS


def _is_plural(word: str) -> bool:
    return word.endswith("s") and not word.endswith(("ss", "us", "is", "ics", "'s")) and word not in _SINGULARS


# ---- questions and orders ----------------------------------------------------------------------


def _end_of_subject(sentence: _Sentence, verb: _Verb) -> int | None:
    """In a question, the word behind which "not" stands: the last one of a short subject."""
    asked = verb.number == 0 or (verb.number == 1 and sentence.word(0) in _QUESTION_WORDS)
    if not (asked and verb.auxiliary and sentence.pieces[-1] == "?") or verb.number + 1 >= len(sentence.words):
        return None
    subject = sentence.word(verb.number + 1)
    if verb.number == 1 and sentence.word(0) in ("who", "what", "which") and subject not in _PRONOUNS - {"there"}:
        return None
    return min(verb.number + 1 + (subject in _DETERMINERS - _PRONOUNS), len(sentence.words) - 1)


def _forbidden(sentence: _Sentence) -> str | None:
    """An order with "do not"; None if the sentence does not begin with a verb."""
    named = len(sentence.words) > 1 and sentence.written(1)[0].isupper()
    if sentence.word(0) not in BASES | {"be", "do"} or named or sentence.word(1) == "of":
        return None
    return sentence.replaced(0, f"do not {sentence.word(0)}")
