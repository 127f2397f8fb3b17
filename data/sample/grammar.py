"""From a meaning of the sample corpus to an English sentence, in one of the many ways to say it.

A style makes the choices and remembers them, so that two meanings can be told alike or as differently as possible.
"""

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from .dice import Dice
from .english import finite, inflect, negative, plural, polish
from .lexicon import Action, Concept, Fact
from .meaning import Link, Meaning, is_name

Option = TypeVar("Option", bound=Hashable)


class Style:
    """Choices between ways to say the same, the same one every time the same choice comes up.

    Args:
        dice: what decides a choice that comes up for the first time.
        unlike: a style whose choices are shunned where there is another way.
    """

    def __init__(self, dice: Dice, unlike: "Style | None" = None) -> None:
        self._dice = dice
        self._chosen: dict[Hashable, Hashable] = {}
        self._shunned = unlike._chosen if unlike else {}

    def choose(self, key: Hashable, options: Sequence[Option]) -> Option:
        """One of the options, the one chosen before under this key if it is still among them."""
        if len(options) == 1:
            return options[0]
        for option in options:
            if key in self._chosen and option == self._chosen[key]:
                return option
        shunned = self._shunned.get(key)
        choice = self._dice.pick([option for option in options if option != shunned] or options)
        self._chosen[key] = choice
        return choice

    def word(self, concept: Concept) -> str:
        """One of the words for a concept."""
        return self.choose(concept, concept)


@dataclass(frozen=True)
class Chain:
    """The verbs before the main verb: an auxiliary (or none), a phrase such as "going to", what form follows."""

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
    """The parts of a clause in their plain order; the finite verb is empty where the main verb is the finite one."""

    subject: str
    finite: str
    verb: str
    complement: str
    adjuncts: dict[str, str]

    def predicate(self) -> str:
        """All that follows the subject."""
        return join(self.finite, self.verb, self.complement, *self.adjuncts.values())


def join(*parts: str) -> str:
    """The parts that are not empty, with spaces between."""
    return " ".join(part for part in parts if part)


def noun_phrase(concept: Concept, style: Style, role: str, extra: Concept | None, count: Concept | None) -> tuple[str, bool]:
    """A noun phrase and whether it is plural; extra is an adjective or what stands after the noun."""
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


def _agent(meaning: Meaning, style: Style) -> tuple[str, bool]:
    roles = meaning.roles
    return noun_phrase(roles["agent"], style, "agent", roles.get("trait"), roles.get("number"))


def _object(meaning: Meaning, style: Style) -> tuple[str, bool]:
    roles = meaning.roles
    if "object" not in roles:
        return "", False
    return noun_phrase(roles["object"], style, "object", roles.get("adjective"), roles.get("amount"))


def _verb(meaning: Meaning, style: Style, *, passive: bool = False) -> str:
    frame = meaning.frame
    assert isinstance(frame, Action)
    verbs = frame.opposites if meaning.opposite else frame.verbs
    if passive:
        verbs = tuple(verb for verb in verbs if verb[-1] != "!")
    return style.choose((frame.verbs, meaning.opposite), verbs).rstrip("!")


def _adjuncts(meaning: Meaning, style: Style) -> dict[str, str]:
    roles = meaning.roles
    return {role: style.word(roles[role]) for role in ("detail", "place", "time") if role in roles}


def _verb_group(verb: str, chain: Chain, *, many: bool, support: bool, passive: bool) -> tuple[str, str]:
    """The finite auxiliary (empty if there is none) and the rest; `support` asks for one, as not and questions do."""

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


def clause(meaning: Meaning, style: Style, *, passive: bool = False, asked: bool = False, subject: str = "") -> Clause:
    """The clause of an event, active or passive; a subject that is given is singular."""
    chain = style.choose(("chain", meaning.mode), CHAINS[meaning.mode])
    actor, many_actors = _agent(meaning, style) if "agent" in meaning.roles else (subject, False)
    thing, many_things = _object(meaning, style)
    many = many_things if passive else many_actors
    support = asked or not meaning.holds
    verb = _verb(meaning, style, passive=passive)
    aux, rest = _verb_group(verb, chain, many=many, support=support, passive=passive)
    if not meaning.holds:
        aux = negative(aux, contracted=style.choose("contracted", (True, False)))
    by = f"by {actor}" if passive and actor else ""
    ends = (thing, by) if passive else (actor, thing)
    return Clause(ends[0], aux, rest, ends[1], _adjuncts(meaning, style))


def can_be_passive(meaning: Meaning) -> bool:
    """True if the event has an object and a verb and mode with a passive."""
    if not isinstance(meaning.frame, Action) or "object" not in meaning.roles or meaning.mode in NO_PASSIVE:
        return False
    verbs = meaning.frame.opposites if meaning.opposite else meaning.frame.verbs
    return any(verb[-1] != "!" for verb in verbs)


def _constructions(meaning: Meaning) -> tuple[str, ...]:
    if "agent" not in meaning.roles:
        return ("passive",)
    agent = meaning.roles["agent"]
    options = ("active", "active", "active", "passive" if can_be_passive(meaning) else "active")
    common = not is_name(agent) and not agent[0].startswith("the ")
    if meaning.mode == "progressive" and common:
        options += ("there",)
    if meaning.mode in ("past", "progressive") and meaning.holds and "number" not in meaning.roles and "trait" not in meaning.roles:
        options += ("cleft",) if common or is_name(agent) else ()
    return options


