"""Forms of English verbs: which words are finite, and what their base form is. A word list and rules of spelling."""

from functools import cache

_BASES = """
accept achieve act adapt add address adopt affect agree aim allow announce appear apply appoint approve argue arrange
arrest arrive ask assume attack attempt attend attract award bear beat become begin believe belong bite block blow
board boil borrow break bring broadcast build burn buy call carry catch cause celebrate change charge check choose
claim clean clear climb close collect combine come comment commit compare compete complete comprise concern conclude
conduct confirm connect consider consist constitute construct contain continue contribute control convert convince
cook copy correct cost count cover create cross cry cut damage dance deal decide declare decline decrease defeat
defend define deliver demand deny depend depict derive describe design destroy determine develop die differ direct
disappear discover discuss display divide draw dream drink drive drop eat edit elect emerge employ enable encourage
end enjoy enter escape establish evolve examine exist expand expect experience explain explore express extend face
fail fall fear feature feed feel fight fill finish fit flee flow fly focus follow force forget form found function
gain gather generate get give go govern graduate grow guide happen hate have hear help hide hit hold hope host hunt
identify ignore imagine improve include increase indicate influence inform inhabit inspire intend introduce invade
invent investigate invite involve issue join jump keep kick kill know lack land last laugh launch lay lead learn leave
let lie like link list listen live look lose love maintain make manage mark marry match mean measure meet merge miss
mix move name need note notice observe obtain occupy occur offer open operate order organize originate own paint
participate pass pay perform pick place plan plant play point portray possess practice praise prefer prepare present
preserve prevent produce promote propose protect prove provide publish pull push put raise range rank reach read
realize receive recognize record reduce refer reflect refuse regard reject relate release rely remain remember remove
rename renew rent replace reply report represent require rescue resemble resign respond rest result retain retire
return reveal ride ring rise rule run sail save say score see seek seem sell send separate serve set settle shake
shape share shoot show shut sign sing sink sit sleep smile smoke solve speak specialize spend spread stand star start
state stay steal stem stop strike struggle study succeed suffer suggest support suppose surround survive swim take
talk teach tell tend test think throw tie touch train translate transport travel treat try turn understand unite use
value vary view visit vote wait walk want warn wash watch wear win wish wonder work worry write
"""
BASES = frozenset(_BASES.split())
"""Verbs that are common in encyclopedias and captions; a noun of the same spelling is told apart by its neighbours."""

_PASTS = """
arise:arose awake:awoke bear:bore beat:beat become:became begin:began bend:bent bind:bound bite:bit blow:blew
break:broke bring:brought build:built burn:burnt buy:bought catch:caught choose:chose come:came cost:cost creep:crept
cut:cut deal:dealt dig:dug do:did draw:drew drink:drank drive:drove eat:ate fall:fell feed:fed feel:felt fight:fought
find:found flee:fled fly:flew forbid:forbade forget:forgot forgive:forgave freeze:froze get:got give:gave go:went
grow:grew hang:hung hear:heard hide:hid hit:hit hold:held hurt:hurt keep:kept kneel:knelt know:knew lay:laid lead:led
leave:left lend:lent let:let lie:lay light:lit lose:lost make:made mean:meant meet:met overcome:overcame pay:paid
put:put quit:quit ride:rode ring:rang rise:rose run:ran say:said see:saw seek:sought sell:sold send:sent set:set
shake:shook shine:shone shoot:shot shut:shut sing:sang sink:sank sit:sat sleep:slept speak:spoke spend:spent spin:spun
split:split spread:spread stand:stood steal:stole stick:stuck strike:struck swear:swore sweep:swept swim:swam
swing:swung take:took teach:taught tear:tore tell:told think:thought throw:threw undergo:underwent
understand:understood undertake:undertook wake:woke wear:wore win:won withdraw:withdrew write:wrote
"""
PASTS = {past: base for base, past in (pair.split(":") for pair in _PASTS.split())}
"""The base form of each irregular past."""

_PARTICIPLES = """
been begun become bitten blown borne born bought broken brought built caught chosen come done drawn driven drunk eaten
fallen fed felt flown forgotten fought found frozen given gone got gotten grown had heard held hidden hit hung kept
known laid led left lent let lit lost made meant met paid proven put read ridden risen run said sat seen sent set
shaken shone shot shown shut slain sold spent split spoken spread stolen stood struck stuck sung sunk swept sworn
taken taught thought thrown told torn understood undergone won worn written
"""
PARTICIPLES = frozenset(_PARTICIPLES.split())
"""Irregular participles, which stand behind a form of `have` that is an auxiliary."""

_NO_PASTS = """
hundred kindred sacred indeed need bed red seed speed breed weed feed deed creed greed embed naked wicked rugged beloved
aged shed wed exceed proceed succeed bred fled sped infrared
"""
_SILENT_E = (
    "at",
    "iz",
    "yz",
    "v",
    "c",
    "g",
    "s",
    "u",
    "bl",
    "pl",
    "tl",
    "dl",
    "gl",
    "ir",
    "ur",
    "ut",
    "ud",
    "id",
    "in",
    "iq",
)
"""Endings that a base form of a regular past has only before an e: creat-ed, mov-ed, settl-ed."""
_NO_SILENT_E = ("ss", "us", "ing", "ong", "ang", "ain", "oin", "ein", "train", "gain", "our", "eat", "oat", "oot", "rg")


def is_participle(word: str) -> bool:
    """Whether the word may be a past participle: playing no part of its own behind a form of `be` or `have`."""
    return word in PARTICIPLES or (word.endswith("ed") and "-" not in word and past_base(word) is not None)


@cache
def past_base(word: str) -> str | None:
    """The base form of a simple past, in lower case; None for a word that is none.

    >>> [past_base(word) for word in ("went", "stopped", "created", "carried", "walked", "hundred")]
    ['go', 'stop', 'create', 'carry', 'walk', None]
    """
    if word in PASTS:
        return PASTS[word]
    if not word.endswith("ed") or len(word) < 5 or word in _NO_PASTS.split():
        return None
    stem = word[:-2]
    if stem.endswith("i"):
        return f"{stem[:-1]}y"
    if stem in BASES:
        return stem
    if f"{stem}e" in BASES or stem.endswith("e"):
        return f"{stem}e"
    if stem[-1] == stem[-2] and stem[-1] not in "lsz":
        return stem[:-1]
    if stem.endswith(_SILENT_E) and not stem.endswith(_NO_SILENT_E):
        return f"{stem}e"
    return stem


@cache
def third_person_base(word: str) -> str | None:
    """The base form of a third person singular of `BASES`, in lower case; None for any other word.

    >>> [third_person_base(word) for word in ("plays", "goes", "carries", "has", "cats")]
    ['play', 'go', 'carry', 'have', None]
    """
    if word == "has":
        return "have"
    candidates = (word[:-1], word[:-2], f"{word[:-3]}y") if word.endswith("s") else ()
    endings = ("s", "es", "ies")
    found = (base for base, end in zip(candidates, endings, strict=False) if base in BASES and word.endswith(end))
    return next(found, None)
