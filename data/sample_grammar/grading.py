"""The similarity of two meanings of the sample corpus, from 0 (unrelated) to 5 (the same).

The scale is that of the STS tasks (Agirre et al., 2012, section 2); the grade compares roles, not words.
"""

from .lexicon import ANYONE_CONCEPT, KIND_OF, OPPOSITE, Concept
from .meaning import Link, Meaning

MINOR_ROLES = ("trait", "adjective", "detail", "place", "time", "source", "past", "future", "day")
COUNT_ROLES = ("number", "amount")
EQUAL, SAME_ACTION, SAME_TOPIC = 5.0, 2.0, 1.0
"""The grade of equal meanings, and the lowest grades of two with the same frame and of two with the same topic."""
SHARED_FILLER = 0.5
"""The grade that a shared filler adds if the frames differ."""
CONTRADICTION = 3.0
"""What a contradiction costs: the matter is the same, the event is not."""


def grade(first: Meaning | Link, second: Meaning | Link) -> float:
    """The similarity of two meanings, in [0, 5].

    5: the same. 4: a detail differs (4.5 if only one of them has it). 3: who, what or how many differs. 2: a
    contradiction, exchanged roles, or several of these. 1: only the topic is shared. 0: nothing is shared.
    """
    if isinstance(first, Link) and isinstance(second, Link):
        return _grade_links(first, second)
    if isinstance(first, Link):
        return max(_grade_part(part, second) for part in (first.first, first.second))
    if isinstance(second, Link):
        return grade(second, first)
    if first.frame is second.frame:
        return max(EQUAL - _cost(first, second), SAME_ACTION)
    common = first.roles.items() & second.roles.items()
    if first.frame.topic is second.frame.topic:
        return SAME_TOPIC + SHARED_FILLER * min(sum(role not in MINOR_ROLES for role, _ in common), 2)
    return SHARED_FILLER if common else 0.0


def _grade_links(first: Link, second: Link) -> float:
    straight = (grade(first.first, second.first) + grade(first.second, second.second)) / 2
    if first.first == second.second and first.second == second.first and first.relation == second.relation:
        return EQUAL if first.relation == "while" else SAME_ACTION
    return straight if first.relation == second.relation else max(straight - 1, 0.0)


def _grade_part(part: Meaning, whole: Meaning | Link) -> float:
    """A part of a link against a single event, which lacks the link's other event: up to two points less."""
    near = grade(part, whole)
    return max(near - 2, SAME_ACTION) if near > SAME_ACTION else near


def _cost(first: Meaning, second: Meaning) -> float:
    cost = float(first.mode != second.mode) + float(first.mood != second.mood)
    flips = (first.holds != second.holds) + (first.opposite != second.opposite)
    # If only one of them names the agent, the other cannot describe it.
    ignored = ("trait", "number") if ("agent" in first.roles) != ("agent" in second.roles) else ()
    for role in (role for role in {**first.roles, **second.roles} if role not in ignored):
        one, other = first.roles.get(role), second.roles.get(role)
        if role not in MINOR_ROLES and one in OPPOSITE and OPPOSITE[one] == other:
            flips += 1
        elif one != other:
            cost += _role_cost(role, one, other)
    # Two contradictions nearly cancel: not cold is close to warm.
    return cost + (CONTRADICTION if flips % 2 else flips / 2)


def _role_cost(role: str, one: Concept | None, other: Concept | None) -> float:
    full = 1.0 if role in MINOR_ROLES else 2.0
    if (one is None or other is None) and role not in COUNT_ROLES:
        return full / 2
    general = one == ANYONE_CONCEPT or other == ANYONE_CONCEPT or _is_kind(one, other) or _is_kind(other, one)
    return 1.0 if general else full


def _is_kind(one: Concept | None, other: Concept | None) -> bool:
    return one in KIND_OF and KIND_OF[one] == other
