"""English inflection for the sample corpus: forms of nouns and verbs, articles, capitals and punctuation.

The tables hold the irregular forms that the lexicon needs; everything else follows the spelling rules.
"""

import re
from functools import cache

PLURALS = {
    "man": "men",
    "woman": "women",
    "child": "children",
    "person": "people",
    "knife": "knives",
    "shelf": "shelves",
    "bookshelf": "bookshelves",
    "monarch": "monarchs",
    "quiz": "quizzes",
    "loaf": "loaves",
    "leaf": "leaves",
    "scarf": "scarves",
    "wolf": "wolves",
    "thief": "thieves",
    "goose": "geese",
    "mouse": "mice",
    "fish": "fish",
    "sheep": "sheep",
    "deer": "deer",
    "species": "species",
    "aircraft": "aircraft",
    "potato": "potatoes",
    "tomato": "tomatoes",
    "hypothesis": "hypotheses",
    "spy": "spies",
}
# base: (past, participle); every verb not listed is regular.
IRREGULAR = {
    "be": ("was", "been"),
    "begin": ("began", "begun"),
    "bite": ("bit", "bitten"),
    "blow": ("blew", "blown"),
    "break": ("broke", "broken"),
    "bring": ("brought", "brought"),
    "build": ("built", "built"),
    "buy": ("bought", "bought"),
    "catch": ("caught", "caught"),
    "cut": ("cut", "cut"),
    "dig": ("dug", "dug"),
    "draw": ("drew", "drawn"),
    "drink": ("drank", "drunk"),
    "drive": ("drove", "driven"),
    "eat": ("ate", "eaten"),
    "feed": ("fed", "fed"),
    "fall": ("fell", "fallen"),
    "fight": ("fought", "fought"),
    "find": ("found", "found"),
    "fly": ("flew", "flown"),
    "forget": ("forgot", "forgotten"),
    "get": ("got", "gotten"),
    "give": ("gave", "given"),
    "go": ("went", "gone"),
    "grow": ("grew", "grown"),
    "hang": ("hung", "hung"),
    "have": ("had", "had"),
    "hear": ("heard", "heard"),
    "hide": ("hid", "hidden"),
    "keep": ("kept", "kept"),
    "lay": ("laid", "laid"),
    "leave": ("left", "left"),
    "lead": ("led", "led"),
    "light": ("lit", "lit"),
    "lose": ("lost", "lost"),
    "make": ("made", "made"),
    "mow": ("mowed", "mown"),
    "pay": ("paid", "paid"),
    "put": ("put", "put"),
    "quit": ("quit", "quit"),
    "read": ("read", "read"),
    "repay": ("repaid", "repaid"),
    "ride": ("rode", "ridden"),
    "ring": ("rang", "rung"),
    "run": ("ran", "run"),
    "say": ("said", "said"),
    "see": ("saw", "seen"),
    "sell": ("sold", "sold"),
    "send": ("sent", "sent"),
    "set": ("set", "set"),
    "shoot": ("shot", "shot"),
    "show": ("showed", "shown"),
    "shut": ("shut", "shut"),
    "sing": ("sang", "sung"),
    "sleep": ("slept", "slept"),
    "speak": ("spoke", "spoken"),
    "spend": ("spent", "spent"),
    "steal": ("stole", "stolen"),
    "sweep": ("swept", "swept"),
    "swim": ("swam", "swum"),
    "take": ("took", "taken"),
    "teach": ("taught", "taught"),
    "tear": ("tore", "torn"),
    "tell": ("told", "told"),
    "throw": ("threw", "thrown"),
    "weep": ("wept", "wept"),
    "win": ("won", "won"),
    "write": ("wrote", "written"),
}
FINITE = {
    ("be", "present"): ("is", "are"),
    ("be", "past"): ("was", "were"),
    ("have", "present"): ("has", "have"),
    ("do", "present"): ("does", "do"),
    ("do", "past"): ("did", "did"),
}
CONTRACTIONS = {"will not": "won't", "can not": "can't"}

