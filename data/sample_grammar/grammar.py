"""From an event of the sample corpus to an English clause: noun phrases, verb groups, active and passive.

`telling` combines clauses into sentences.
"""

from dataclasses import dataclass

from .english import finite, inflect, negative, plural
from .lexicon import Action, Concept
from .meaning import Meaning, is_name
from .style import Style


@dataclass(frozen=True)
class Chain:
    """What precedes the main verb (an auxiliary, a phrase such as "going to", or nothing) and the form of that verb."""

    auxiliary: str
    semi: str
    form: str
    tense: str


CHAINS = {
    "progressive": (Chain("be", "", "gerund", "present"),),
    "background": (Chain("be", "", "gerund", "past"),),
    "past": (Chain("", "", "past", "past"),),
    "habit": (Chain("", "", "present", "present"),),
    "future": (Chain("will", "", "base", ""), Chain("be", "going to", "base", "present")),
    "perfect": (Chain("have", "", "participle", "present"),),
    "can": (Chain("can", "", "base", ""), Chain("be", "able to", "base", "present")),
    "must": (Chain("must", "", "base", ""), Chain("", "have to", "base", "present")),
    "want": (Chain("", "want to", "base", "present"), Chain("would", "like to", "base", "")),
    "try": (Chain("", "try to", "base", "past"), Chain("", "attempt to", "base", "past")),
    "manage": (Chain("", "manage to", "base", "past"), Chain("be", "able to", "base", "past")),
}
NO_PASSIVE = {"want", "try", "manage"}
AFTER_NOUN = ("in ", "with ", "from ", "wearing ", "dressed ")


@dataclass(frozen=True)
class Clause:
    """The parts of a clause in their usual order; `finite` is empty if the main verb is finite."""

    subject: str
    finite: str
    verb: str
    complement: str
    adjuncts: dict[str, str]

    def predicate(self) -> str:
        """Everything after the subject."""
        return join(self.finite, self.verb, self.complement, *self.adjuncts.values())


def join(*parts: str) -> str:
    """The non-empty parts, separated by spaces."""
    return " ".join(part for part in parts if part)


def noun_phrase(
    concept: Concept, style: Style, role: str, extra: Concept | None, count: Concept | None
) -> tuple[str, bool]:
    """A noun phrase, and whether it is plural; `extra` is an adjective, or a phrase that follows the noun."""
    word = style.word(concept)
    mark, noun = word[-1], word.rstrip("=~+")
    described = style.word(extra) if extra else ""
    if word.startswith("the ") or mark == "=":
        return noun, mark == "+"
    if is_name(concept):
        return (f"{noun}, {described}," if described else noun), False
    before, after = ("", described) if described.startswith(AFTER_NOUN) else (described, "")
    if count:
        return join(style.word(count), before, plural(noun), after), True
    if mark in "~+":
        return join(style.choose((role, "mass"), ("the", "")), before, noun, after), mark == "+"
    return join(style.choose((role, "article"), ("a", "the")), before, noun, after), False


def agent_phrase(meaning: Meaning, style: Style) -> tuple[str, bool]:
    """The agent and whether it is plural."""
    roles = meaning.roles
    return noun_phrase(roles["agent"], style, "agent", roles.get("trait"), roles.get("number"))


def object_phrase(meaning: Meaning, style: Style) -> tuple[str, bool]:
    """The object and whether it is plural; empty without an object."""
    roles = meaning.roles
    if "object" not in roles:
        return "", False
    return noun_phrase(roles["object"], style, "object", roles.get("adjective"), roles.get("amount"))


def main_verb(meaning: Meaning, style: Style, *, passive: bool = False) -> str:
    """The verb in its base form; one that has a passive if `passive`."""
    frame = meaning.frame
    assert isinstance(frame, Action)
    verbs = frame.opposites if meaning.opposite else frame.verbs
    if passive:
        verbs = tuple(verb for verb in verbs if verb[-1] != "!")
    return style.choose((frame.verbs, meaning.opposite), verbs).rstrip("!")


def adjuncts(meaning: Meaning, style: Style) -> dict[str, str]:
    """How, where and when, in this order, by role."""
    roles = meaning.roles
    return {role: style.word(roles[role]) for role in ("detail", "place", "time") if role in roles}


def _verb_group(verb: str, chain: Chain, *, many: bool, support: bool, passive: bool) -> tuple[str, str]:
    """The finite auxiliary (or nothing) and the rest; `support` adds an auxiliary, as negations and questions need."""

    def main(form: str) -> str:
        return join(inflect("be", form), inflect(verb, "participle")) if passive else inflect(verb, form)

    if chain.auxiliary:
        return finite(chain.auxiliary, chain.tense, many=many), join(chain.semi, main(chain.form))
    if passive and not chain.semi:
        return finite("be", chain.tense, many=many), inflect(verb, "participle")
    form = "base" if many and chain.tense == "present" else chain.tense
    if support:
        rest = join(chain.semi, main("base")) if chain.semi else main("base")
        return finite("do", chain.tense, many=many), rest
    if chain.semi:
        return "", join(inflect(chain.semi, form), main("base"))
    return "", inflect(verb, form)


def clause(
    meaning: Meaning, style: Style, *, passive: bool = False, question: bool = False, subject: str = ""
) -> Clause:
    """The clause of an event, active or passive; `subject` stands for the agent if there is none, and is singular."""
    # No passive with "able to".
    chains = [chain for chain in CHAINS[meaning.mode] if not (passive and chain.semi == "able to")]
    chain = style.choose(("chain", meaning.mode), chains)
    actor, many_actors = agent_phrase(meaning, style) if "agent" in meaning.roles else (subject, False)
    thing, many_things = object_phrase(meaning, style)
    many = many_things if passive else many_actors
    support = question or not meaning.holds
    verb = main_verb(meaning, style, passive=passive)
    aux, rest = _verb_group(verb, chain, many=many, support=support, passive=passive)
    if not meaning.holds:
        aux = negative(aux, contracted=style.choose("contracted", (True, False)))
    by = f"by {actor}" if passive and actor else ""
    ends = (thing, by) if passive else (actor, thing)
    return Clause(ends[0], aux, rest, ends[1], adjuncts(meaning, style))


def can_be_passive(meaning: Meaning) -> bool:
    """True if the event has an object and a verb and mode with a passive."""
    if not isinstance(meaning.frame, Action) or "object" not in meaning.roles or meaning.mode in NO_PASSIVE:
        return False
    verbs = meaning.frame.opposites if meaning.opposite else meaning.frame.verbs
    return any(verb[-1] != "!" for verb in verbs)
