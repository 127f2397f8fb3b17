"""What a sentence of the sample corpus means, apart from how it is said, and how meanings are drawn.

An event is a frame with roles (agent, object, place, ...); `grammar` says it and `grading` compares it.
"""

from dataclasses import dataclass, replace

from .dice import Dice
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
    TOPICS,
    Action,
    Concept,
    Fact,
    Frame,
    Topic,
)


@dataclass(frozen=True)
class Meaning:
    """One event or fact.

    Args:
        frame: the action or fact.
        roles: what fills its roles; a role that is absent is left unsaid.
        holds: false when it is denied.
        opposite: true when the opposite verb or the denying patterns are meant.
        mode: of the verb, a key of `MODE_TIMES`.
        mood: statement, request, howto, polar, or the question word who, what, where or when.
    """

    frame: Frame
    roles: dict[str, Concept]
    holds: bool = True
    opposite: bool = False
    mode: str = "past"
    mood: str = "statement"

    def having(self, role: str, concept: Concept | None) -> "Meaning":
        """The same meaning with a role filled anew, or left unsaid when the concept is None."""
        roles = {name: filler for name, filler in self.roles.items() if name != role}
        return replace(self, roles=roles if concept is None else {**roles, role: concept})


@dataclass(frozen=True)
class Link:
    """Two events told in one sentence: `while`, `before`, or of one agent `then` and `but` (not the second)."""

    relation: str
    first: Meaning
    second: Meaning


MODES = ("progressive",) * 6 + ("past",) * 7 + ("habit",) * 4 + ("future",) * 3 + ("perfect",) * 2
MODES += ("can", "must", "want", "try", "manage")
# A denied duty, attempt or success says something else than the opposite of the plain one.
DENIABLE = {"progressive", "past", "habit", "future", "perfect", "can", "want"}
MOODS = ("statement",) * 30 + ("polar",) * 3 + ("howto", "request", "who", "what", "where", "when")
ASKED = {"who": "agent", "what": "object", "where": "place", "when": "time"}
PATHS = {"across", "along", "through", "over", "down", "up", "around", "behind", "into", "toward", "between", "against"}
PATHS |= {"in", "at", "on", "under", "from", "beside"}
# Nobody asks how to be arrested, or says please to a squirrel or a king.
POLITE_TOPICS = {"kitchen", "home", "shopping", "music", "garden", "work", "school", "technology", "art"}


def is_name(concept: Concept) -> bool:
    """True for the name of a person, which takes no article."""
    return concept[0][0].isupper() and concept[0][-1] not in "=~+"


def is_countable(concept: Concept) -> bool:
    """True if every word of the concept has a singular and a plural."""
    return not any(word[-1] in "=~+" or word[0].isupper() or word.startswith("the ") for word in concept)


def clash(first: Concept, second: Concept) -> bool:
    """True if a word of one occurs in the other, so that together they would repeat it."""
    words = {word for phrase in first for word in phrase.rstrip("+~=").split() if len(word) > 3}
    return any(word in words for phrase in second for word in phrase.rstrip("+~=").split())


def draw_agent(dice: Dice, topic: Topic) -> Concept:
    """Whoever may act in a topic: one of its own agents, some person, or someone with a name."""
    if topic.name in ("animals", "history"):
        return dice.pick(topic.agents)
    if dice.chance(0.22):
        return dice.pick(NAMES)
    return dice.pick(topic.agents if dice.chance(0.6) else PEOPLE_CONCEPTS)


def draw_role(dice: Dice, meaning: Meaning, role: str) -> Concept | None:
    """Something that can fill a role of a meaning, or None where that role makes no sense."""
    frame, roles = meaning.frame, meaning.roles
    if isinstance(frame, Fact):
        return dice.pick(FILLER_CONCEPTS[role.rstrip("12")]) if role in frame.blanks else None
    options = _options(meaning, frame, role, dice)
    if not options:
        return None
    concept = dice.pick(options)
    if role in ("adjective", "trait", "object") and not _harmonious(role, concept, roles):
        return None
    return concept


def _harmonious(role: str, concept: Concept, roles: dict[str, Concept]) -> bool:
    beside = {"adjective": ("object",), "trait": ("agent",), "object": ("adjective", "agent")}[role]
    return not any(clash(concept, roles[other]) for other in beside if other in roles)


def _options(meaning: Meaning, frame: Action, role: str, dice: Dice) -> tuple[Concept, ...]:
    roles, topic = meaning.roles, frame.topic
    if role == "agent":
        return (draw_agent(dice, topic),)
    if role == "object":
        return frame.objects
    if role == "adjective":
        return frame.adjectives if "object" in roles and _takes_adjective(roles["object"]) else ()
    if role == "amount":
        return AMOUNT_CONCEPTS if "object" in roles and is_countable(roles["object"]) else ()
    if role == "number":
        return NUMBER_CONCEPTS if "agent" in roles and is_countable(roles["agent"]) else ()
    if role == "trait":
        return _traits(roles.get("agent"), topic)
    if role == "detail":
        return frame.details
    if role == "place":
        moves = "detail" in roles and roles["detail"][0].partition(" ")[0] in PATHS
        return () if moves else topic.places
    if role == "source":
        return SOURCE_CONCEPTS if meaning.mood == "statement" else ()
    return topic.times or MODE_TIMES[meaning.mode]


