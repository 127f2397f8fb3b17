"""The lexicon of the sample corpus, read from tables: frames (what can be said) and concepts (what can be named).

A table row is `verbs > opposites | objects | details | adjectives`. Commas separate meanings, slashes synonyms;
`@kind` stands for all members of a kind. A verb with `!` has no passive. A noun with `~` has no plural, with `+` no
singular, with `=` no article. An indented line continues the row above.
"""

import re
from dataclasses import dataclass

from .daily import DAILY
from .facts import FACTS
from .words import (
    AMOUNTS,
    ANYONE,
    CITIES,
    FILLERS,
    FIRST_NAMES,
    KINDS,
    LAST_NAMES,
    LIKE_TIMES,
    NUMBERS,
    PEOPLE,
    PROFESSIONS,
    SOURCES,
    TIMES,
    TRAITS,
)
from .world import WORLD

Concept = tuple[str, ...]
"""One thing that can be named: its synonyms."""


@dataclass(frozen=True, eq=False)
class Action:
    """Something an agent does: its verbs, the verbs of its opposite, and what may go with them."""

    topic: "Topic"
    verbs: Concept
    opposites: Concept
    objects: tuple[Concept, ...]
    details: tuple[Concept, ...]
    adjectives: tuple[Concept, ...]


@dataclass(frozen=True, eq=False)
class Fact:
    """A fact: the patterns that state it and those that deny it, with blanks to fill."""

    topic: "Topic"
    says: Concept
    denies: Concept
    blanks: tuple[str, ...]


@dataclass(eq=False)
class Topic:
    """A subject area: its agents, their traits, places, times (none: any time), and its frames."""

    name: str
    agents: tuple[Concept, ...] = ()
    places: tuple[Concept, ...] = ()
    traits: tuple[Concept, ...] = ()
    times: tuple[Concept, ...] = ()
    actions: tuple[Action, ...] = ()
    facts: tuple[Fact, ...] = ()


Frame = Action | Fact


def concepts(text: str) -> tuple[Concept, ...]:
    """The concepts of a comma-separated list.

    >>> concepts("dog, car/automobile")
    (('dog',), ('car', 'automobile'))
    """
    items = (" ".join(item.split()) for item in re.split(r",(?!\d)", text))
    return tuple(tuple(word.strip() for word in item.split("/")) for item in items if item)


MEMBERS = {name: concepts(text.partition(": ")[2]) for name, text in KINDS.items()}
PEOPLE_CONCEPTS = MEMBERS["person"] = concepts(PEOPLE)
ANYONE_CONCEPT: Concept = (ANYONE,)
# From a concept to the kind that it belongs to: from a guitar to an instrument.
KIND_OF = {member: concepts(text.partition(": ")[0])[0] for name, text in KINDS.items() for member in MEMBERS[name]}
MODE_TIMES = {mode: concepts(TIMES[mode]) for mode in TIMES} | {
    mode: concepts(TIMES[other]) for mode, other in LIKE_TIMES.items()
}
HUMAN_TRAITS, NUMBER_CONCEPTS, AMOUNT_CONCEPTS = concepts(TRAITS), concepts(NUMBERS), concepts(AMOUNTS)
CITY_CONCEPTS, SOURCE_CONCEPTS = concepts(CITIES), concepts(SOURCES)
# Either both names or the first name alone: within a sentence or a pair it is clear who is meant.
NAMES: tuple[Concept, ...] = tuple(
    (f"{first} {last}", first) for (first,) in concepts(FIRST_NAMES) for (last,) in concepts(LAST_NAMES)
)
ORIGINS: tuple[Concept, ...] = tuple(
    tuple(f"a {word} from {city[0]}" for word in profession)
    for profession in concepts(PROFESSIONS)
    for city in CITY_CONCEPTS
)
OPPOSITE: dict[Concept, Concept] = {}
"""From a concept that fills a blank to the one that contradicts it: from warm to cold, and back."""


def _filler(text: str) -> tuple[Concept, ...]:
    fillers: list[Concept] = []
    for item in re.split(r",(?!\d)", text):
        plain, _, contrary = item.partition(">")
        sides = [concept for side in (plain, contrary) for concept in concepts(side)]
        fillers += sides
        if contrary:
            OPPOSITE.update([(sides[0], sides[1]), (sides[1], sides[0])])
    return tuple(fillers)


FILLER_CONCEPTS = {
    **{name: _filler(text) for name, text in FILLERS.items()},
    "city": CITY_CONCEPTS,
    "person": tuple((name[0],) for name in NAMES),
    "past": MODE_TIMES["past"],
    "future": MODE_TIMES["future"],
}


def _objects(text: str) -> tuple[Concept, ...]:
    objects: list[Concept] = []
    for concept in concepts(text):
        objects += MEMBERS[concept[0][1:]] if concept[0].startswith("@") else (concept,)
    return tuple(objects)


def _action(topic: Topic, row: str) -> Action:
    verbs, *rest = (cell.strip() for cell in row.split("|"))
    objects, details, adjectives = (*rest, "", "")[:3]
    plain, _, contrary = verbs.partition(">")
    words = [tuple(word.strip() for word in side.split("/") if word.strip()) for side in (plain, contrary)]
    return Action(topic, words[0], words[1], _objects(objects), concepts(details), concepts(adjectives))


COLUMNS = {"by": "agents", "at": "places", "like": "traits", "when": "times"}


def _read_actions(table: str, topics: dict[str, Topic]) -> None:
    topic = Topic("")
    for line in re.sub(r"\n +", " ", table).strip().splitlines():
        head, colon, text = line.partition(": ")
        if line.startswith("["):
            topic = topics[line[1:-1]] = Topic(line[1:-1], traits=HUMAN_TRAITS)
        elif colon:
            setattr(topic, COLUMNS[head], _objects(text))
        elif line:
            topic.actions += (_action(topic, line),)


def _read_facts(table: str, topics: dict[str, Topic]) -> None:
    topic = Topic("")
    for block in table.strip().split("\n\n"):
        lines = block.splitlines()
        if lines[0].startswith("["):
            name = lines.pop(0).strip("[]")
            topic = topics.setdefault(name, Topic(name))
        says, denies = (tuple(line[2:] for line in lines if line[0] == sign) for sign in "+-")
        blanks = tuple(dict.fromkeys(re.findall(r"{(\w+)}", " ".join(lines))))
        topic.facts += (Fact(topic, says, denies, blanks),)


def _topics() -> dict[str, Topic]:
    topics: dict[str, Topic] = {}
    _read_actions(DAILY, topics)
    _read_actions(WORLD, topics)
    _read_facts(FACTS, topics)
    return topics


TOPICS = _topics()
ACTIONS = tuple(action for topic in TOPICS.values() for action in topic.actions)
FACT_FRAMES = tuple(fact for topic in TOPICS.values() for fact in topic.facts)
# Agents are animate, and only an animate object may change places with the agent.
ANIMATE = frozenset(
    concept for topic in TOPICS.values() for concept in topic.agents if not concept[0].startswith("the ")
) | frozenset(PEOPLE_CONCEPTS)
