"""Negations of English sentences by rule: a sentence of nearly the same words that says the opposite.

Wang et al., 2022, https://arxiv.org/abs/2201.05979 (SNCSE), section 3.1, negates by a parser's tree. Here words and
their neighbours decide, so no parser is needed, and some sentences are read wrongly: the verb of a participle or of a
clause inside may be taken for the main verb, unusual verbs without an auxiliary are not found, and a scope such as
"all ... are not" is not thought about. `negation` returns None where it finds no verb.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from simemb.corpus.english_verbs import BASES, is_participle, past_base, third_person_base

_PIECES = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*|[\s]+|.")


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
class _Verb:
    """A finite verb: where it stands, what takes its place, and whether that is sure to be a verb."""

    place: int
    negated: str
    auxiliary: bool


def negation(sentence: str) -> str | None:
    """The sentence without its negation, or with one; None if no verb is found.

    >>> negation("He was born in Paris."), negation("She plays the guitar."), negation("They do not know.")
    ('He was not born in Paris.', 'She does not play the guitar.', 'They do know.')
    """
    pieces = _PIECES.findall(sentence)
    words = [place for place, piece in enumerate(pieces) if piece[0].isalnum()]
    lower = [pieces[place].lower().replace("’", "'") for place in words]
    text = _without_negation(pieces, words, lower)
    if text is not None:
        return text
    verb = _main_verb(pieces, words, lower)
    if verb is None:
        return _imperative(pieces, words, lower)
    place = _behind_subject(pieces, words, lower, verb)
    if place is not None:
        return "".join([*pieces[: words[place] + 1], " not", *pieces[words[place] + 1 :]])
    return "".join([*pieces[: words[verb.place]], verb.negated, *pieces[words[verb.place] + 1 :]])


def opposite(sentence: str) -> str:
    """The negation, or "Not" before the sentence if no verb is found; a text without Latin letters stays as it is.

    >>> opposite("A list of rivers."), opposite("他在巴黎。")
    ('Not a list of rivers.', '他在巴黎。')
    """
    found = negation(sentence)
    if found is not None or not re.search("[A-Za-z]", sentence):
        return sentence if found is None else found
    first = re.split(r"\W", sentence.lstrip(), maxsplit=1)[0]
    start = sentence.lstrip()
    return f"Not {start[0].lower() + start[1:] if first.lower() in _LOWERED else start}"


# ---- a negation that is there already ----------------------------------------------------------


def _without_negation(pieces: Sequence[str], words: Sequence[int], lower: Sequence[str]) -> str | None:
    for number, (place, word) in enumerate(zip(words, lower, strict=True)):
        after = lower[number + 1] if number + 1 < len(lower) else ""
        before = lower[number - 1] if number else ""
        if word.endswith("n't"):
            stem = word[:-3]
            return _put(pieces, place, place + 1, _SHORTENED.get(stem, pieces[place][:-3]))
        if word == "cannot":
            return _put(pieces, place, place + 1, pieces[place][:3])
        if (
            word == "not"
            and after not in ("only", "just", "least", "surprisingly")
            and before not in ("or", "if", "why")
        ):
            return _put(pieces, *_with_space(pieces, place, place + 1))
        if word == "never" or (word == "no" and after == "longer"):
            last = place if word == "never" else words[number + 1]
            return _put(pieces, *_with_space(pieces, place, last + 1))
        if word == "no" and after == "one":
            return _put(pieces, place, words[number + 1] + 1, "someone")
        if word in _POSITIVE and _denies(pieces, words, number):
            return _put(pieces, place, place + 1, _POSITIVE[word])
    return None


def _denies(pieces: Sequence[str], words: Sequence[int], number: int) -> bool:
    """Whether a "no" or the like stands for a negation: not in "No. 1", "Dr. No" or "none"."""
    place = words[number]
    if pieces[place].lower() == "none":
        return pieces[place + 1 : place + 3] == [" ", "of"]
    if pieces[place].lower() != "no":
        return True
    follows = pieces[place + 2 : place + 3]
    return pieces[place + 1 : place + 2] == [" "] and follows != [] and follows[0][0].islower()


def _with_space(pieces: Sequence[str], first: int, stop: int) -> tuple[int, int]:
    """The same pieces and the space before them, or after them at the start."""
    if first and pieces[first - 1].isspace():
        return first - 1, stop
    return first, stop + (stop < len(pieces) and pieces[stop].isspace())


def _put(pieces: Sequence[str], first: int, stop: int, text: str = "") -> str:
    """The sentence with `text` in the place of some pieces; its first letter stays a capital one."""
    new = "".join([*pieces[:first], text, *pieces[stop:]])
    capital = pieces[0][:1].isupper() and not "".join(pieces[:first]).strip()
    return new[:1].upper() + new[1:] if capital else new


# ---- the main verb -----------------------------------------------------------------------------


def _main_verb(pieces: Sequence[str], words: Sequence[int], lower: Sequence[str]) -> _Verb | None:
    """The first auxiliary of the main clause, or a full verb before it that a clause or a conjunction sets apart."""
    open_words = list(_main_clause(pieces, words, lower))
    auxiliary = next((verb for number in open_words if (verb := _auxiliary(pieces, words, lower, number))), None)
    full = next((verb for number in open_words if (verb := _full_verb(pieces, words, lower, number))), None)
    if auxiliary is None or full is None or full.place > auxiliary.place:
        return auxiliary or full
    between = lower[full.place + 1 : auxiliary.place]
    apart = _BOUNDARIES.intersection(between) or "," in pieces[words[full.place] : words[auxiliary.place]]
    return full if apart else auxiliary


def _main_clause(pieces: Sequence[str], words: Sequence[int], lower: Sequence[str]) -> Iterator[int]:
    """The numbers of the words that are not in a clause inside the sentence or before it."""
    number = _after_opening(pieces, words, lower)
    while number < len(words):
        before = "".join(pieces[words[number - 1] + 1 : words[number]]) if number else ""
        if number and lower[number] in _RELATIVES and (number > 1 or lower[number] != "that"):
            number = _after_relative(pieces, words, lower, number, comma="," in before)
        elif "(" in before:
            closing = next(
                (n for n in range(number, len(words)) if ")" in pieces[words[n] : _next(words, n, pieces)]), None
            )
            number = len(words) if closing is None else closing + 1
        else:
            yield number
            number += 1


def _next(words: Sequence[int], number: int, pieces: Sequence[str]) -> int:
    """The place of the word after this one, or the end."""
    return words[number + 1] if number + 1 < len(words) else len(pieces)


def _commas(pieces: Sequence[str], words: Sequence[int], first: int) -> Iterator[int]:
    """The numbers of the words behind a comma, from word `first` on."""
    return (n + 1 for n in range(first, len(words) - 1) if "," in pieces[words[n] : words[n + 1]])


def _after_opening(pieces: Sequence[str], words: Sequence[int], lower: Sequence[str]) -> int:
    """Where the main clause begins: behind an opening clause or phrase and its comma."""
    if not lower or lower[0] not in _SUBORDINATORS | _PREPOSITIONS:
        return 0
    comma = next(_commas(pieces, words, 0), None)
    if comma is None or len(words) - comma < 2:
        return 0
    opening = lower[:comma]
    return comma if lower[0] in _SUBORDINATORS or not (_BE | _MODALS).intersection(opening) else 0


def _after_relative(
    pieces: Sequence[str], words: Sequence[int], lower: Sequence[str], number: int, *, comma: bool
) -> int:
    """The number of the word behind a clause that begins at `number`: behind its comma, or behind its verb."""
    if comma:
        return next(_commas(pieces, words, number), len(words))
    for inside in range(number + 1, len(words)):
        if _auxiliary(pieces, words, lower, inside) or _full_verb(pieces, words, lower, inside):
            return inside + 1 + (inside + 1 < len(words) and is_participle(lower[inside + 1]))
    return len(words)


def _auxiliary(pieces: Sequence[str], words: Sequence[int], lower: Sequence[str], number: int) -> _Verb | None:
    word, written = lower[number], pieces[words[number]]
    if lower[number + 1 : number + 2] == ["not"]:  # "is not only"
        return None
    if number and written[0].isupper() and written[1:2].islower():  # May, Will, Can as names
        return None
    behind = "".join(pieces[words[number] + 1 : _next(words, number, pieces)])
    if word in _MODALS and (behind.strip() or lower[number + 1 : number + 2] == [] or lower[number + 1] in _NO_VERBS):
        return None  # free will, the month of may
    if _CONTRACTED.fullmatch(word) or word in _BE | _MODALS | _DO:
        return _Verb(number, f"{written} not", auxiliary=True)
    if word not in _HAVE:
        return None
    rest = [after for after in lower[number + 1 : number + 4] if after not in _ADVERBS and not after.endswith("ly")]
    if rest and is_participle(rest[0]):
        return _Verb(number, f"{written} not", auxiliary=True)
    return _Verb(number, f"{_HAVE[word]} not have", auxiliary=True)


def _full_verb(pieces: Sequence[str], words: Sequence[int], lower: Sequence[str], number: int) -> _Verb | None:
    """A verb without an auxiliary, with do: a past, a third person, or a base form behind a plural."""
    word, before = lower[number], lower[number - 1] if number else ""
    written = pieces[words[number]]
    gap = "".join(pieces[words[number - 1] + 1 : words[number]]) if number else ""
    after_comma = "," in gap and before not in _PRONOUNS and not any("," in p for p in pieces[: words[number - 1]])
    if not number or not written.islower() or before in _PREPOSITIONS or after_comma:
        return None
    noun_expected = before in _DETERMINERS and before not in _PRONOUNS
    base = past_base(word)
    if base is not None and not noun_expected and not _has_agent(lower, number):
        return _Verb(number, f"did not {base}", auxiliary=False)
    base = third_person_base(word)
    if base is not None and not noun_expected and before not in _PLURALS and not before.endswith(("s'", "'s", "ing")):
        return None if _is_plural(before) else _Verb(number, f"does not {base}", auxiliary=False)
    if word in BASES and (before in _PLURALS or _is_plural(before)) and not noun_expected:
        return _Verb(number, f"do not {word}", auxiliary=False)
    return None


def _is_plural(word: str) -> bool:
    return word.endswith("s") and not word.endswith(("ss", "us", "is", "ics", "'s")) and word not in _SINGULARS


def _has_agent(lower: Sequence[str], number: int) -> bool:
    """Whether a past is a participle with its agent behind it: "written by"."""
    return lower[number + 1 : number + 2] == ["by"] and is_participle(lower[number])


# ---- questions and orders ----------------------------------------------------------------------


def _behind_subject(pieces: Sequence[str], words: Sequence[int], lower: Sequence[str], verb: _Verb) -> int | None:
    """In a question, the number of the word behind which "not" stands: the last one of a short subject."""
    asked = verb.place == 0 or (verb.place == 1 and lower[0] in _QUESTION_WORDS)
    if not (verb.auxiliary and asked and pieces[-1] == "?") or verb.place + 1 >= len(words):
        return None
    subject = lower[verb.place + 1]
    if verb.place == 1 and lower[0] in ("who", "what", "which") and subject not in _PRONOUNS - {"there"}:
        return None
    return min(verb.place + 1 + (subject in _DETERMINERS - _PRONOUNS), len(words) - 1)


def _imperative(pieces: Sequence[str], words: Sequence[int], lower: Sequence[str]) -> str | None:
    """An order with "do not"; None if the sentence does not begin with a verb."""
    named = any(pieces[place][0].isupper() for place in words[1:2])
    if not lower or lower[0] not in BASES | {"be", "do"} or named or lower[1:2] == ["of"]:
        return None
    first = pieces[words[0]]
    start = "Do not" if first[0].isupper() else "do not"
    return "".join([*pieces[: words[0]], f"{start} {first.lower()}", *pieces[words[0] + 1 :]])