def _takes_adjective(concept: Concept) -> bool:
    return not any(word[-1] == "=" or word.startswith("the ") or word[0].isupper() for word in concept)


def _traits(agent: Concept | None, topic: Topic) -> tuple[Concept, ...]:
    if agent is None or agent[0].startswith("the "):
        return ()
    if is_name(agent):
        return ORIGINS
    return topic.traits or HUMAN_TRAITS


# How often a role is said, in the order in which they are drawn.
OFTEN = {
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
UNSAID = {"howto": {"agent", "number", "trait", "detail", "time", "source", "place"}, "request": {"detail", "source"}}


def draw_event(
    dice: Dice, frame: Action, *, mode: str = "", mood: str = "", agent: Concept | None = None
) -> Meaning:
    """An event of a frame; mode, mood and agent are drawn unless given."""
    if frame.topic.times:
        mode = "past"
    mode = mode or dice.pick(MODES)
    mood = mood or _mood(dice, frame)
    holds = mode not in DENIABLE or mood not in ("statement", "request") or not dice.chance(0.12)
    opposite = bool(frame.opposites) and mood in ("statement", "polar") and dice.chance(0.3)
    meaning = Meaning(frame, {"agent": agent} if agent else {}, holds, opposite, mode, mood)
    for role, often in OFTEN.items():
        often = 0.2 if mode == "progressive" and role == "time" else often
        if role not in meaning.roles and (dice.chance(often)):
            concept = draw_role(dice, meaning, role)
            meaning = meaning.having(role, concept) if concept else meaning
    unsaid = {"agent", "number", "trait"} if mood in ("who", "request") else set[str]()
    unsaid |= UNSAID.get(mood, set()) | ({ASKED[mood]} if mood in ASKED else set())
    unsaid |= {"adjective", "amount"} if mood == "what" else set()
    roles = {role: concept for role, concept in meaning.roles.items() if role not in unsaid}
    return replace(meaning, roles=roles)


def _mood(dice: Dice, frame: Action) -> str:
    mood = dice.pick(MOODS)
    polite = frame.topic.name in POLITE_TOPICS
    asks_person = frame.topic.name in ("society", "animals")
    wrong = (mood in ("howto", "request") and not polite) or (mood == "what" and (asks_person or not frame.objects))
    return "statement" if wrong else mood


def draw_fact(dice: Dice, frame: Fact) -> Meaning:
    """A fact of a frame, with two different fillers where it has two blanks of one kind."""
    roles: dict[str, Concept] = {}
    for blank in frame.blanks:
        options = FILLER_CONCEPTS[blank.rstrip("12")]
        roles[blank] = dice.pick(options)
        while blank.endswith("2") and roles[blank] == roles[blank[:-1] + "1"]:
            roles[blank] = dice.pick(options)
    return Meaning(frame, roles, opposite=bool(frame.denies) and dice.chance(0.4))


def draw_link(dice: Dice) -> Link:
    """Two events of one topic, of two agents (`while`, `before`) or of one (`then`, `but`)."""
    relation = dice.pick(("while", "before", "then", "but"))
    frame = dice.pick(ACTIONS)
    others = [other for other in frame.topic.actions if other is not frame]
    mode = dice.pick(("past", "progressive")) if relation == "while" else "past"
    agent = draw_agent(dice, frame.topic)
    first = _part(dice, frame, mode, agent)
    second = _part(dice, dice.pick(others), mode, agent if relation in ("then", "but") else None)
    while relation in ("while", "before") and second.roles["agent"] == agent:
        second = _part(dice, second.frame, mode, None)
    return Link(relation, first, second)


def _part(dice: Dice, frame: Frame, mode: str, agent: Concept | None) -> Meaning:
    assert isinstance(frame, Action)
    drawn = draw_event(dice, frame, mode=mode, mood="statement", agent=agent)
    kept = {role: concept for role, concept in drawn.roles.items() if role in ("agent", "object", "detail", "adjective")}
    return replace(drawn, roles=kept, holds=True)


def draw(dice: Dice) -> Meaning | Link:
    """Any meaning: mostly events, some facts, some links of two events."""
    if dice.chance(0.25):
        return draw_fact(dice, dice.pick(FACT_FRAMES))
    if dice.chance(0.15):
        return draw_link(dice)
    return draw_event(dice, dice.pick(ACTIONS))


TOPIC_NAMES = tuple(TOPICS)
