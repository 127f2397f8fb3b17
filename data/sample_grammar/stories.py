"""Short stories composed by the grammar of the sample corpus: each sentence continues the one before.

A story has one topic and two actors, and returns to the things that it has mentioned.
"""

from dataclasses import replace

from .corpus import SENTENCE_WORDS
from .lexicon import TOPICS, Action, Concept, Topic
from .meaning import LINK_ROLES, Meaning, clash, draw_agent, draw_event, is_name
from .rng import Rng
from .style import Style
from .telling import tell

STORY_SENTENCES = range(4, 9)
"""How many sentences a story may have."""
# No action occurs twice in a story, so a topic needs as many as the longest story has sentences.
STORY_TOPICS = tuple(topic for topic in TOPICS.values() if len(topic.actions) >= STORY_SENTENCES[-1])
RETURN_PROBABILITY = 0.7
"""The probability that a sentence returns to something mentioned before, if an action allows it."""

Mentions = dict[Concept, Concept]
"""From who or what a story has mentioned to its later mention: from a guitar to the guitar."""


def stories(count: int = 2_000, seed: int = 0) -> list[list[str]]:
    """Stories of 4 to 8 sentences of 5 to 30 words.

    Args:
        count: how many, at least 0.
        seed: the same seed gives the same stories on every machine.

    >>> stories(1)[0][1:3]
    ['It was a commander that defended the harbor without allies.', 'The commander seized the castle.']
    """
    rng = Rng(seed)
    return [_story(rng, rng.pick(STORY_TOPICS)) for _ in range(count)]


def _story(rng: Rng, topic: Topic) -> list[str]:
    actors = _actors(rng, topic)
    mentions: Mentions = {}
    left = list(topic.actions)
    sentences: list[str] = []
    for _ in range(rng.pick(STORY_SENTENCES)):
        action = _next_action(rng, left, mentions)
        left.remove(action)
        sentences.append(_sentence(rng, action, rng.pick(actors), mentions))
    return sentences


def _actors(rng: Rng, topic: Topic) -> tuple[Concept, Concept]:
    first = second = draw_agent(rng, topic)
    while clash(first, second):
        second = draw_agent(rng, topic)
    return first, second


def _next_action(rng: Rng, left: list[Action], mentions: Mentions) -> Action:
    returning = [action for action in left if mentions.keys() & set(action.objects)]
    return rng.pick(returning if returning and rng.chance(RETURN_PROBABILITY) else left)


def _sentence(rng: Rng, action: Action, actor: Concept, mentions: Mentions) -> str:
    """The next sentence; adds its new actor and object to the mentions."""
    while True:
        meaning = _event(rng, action, actor, mentions)
        style = Style(rng)
        sentence = tell(meaning, style)
        if len(sentence.split()) in SENTENCE_WORDS:
            break
    for concept in (actor, meaning.roles.get("object")):
        if concept and concept not in mentions and concept not in mentions.values():
            mentions[concept] = _later_mention(concept, style.word(concept))
    return sentence


def _event(rng: Rng, action: Action, actor: Concept, mentions: Mentions) -> Meaning:
    roles = LINK_ROLES if mentions else LINK_ROLES | {"time", "place"}
    roles = roles if actor in mentions else roles | {"trait"}
    agent = mentions.get(actor, actor)
    event = draw_event(rng, action, mode="past", mood="statement", agent=agent)
    meaning = replace(event.without(*(event.roles.keys() - roles)), holds=True)
    objects = [mentions[thing] for thing in action.objects if thing in mentions and not clash(mentions[thing], agent)]
    return meaning.without("adjective").having("object", rng.pick(objects)) if objects else meaning


def _later_mention(concept: Concept, word: str) -> Concept:
    if is_name(concept):
        return (word.partition(" ")[0],)
    return (word if word.startswith("the ") or word[-1] == "=" else f"the {word}",)
