"""What a sentence of the sample corpus means, independent of its wording, and how meanings are drawn at random.

An event is a frame with roles (agent, object, place, ...); `grammar` puts it into words, `grading` compares it.
"""

import re
from dataclasses import dataclass, replace
from functools import cache

from .lexicon import (
    ACTIONS,
    AMOUNT_CONCEPTS,
    FACT_FRAMES,
    FILLER_CONCEPTS,
    HUMAN_TRAITS,
    MODE_TIMES,
    NAMES,
    NUMBER_CONCEPTS,
    ORIGINS,
    PEOPLE_CONCEPTS,
    SOURCE_CONCEPTS,
    Action,
    Concept,
    Fact,
    Frame,
    Topic,
)
from .rng import Rng


@dataclass(frozen=True)
class Meaning:
    """One event or fact.

    Args:
        frame: the action or fact.
        roles: the filler of each role; absent roles are not mentioned.
        holds: False for a negation.
        opposite: True for the opposite verb, or for the patterns that deny a fact.
        mode: tense and modality of the verb, a key of `MODE_TIMES`.
        mood: statement, request, howto, polar, or the question word who, what, where or when.
    """

    frame: Frame
    roles: dict[str, Concept]
    holds: bool = True
    opposite: bool = False
    mode: str = "past"
    mood: str = "statement"

    def having(self, role: str, concept: Concept | None) -> "Meaning":
        """The same meaning with another filler of a role, or without the role if the concept is None."""
        return self.without(role) if concept is None else replace(self, roles={**self.roles, role: concept})

    def without(self, *omitted: str) -> "Meaning":
        """The same meaning without some roles."""
        return replace(self, roles={role: filler for role, filler in self.roles.items() if role not in omitted})


@dataclass(frozen=True)
class Link:
    """Two events in a sentence: of two agents, `while` or `before`; of one, `then` or `but` (the second is negated)."""

    relation: str
    first: Meaning
    second: Meaning


MODES = (
    *("progressive",) * 6,
    *("past",) * 7,
    *("habit",) * 4,
    *("future",) * 3,
    *("perfect",) * 2,
    *("can", "must", "want", "try", "manage"),
)
# "Must not" is more than the negation of "must", and a negated attempt or success sounds odd.
DENIABLE_MODES = {"progressive", "past", "habit", "future", "perfect", "can", "want"}
# Nobody wants to lose or tries to miss a train.
INTENTION_MODES = {"must", "want", "try", "manage"}
MOODS = ("statement",) * 30 + ("polar",) * 3 + ("howto", "request", "who", "what", "where", "when")
# A detail that begins with one of these is a place already, so no other place is added.
PATHS = re.compile(
    r"(across|along|around|behind|beside|down|into|over|through|toward|up|(at|in|on|under) (a|the|front)) "
)
# Topics with requests and how-to questions: nobody asks how to be arrested, or says please to a squirrel.
POLITE_TOPICS = {"kitchen", "home", "shopping", "music", "garden", "work", "school", "technology", "art"}
# Topics whose objects are often persons, so "what" would be wrong.
WHO_TOPICS = {"society", "animals", "health", "news", "work", "sport"}
# Topics whose agents act in no other topic, or are no single persons.
CLOSED_TOPICS = {"animals", "history", "economy"}
# Topics whose actions take an expert: not everyone treats patients or writes programs.
EXPERT_TOPICS = {"work", "health", "technology", "science", "news", "finance"}


def is_name(concept: Concept) -> bool:
    """True for the name of a person, which has no article."""
    return concept[0][0].isupper() and concept[0][-1] not in "=~+"


def is_countable(concept: Concept) -> bool:
    """True if every word of the concept has a singular and a plural."""
    return not any(word[-1] in "=~+" or word[0].isupper() or word.startswith("the ") for word in concept)