VOWEL_END = re.compile(r"[aeiou]y$|[aeiou]o$")
ONE_SYLLABLE = re.compile(r"^(?:un)?[^aeiou]*(?:qu)?[aeiou][^aeiouwxy]$")
# Before a vowel, or a number spoken with one, but not before the sound that begins "university" and "one-way".
ARTICLE = re.compile(r"\b(a) (?!uni[cfoqtv]|use|euro|one-)(?=[aeiou]|8\b|11\b|18\b|8\d\b|hour|honest)", re.IGNORECASE)
SPACES = re.compile(r"\s+([,.?])|\s{2,}")


@cache
def plural(noun: str) -> str:
    """The plural of a noun phrase, whose head is the word before `of`, else the last.

    >>> plural("loaf of bread"), plural("police officer"), plural("cherry")
    ('loaves of bread', 'police officers', 'cherries')
    """
    head, of, rest = noun.partition(" of ")
    if head in PLURALS:
        return PLURALS[head] + of + rest
    before, space, word = head.rpartition(" ")
    return before + space + PLURALS.get(word, _s_form(word)) + of + rest


@cache
def inflect(verb: str, form: str) -> str:
    """A verb (the first word of `verb`) as base, present (third person), past, participle or gerund.

    >>> [inflect("cut up", form) for form in ("base", "present", "past", "participle", "gerund")]
    ['cut up', 'cuts up', 'cut up', 'cut up', 'cutting up']
    """
    word, space, rest = verb.partition(" ")
    if form == "present":
        word = {"have": "has", "be": "is"}.get(word, _s_form(word))
    elif form == "gerund":
        word = _gerund(word)
    elif form in ("past", "participle"):
        word = IRREGULAR[word][form == "participle"] if word in IRREGULAR else _ed_form(word)
    return word + space + rest


def finite(auxiliary: str, tense: str, *, many: bool) -> str:
    """The finite form of an auxiliary; modals have a single form.

    >>> finite("be", "past", many=True), finite("will", "", many=False)
    ('were', 'will')
    """
    return FINITE.get((auxiliary, tense), (auxiliary, auxiliary))[many]


def negative(auxiliary: str, *, contracted: bool) -> str:
    """A finite auxiliary with its negation.

    >>> negative("can", contracted=False), negative("will", contracted=True), negative("is", contracted=True)
    ('cannot', "won't", "isn't")
    """
    full = f"{auxiliary} not"
    if contracted:
        return CONTRACTIONS.get(full, f"{auxiliary}n't")
    return "cannot" if auxiliary == "can" else full


def polish(text: str, end: str = ".") -> str:
    """A finished sentence: a or an, single spaces, a capital letter, and `end`.

    >>> polish("a  old man eats a apple , a pear and a uniform is used", "?")
    'An old man eats an apple, a pear and a uniform is used?'
    """
    text = SPACES.sub(lambda match: match.group(1) or " ", text).strip(" ,")
    text = ARTICLE.sub(r"\1n ", text)
    return text[0].upper() + text[1:] + end


def _s_form(word: str) -> str:
    if word.endswith(("s", "x", "z", "ch", "sh")) or word in ("go", "do"):
        return word + "es"
    if word.endswith("y") and not VOWEL_END.search(word):
        return word[:-1] + "ies"
    return word + "s"


def _doubled(word: str) -> str:
    return word + word[-1] if ONE_SYLLABLE.match(word) else word


def _gerund(word: str) -> str:
    if word.endswith("e") and not word.endswith(("ee", "oe", "ye")) and word != "be":
        return word[:-1] + "ing"
    return {"forget": "forgett", "begin": "beginn"}.get(word, _doubled(word)) + "ing"


def _ed_form(word: str) -> str:
    if word.endswith("e"):
        return word + "d"
    if word.endswith("y") and not VOWEL_END.search(word):
        return word[:-1] + "ied"
    return _doubled(word) + "ed"
