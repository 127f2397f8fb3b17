"""Edits of a meaning of the sample corpus: each makes two meanings differ in one defined way.

An edit returns None if it does not apply to the meaning, or if what it draws does not fit.
"""

from collections.abc import Callable
from dataclasses import replace

from .grading import MINOR_ROLES
from .grammar import can_be_passive
from .lexicon import ANIMATE, ANYONE_CONCEPT, KIND_OF, OPPOSITE, Action, Concept, Fact
from .meaning import (
    CLOSED_TOPICS,
    DENIABLE_MODES,
    FREQUENCY,
    INTENTION_MODES,
    Meaning,
    draw_role,
    is_countable,
    is_name,
)
from .rng import Rng

Edit = Callable[[Rng, Meaning], Meaning | None]


def _refill(rng: Rng, meaning: Meaning, role: str) -> Meaning | None:
    for _ in range(4):
        concept = draw_role(rng, meaning, role)
        if concept is not None and concept not in meaning.roles.values():
            return meaning.having(role, concept)
    return None


def drop_detail(rng: Rng, meaning: Meaning) -> Meaning | None:
    """The same meaning with one detail less; None without details, and for negations and questions."""
    details = [role for role in meaning.roles if role in MINOR_ROLES and role != "day"]
    if not details or not meaning.holds or meaning.mood != "statement":
        return None
    return meaning.having(rng.pick(details), None)


def change_detail(rng: Rng, meaning: Meaning) -> Meaning | None:
    """Another filler of a detail, or one more detail."""
    roles = [role for role in MINOR_ROLES if role in meaning.roles or role in FREQUENCY]
    if isinstance(meaning.frame, Fact):
        roles = [role for role in MINOR_ROLES if role in meaning.roles]
    if not roles or meaning.mood != "statement":
        return None
    return _refill(rng, meaning, rng.pick(roles))


def change_core(rng: Rng, meaning: Meaning) -> Meaning | None:
    """Another agent or object, or another number of them."""
    roles = [role for role in meaning.roles if role not in MINOR_ROLES]
    if "object" in meaning.roles and not isinstance(meaning.frame, Fact):
        roles += ["amount", "object"] if meaning.mood == "statement" else ["object"]
    if not roles:
        return None
    role = rng.pick(roles)
    edited = _refill(rng, meaning, role)
    return edited if edited and _same_sort(meaning.roles.get(role), edited.roles[role]) else None


def _same_sort(old: Concept | None, new: Concept) -> bool:
    """Whether the words around the old filler suit the new one: rice has no count, a name no color."""
    return old is None or (is_countable(old), is_name(old)) == (is_countable(new), is_name(new))


def generalize(_dice: Rng, meaning: Meaning) -> Meaning | None:
    """A more general object or agent: an instrument for a guitar, a person for a cook."""
    roles = meaning.roles
    if not meaning.holds or meaning.mood != "statement" or isinstance(meaning.frame, Fact):
        return None
    if "object" in roles and roles["object"] in KIND_OF and not {"amount", "adjective"} & roles.keys():
        return meaning.having("object", KIND_OF[roles["object"]])
    if roles.get("agent") not in ANIMATE or meaning.frame.topic.name in CLOSED_TOPICS:
        return None
    return meaning.having("agent", ANYONE_CONCEPT)


def drop_agent(_dice: Rng, meaning: Meaning) -> Meaning | None:
    """The passive without an agent; None without a passive."""
    if meaning.mood != "statement" or not meaning.holds or not can_be_passive(meaning):
        return None
    return meaning.without("agent", "trait", "number")


def negate(_dice: Rng, meaning: Meaning) -> Meaning | None:
    """The negation of a statement or request."""
    deniable = isinstance(meaning.frame, Action) and meaning.mode in DENIABLE_MODES
    if not deniable or meaning.mood not in ("statement", "request"):
        return None
    return replace(meaning, holds=not meaning.holds)


def reverse(rng: Rng, meaning: Meaning) -> Meaning | None:
    """The opposite: closing for opening, falling for rising, cold for warm."""
    contrary = [role for role, concept in meaning.roles.items() if role not in MINOR_ROLES and concept in OPPOSITE]
    if contrary and rng.chance(0.7):
        role = contrary[0]
        return meaning.having(role, OPPOSITE[meaning.roles[role]])
    frame = meaning.frame
    possible = frame.denies if isinstance(frame, Fact) else frame.opposites and meaning.mode not in INTENTION_MODES
    return replace(meaning, opposite=not meaning.opposite) if possible else None


def swap(_dice: Rng, meaning: Meaning) -> Meaning | None:
    """The two parties exchanged: who chases whom, which team beats the other."""
    roles = meaning.roles
    twins = [role[:-1] for role in roles if role.endswith("1")]
    one, other = (f"{twins[0]}1", f"{twins[0]}2") if twins else ("agent", "object")
    if not twins and not (roles.get(one) in ANIMATE and roles.get(other) in ANIMATE):
        return None
    if {"trait", "adjective", "number", "amount"} & roles.keys() or one not in roles:
        return None
    return replace(meaning, roles={**roles, one: roles[other], other: roles[one]})


CONTRADICTIONS: tuple[Edit, ...] = (swap, swap, reverse, reverse, negate)


def contradict(rng: Rng, meaning: Meaning) -> Meaning | None:
    """A contradiction of a random kind; None if that kind does not apply."""
    return rng.pick(CONTRADICTIONS)(rng, meaning)
