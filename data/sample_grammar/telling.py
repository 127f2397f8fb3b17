"""From a meaning of the sample corpus to an English sentence, in one of many possible wordings.

Among constructions that mean the same (active, passive, cleft, fronted adjuncts) the style chooses.
"""

import re
from collections.abc import Callable

from .english import inflect, plural, polish
from .grammar import (
    AFTER_NOUN,
    Clause,
    adjuncts,
    can_be_passive,
    clause,
    join,
    main_verb,
    object_phrase,
)
from .lexicon import Fact
from .meaning import Link, Meaning, is_name
from .style import Style

HOW_TO = ("how do I {}", "how can I {}", "what is the best way to {}", "can someone show me how to {}")
PLEASE = ("please {}.", "could you please {}?", "I would like you to {}.", "would you be so kind as to {}?")
PLEASE_NOT = ("please do not {}.", "could you please not {}?", "I would like you not to {}.")


def _constructions(meaning: Meaning) -> tuple[str, ...]:
    if "agent" not in meaning.roles:
        return ("passive",)
    agent = meaning.roles["agent"]
    options = ("active", "active", "active", "passive" if can_be_passive(meaning) else "active")
    common = not is_name(agent) and not agent[0].startswith("the ")
    if meaning.mode == "progressive" and common:
        options += ("there",)
    plain = meaning.holds and not {"number", "trait"} & meaning.roles.keys()
    if meaning.mode in ("past", "progressive") and plain and not agent[0].startswith("the "):
        options += ("cleft",)
    return options


def _there(meaning: Meaning, style: Style) -> Clause:
    roles = meaning.roles
    word = style.word(roles["agent"])
    described = style.word(roles["trait"]) if "trait" in roles else ""
    before, after = ("", described) if described.startswith(AFTER_NOUN) else (described, "")
    many = "number" in roles
    article = style.word(roles["number"]) if many else "a"
    who = join(article if meaning.holds else "no", before, plural(word) if many else word, after)
    verb = inflect(main_verb(meaning, style), "gerund")
    thing, _ = object_phrase(meaning, style)
    return Clause("there", "are" if many else "is", join(who, verb), thing, adjuncts(meaning, style))


def statement(meaning: Meaning, style: Style) -> str:
    """A declarative sentence without capital letter and full stop."""
    construction = style.choose("construction", _constructions(meaning))
    if construction == "there":
        parts = _there(meaning, style)
    else:
        parts = clause(meaning, style, passive=construction == "passive")
    if construction == "cleft":
        be = "is" if meaning.mode == "progressive" else "was"
        return join("it", be, parts.subject, "that", parts.predicate())
    movable = ("none", "none", *(role for role in ("time", "place") if role in parts.adjuncts))
    front = style.choose("front", movable)
    if front == "none":
        return join(parts.subject, parts.predicate())
    first = parts.adjuncts.pop(front)
    return join(f"{first},", parts.subject, parts.predicate())


def _reported(meaning: Meaning, style: Style) -> str:
    text = statement(meaning, style)
    source = style.word(meaning.roles["source"])
    shapes = ("according to {source}, {text}", "{source} says that {text}", "{text}, {source} says")
    return style.choose("report", shapes).format(source=source, text=text)


def _base_phrase(meaning: Meaning, style: Style, form: str = "base") -> str:
    verb = inflect(main_verb(meaning, style), form)
    return join(verb, object_phrase(meaning, style)[0], *adjuncts(meaning, style).values())


def _how_to(meaning: Meaning, style: Style) -> tuple[str, str]:
    return style.choose("howto", HOW_TO).format(_base_phrase(meaning, style)), "?"


def _request(meaning: Meaning, style: Style) -> tuple[str, str]:
    shape = style.choose("request", PLEASE if meaning.holds else PLEASE_NOT)
    return shape[:-1].format(_base_phrase(meaning, style)), shape[-1]


def _question(meaning: Meaning, style: Style) -> tuple[str, str]:
    mood = meaning.mood
    direct = style.choose("asking", ("direct",) * 5 + ("do you know", "can you tell me"))
    if mood == "who":
        parts = clause(meaning, style, subject="who")
        return join("" if direct == "direct" else direct, parts.subject, parts.predicate()), "?"
    parts = clause(meaning, style, question=direct == "direct")
    if direct == "direct":
        word = "" if mood == "polar" else mood
        return join(word, parts.finite, parts.subject, parts.verb, parts.complement, *parts.adjuncts.values()), "?"
    word = style.choose("if", ("if", "whether")) if mood == "polar" else mood
    return join(direct, word, parts.subject, parts.predicate()), "?"


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
        texts = [join(part.subject, part.predicate()) for part in (first, second)]
        shapes = {
            "while": ("{0} while {1}", "while {0}, {1}", "{1} while {0}", "while {1}, {0}"),
            "before": ("{0} before {1}", "after {0}, {1}", "{1} after {0}", "before {1}, {0}"),
        }
        return style.choose("link", shapes[link.relation]).format(*texts)
    first = clause(link.first, style)
    if link.relation == "then":
        second = clause(link.second, style)
        if style.choose("link", ("and then", "after")) == "after":
            before = _base_phrase(link.first, style, "gerund")
            return join("after", f"{before},", second.subject, second.predicate())
        return join(first.subject, first.predicate(), "and then", second.predicate())
    denied = Meaning(link.second.frame, link.second.roles, holds=False, opposite=link.second.opposite)
    second = clause(denied, style)
    if style.choose("link", ("but", "not")) == "but":
        return join(first.subject, first.predicate() + ", but", second.predicate())
    return join(second.subject, second.predicate() + ", but", first.predicate())


TELLERS: dict[str, Callable[[Meaning, Style], tuple[str, str]]] = {"howto": _how_to, "request": _request}


def tell(meaning: Meaning | Link, style: Style) -> str:
    """The finished sentence that expresses a meaning in a style."""
    if isinstance(meaning, Link):
        return polish(_linked(meaning, style))
    if isinstance(meaning.frame, Fact):
        return polish(*_fact(meaning, style))
    if meaning.mood != "statement":
        return polish(*TELLERS.get(meaning.mood, _question)(meaning, style))
    if "source" in meaning.roles:
        return polish(_reported(meaning, style))
    return polish(statement(meaning, style))