def _there(meaning: Meaning, style: Style) -> Clause:
    roles = meaning.roles
    word = style.word(roles["agent"])
    described = style.word(roles["trait"]) if "trait" in roles else ""
    before, after = ("", described) if described.startswith(AFTER_NOUN) else (described, "")
    count = style.word(roles["number"]) if "number" in roles else ""
    many = bool(count) and meaning.holds
    article = count if many else ("a" if meaning.holds else "no")
    who = join(article, before, plural(word) if many or not meaning.holds and count else word, after)
    verb = inflect(_verb(meaning, style), "gerund")
    many = many or bool(count)
    return Clause("there", "are" if many else "is", join(who, verb), _object(meaning, style)[0], _adjuncts(meaning, style))


def statement(meaning: Meaning, style: Style) -> str:
    """A declarative sentence without its capital letter and full stop."""
    construction = style.choose("construction", _constructions(meaning))
    if construction == "there":
        told = _there(meaning, style)
    else:
        told = clause(meaning, style, passive=construction == "passive")
    if construction == "cleft":
        be = "is" if meaning.mode == "progressive" else "was"
        return join("it", be, told.subject, "that", told.predicate())
    movable = ("none", "none", *(role for role in ("time", "place") if role in told.adjuncts))
    front = style.choose("front", movable)
    if front == "none":
        return join(told.subject, told.predicate())
    first = told.adjuncts.pop(front)
    return join(f"{first},", told.subject, told.predicate())


def _reported(meaning: Meaning, style: Style) -> str:
    said = statement(meaning, style)
    source = style.word(meaning.roles["source"])
    shape = style.choose("report", ("according to {source}, {said}", "{source} says that {said}", "{said}, {source} says"))
    return shape.format(source=source, said=said)


def _base_phrase(meaning: Meaning, style: Style, form: str = "base") -> str:
    verb = inflect(_verb(meaning, style), form)
    return join(verb, _object(meaning, style)[0], *_adjuncts(meaning, style).values())


def _how_to(meaning: Meaning, style: Style) -> tuple[str, str]:
    shapes = ("how do I {}", "how can I {}", "what is the best way to {}", "can someone show me how to {}", "how does one {}")
    return style.choose("howto", shapes).format(_base_phrase(meaning, style)), "?"


def _request(meaning: Meaning, style: Style) -> tuple[str, str]:
    shapes = (("please {}", "."), ("could you please {}", "?"), ("I would like you to {}", "."), ("I ask you to {}", "."))
    if not meaning.holds:
        shapes = (("please do not {}", "."), ("could you please not {}", "?"), ("I would like you not to {}", "."))
    shape, end = style.choose("request", shapes)
    return shape.format(_base_phrase(meaning, style)), end


def _question(meaning: Meaning, style: Style) -> tuple[str, str]:
    mood = meaning.mood
    direct = style.choose("asking", ("direct", "direct", "do you know", "can you tell me"))
    if mood == "who":
        told = clause(meaning, style, subject="who")
        return join("" if direct == "direct" else direct, told.subject, told.predicate()), "?"
    told = clause(meaning, style, asked=direct == "direct")
    if direct == "direct":
        word = "" if mood == "polar" else mood
        return join(word, told.finite, told.subject, told.verb, told.complement, *told.adjuncts.values()), "?"
    word = style.choose("if", ("if", "whether")) if mood == "polar" else mood
    return join(direct, word, told.subject, told.predicate()), "?"


def _fact(meaning: Meaning, style: Style) -> tuple[str, str]:
    frame = meaning.frame
    assert isinstance(frame, Fact)
    patterns = frame.denies if meaning.opposite else frame.says
    pattern = style.choose(("pattern", meaning.opposite), patterns)

    def fill(blank: re.Match[str]) -> str:
        concept = meaning.roles.get(blank.group(1))
        return style.word(concept) if concept else ""

    return re.sub(r"{(\w+)}", fill, pattern[:-1]), pattern[-1]


def _linked(link: Link, style: Style) -> str:
    if link.relation in ("while", "before"):
        first, second = (clause(part, style) for part in (link.first, link.second))
        told = [join(part.subject, part.predicate()) for part in (first, second)]
        shapes = {
            "while": ("{0} while {1}", "while {0}, {1}", "{1} while {0}", "while {1}, {0}"),
            "before": ("{0} before {1}", "after {0}, {1}", "{1} after {0}", "before {1}, {0}"),
        }
        return style.choose("link", shapes[link.relation]).format(*told)
    first = clause(link.first, style)
    if link.relation == "then":
        second = clause(link.second, style)
        if style.choose("link", ("and then", "after")) == "after":
            return join("after", _base_phrase(link.first, style, "gerund") + ",", second.subject, second.predicate())
        return join(first.subject, first.predicate(), "and then", second.predicate())
    denied = Meaning(link.second.frame, link.second.roles, holds=False, opposite=link.second.opposite)
    second = clause(denied, style)
    if style.choose("link", ("but", "not")) == "but":
        return join(first.subject, first.predicate() + ", but", second.predicate())
    return join(second.subject, second.predicate() + ", but", first.predicate())


TELLERS: dict[str, Callable[[Meaning, Style], tuple[str, str]]] = {"howto": _how_to, "request": _request}


def tell(meaning: Meaning | Link, style: Style) -> str:
    """The finished sentence that says a meaning in a style."""
    if isinstance(meaning, Link):
        return polish(_linked(meaning, style))
    if isinstance(meaning.frame, Fact):
        return polish(*_fact(meaning, style))
    if meaning.mood != "statement":
        return polish(*TELLERS.get(meaning.mood, _question)(meaning, style))
    if "source" in meaning.roles:
        return polish(_reported(meaning, style))
    return polish(statement(meaning, style))