def clash(first: Concept, second: Concept) -> bool:
    """True if both have a word in common, which a sentence with both would repeat."""
    return not _words(first).isdisjoint(_words(second))


@cache
def _words(concept: Concept) -> frozenset[str]:
    return frozenset(word for phrase in concept for word in re.findall(r"\w{3,}", phrase) if word != "the")


def draw_agent(rng: Rng, topic: Topic) -> Concept:
    """An agent of a topic: one of its own agents, an unnamed person, or a named one."""
    if topic.name in CLOSED_TOPICS:
        return rng.pick(topic.agents)
    if rng.chance(0.22):
        return rng.pick(NAMES)
    anyone = topic.name not in EXPERT_TOPICS and rng.chance(0.4)
    return rng.pick(PEOPLE_CONCEPTS if anyone else topic.agents)


def draw_role(rng: Rng, meaning: Meaning, role: str) -> Concept | None:
    """A filler of a role of a meaning, or None if the role makes no sense there."""
    frame, roles = meaning.frame, meaning.roles
    if isinstance(frame, Fact):
        return rng.pick(FILLER_CONCEPTS[role.rstrip("12")]) if role in frame.blanks else None
    options = _options(meaning, frame, role, rng)
    if not options:
        return None
    concept = rng.pick(options)
    while not _harmonious(role, concept, roles):
        if role != "object":
            return None
        concept = rng.pick(options)
    return concept


def _harmonious(role: str, concept: Concept, roles: dict[str, Concept]) -> bool:
    return not any(clash(concept, roles[other]) for other in NEIGHBORS.get(role, ()) if other in roles)


# Roles that stand next to a role, so that they must not repeat its words.
NEIGHBORS = {
    "adjective": ("object",),
    "trait": ("agent",),
    "object": ("adjective", "agent"),
    "agent": ("object", "trait"),
}


def _options(meaning: Meaning, frame: Action, role: str, rng: Rng) -> tuple[Concept, ...]:
    roles, topic = meaning.roles, frame.topic
    if role == "agent":
        return (draw_agent(rng, topic),)
    if role == "object":
        return frame.objects
    if role == "adjective":
        return frame.adjectives if "object" in roles and _takes_adjective(roles["object"]) else ()
    if role == "amount":
        return AMOUNT_CONCEPTS if "object" in roles and is_countable(roles["object"]) else ()
    if role == "number":
        alone = " a " in roles.get("trait", ("",))[0]
        return NUMBER_CONCEPTS if "agent" in roles and is_countable(roles["agent"]) and not alone else ()
    if role == "trait":
        return _traits(roles, topic)
    if role == "detail":
        return frame.details
    if role == "place":
        moves = "detail" in roles and PATHS.match(roles["detail"][0])
        return () if moves else topic.places
    if role == "source":
        return SOURCE_CONCEPTS if meaning.mood == "statement" else ()
    return topic.times or MODE_TIMES[meaning.mode]


def _takes_adjective(concept: Concept) -> bool:
    return not any(word[-1] == "=" or word.startswith("the ") or word[0].isupper() for word in concept)


def _traits(roles: dict[str, Concept], topic: Topic) -> tuple[Concept, ...]:
    agent = roles.get("agent")
    if agent is None or agent[0].startswith("the "):
        return ()
    if is_name(agent):
        return ORIGINS
    traits = topic.traits or HUMAN_TRAITS
    # Two girls in a red shirt would share the shirt.
    return tuple(trait for trait in traits if " a " not in trait[0]) if "number" in roles else traits


# The probability of each role, in the order in which they are drawn.
FREQUENCY = {
    "agent": 1.0,
    "object": 1.0,
    "adjective": 0.25,
    "amount": 0.1,
    "number": 0.12,
    "trait": 0.25,
    "detail": 0.5,
    "place": 0.4,
    "time": 0.5,
    "source": 0.05,
}
ACTOR = frozenset({"agent", "number", "trait"})
# The roles that each mood but the statement omits: what the question is about, or the person addressed.
OMITTED: dict[str, frozenset[str]] = {
    "howto": ACTOR | {"detail", "time", "source", "place"},
    "request": ACTOR | {"detail", "source"},
    "who": ACTOR,
    "what": frozenset({"object", "adjective", "amount"}),
    "where": frozenset({"place"}),
    "when": frozenset({"time"}),
}


