"""Short stories composed from the grammar of the sample corpus: sentences of which each goes on with the one before.

A story stays with one topic and two actors, and comes back to the things that it has named.
"""

from dataclasses import replace

from .corpus import WORDS
from .lexicon import TOPICS, Action, Concept, Topic
from .meaning import LINKED, Meaning, clash, draw_agent, draw_event, is_name
from .rng import Rng
from .style import Style
from .telling import tell

LENGTHS = range(4, 9)
"""How many sentences a story has."""
# A story tells no action twice, so a topic needs as many as the longest story has sentences.
STORY_TOPICS = tuple(topic for topic in TOPICS.values() if len(topic.actions) >= LENGTHS[-1])
COMES_BACK = 0.7
"""How often a sentence comes back to something named before, if there is an action for it."""

Known = dict[Concept, Concept]
"""From who or what a story has named to how it is named again: a guitar, then the guitar."""


def stories(count: int = 2_000, seed: int = 0) -> list[list[str]]:
    """Stories of 4 to 8 sentences of 5 to 30 words.

    Args:
        count: how many, at least 0; the first n are the same for every count from n on.
        seed: of the choices; the same seed gives the same stories everywhere.

    >>> stories(1)[0][1:3]
    ['It was a commander that defended the harbor without allies.', 'The commander seized the castle.']
    """
    rng = Rng(seed)
    return [_story(rng, rng.pick(STORY_TOPICS)) for _ in range(count)]


def _story(rng: Rng, topic: Topic) -> list[str]:
    actors = _actors(rng, topic)
    known: Known = {}
    left = list(topic.actions)
    told: list[str] = []
    for _ in range(rng.pick(LENGTHS)):
        action = _next_action(rng, left, known)
        left.remove(action)
        told.append(_sentence(rng, action, rng.pick(actors), known))
    return told


def _actors(rng: Rng, topic: Topic) -> tuple[Concept, Concept]:
    first = second = draw_agent(rng, topic)
    while clash(first, second):
        second = draw_agent(rng, topic)
    return first, second


def _next_action(rng: Rng, left: list[Action], known: Known) -> Action:
    again = [action for action in left if known.keys() & set(action.objects)]
    return rng.pick(again if again and rng.chance(COMES_BACK) else left)


def _sentence(rng: Rng, action: Action, actor: Concept, known: Known) -> str:
    """The next sentence; who and what it names for the first time becomes known."""
    while True:
        meaning = _event(rng, action, actor, known)
        style = Style(rng)
        sentence = tell(meaning, style)
        if len(sentence.split()) in WORDS:
            break
    for concept in (actor, meaning.roles.get("object")):
        if concept and concept not in known and concept not in known.values():
            known[concept] = _named_again(concept, style.word(concept))
    return sentence


def _event(rng: Rng, action: Action, actor: Concept, known: Known) -> Meaning:
    said = LINKED if known else LINKED | {"time", "place"}
    said = said if actor in known else said | {"trait"}
    agent = known.get(actor, actor)
    drawn = draw_event(rng, action, mode="past", mood="statement", agent=agent)
    meaning = replace(drawn.without(*(drawn.roles.keys() - said)), holds=True)
    again = [known[thing] for thing in action.objects if thing in known and not clash(known[thing], agent)]
    return meaning.without("adjective").having("object", rng.pick(again)) if again else meaning


def _named_again(concept: Concept, word: str) -> Concept:
    if is_name(concept):
        return (word.partition(" ")[0],)
    return (word if word.startswith("the ") or word[-1] == "=" else f"the {word}",)