def draw_event(rng: Rng, frame: Action, *, mode: str = "", mood: str = "", agent: Concept | None = None) -> Meaning:
    """An event of a frame; mode, mood and agent are drawn where they are not given."""
    if frame.topic.times:
        mode = "past"
    mode = mode or rng.pick(MODES)
    mood = mood or _mood(rng, frame, mode)
    holds = mode not in DENIABLE_MODES or mood not in ("statement", "request") or not rng.chance(0.12)
    plain = mode in INTENTION_MODES or mood not in ("statement", "polar")
    opposite = bool(frame.opposites) and not plain and rng.chance(0.3)
    roles = {"agent": agent} if agent else {}
    meaning = Meaning(frame, roles, holds, opposite, mode, mood)
    for role, frequency in FREQUENCY.items():
        frequency = 0.2 if mode == "progressive" and role == "time" else frequency
        if role not in roles and rng.chance(frequency) and (concept := draw_role(rng, meaning, role)):
            roles[role] = concept
    return meaning.without(*OMITTED.get(mood, ()))


def _mood(rng: Rng, frame: Action, mode: str) -> str:
    mood = rng.pick(MOODS)
    polite = frame.topic.name in POLITE_TOPICS
    wrong = {
        "howto": not polite,
        "request": not polite,
        "what": frame.topic.name in WHO_TOPICS or not frame.objects,
        "when": mode == "perfect",
    }
    return "statement" if wrong.get(mood) else mood


def draw_fact(rng: Rng, frame: Fact) -> Meaning:
    """A fact of a frame; two blanks of one kind have different fillers."""
    roles: dict[str, Concept] = {}
    for blank in frame.blanks:
        options = FILLER_CONCEPTS[blank.rstrip("12")]
        roles[blank] = rng.pick(options)
        while blank.endswith("2") and roles[blank] == roles[blank[:-1] + "1"]:
            roles[blank] = rng.pick(options)
    return Meaning(frame, roles, opposite=bool(frame.denies) and rng.chance(0.4))


def draw_link(rng: Rng) -> Link:
    """Two events of one topic, with two agents (`while`, `before`) or one (`then`, `but`)."""
    relation = rng.pick(("while", "before", "then", "but"))
    frame = rng.pick(ACTIONS)
    others = [other for other in frame.topic.actions if other is not frame]
    mode = rng.pick(("past", "progressive")) if relation == "while" else "past"
    agent = draw_agent(rng, frame.topic)
    first = _part(rng, frame, mode, agent)
    second = _part(rng, rng.pick(others), mode, agent if relation in ("then", "but") else None)
    while relation in ("while", "before") and second.roles["agent"] == agent:
        second = _part(rng, second.frame, mode, None)
    return Link(relation, first, second)


LINK_ROLES = {"agent", "object", "detail", "adjective"}


def _part(rng: Rng, frame: Frame, mode: str, agent: Concept | None) -> Meaning:
    assert isinstance(frame, Action)
    event = draw_event(rng, frame, mode=mode, mood="statement", agent=agent)
    return replace(event.without(*(FREQUENCY.keys() - LINK_ROLES)), holds=True)


def draw(rng: Rng) -> Meaning | Link:
    """Any meaning: mostly events, some facts, and some links of two events."""
    if rng.chance(0.25):
        return draw_fact(rng, rng.pick(FACT_FRAMES))
    if rng.chance(0.15):
        return draw_link(rng)
    return draw_event(rng, rng.pick(ACTIONS))
