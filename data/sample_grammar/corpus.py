"""Sentences, graded pairs and triplets composed by the grammar of the sample corpus.

Everything is a stream from one seed, so a list of n is the beginning of every longer one.
"""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice

from .edits import change_core, change_detail, contradict, drop_agent, drop_detail, generalize
from .grading import grade
from .lexicon import ACTIONS, FACT_FRAMES, Action, Fact
from .meaning import CLOSED_TOPICS, Link, Meaning, draw, draw_event, draw_fact, draw_link
from .rng import Rng
from .style import Style
from .telling import tell

Pair = tuple[str, str, float]
Triplet = tuple[str, str, str]

SENTENCE_WORDS = range(5, 31)
"""How many words a sentence may have."""
HELD_OUT, DEV_SEED, TEST_SEED = 1_000, 7_368_787, 15_485_863


def sentences(count: int = 20_000, seed: int = 0) -> list[str]:
    """Distinct English sentences of 5 to 30 words on some twenty topics.

    Args:
        count: how many, at least 0.
        seed: the same seed gives the same sentences on every machine.

    >>> sentences(2) == sentences(3)[:2]
    True
    """
    return list(islice(_sentence_stream(Rng(seed)), count))


def pairs(count: int, seed: int = 0) -> list[Pair]:
    """Distinct graded pairs: two sentences and the similarity of their meanings, in [0, 5].

    The grade compares meanings (`grading.grade`), not words: two wordings of one event score 5, the same words
    with exchanged roles 2. No pair of `dev_pairs` or `test_pairs` is among them.

    >>> all(0 <= score <= 5 for _, _, score in pairs(10))
    True
    """
    held_out = {_unordered(pair) for pair in (*dev_pairs(), *test_pairs())}
    return list(islice(_pair_stream(Rng(seed), held_out), count))


def dev_pairs() -> list[Pair]:
    """The 1,000 pairs for choosing a checkpoint."""
    return list(_dev_pairs())


def test_pairs() -> list[Pair]:
    """The 1,000 pairs for the reported score; none of them is in `dev_pairs`."""
    return list(_test_pairs())


def triplets(count: int, seed: int = 0) -> list[Triplet]:
    """Distinct triplets: a sentence, one that it entails, and one that contradicts it or is about another thing.

    >>> len({anchor for anchor, _, _ in triplets(20)}) > 15
    True
    """
    return list(islice(_triplet_stream(Rng(seed)), count))


def _has_allowed_length(sentence: str) -> bool:
    return len(sentence.split()) in SENTENCE_WORDS


def _unordered(pair: Pair) -> frozenset[str]:
    return frozenset(pair[:2])


def _sentence_stream(rng: Rng) -> Iterator[str]:
    earlier: set[str] = set()
    while True:
        sentence = tell(draw(rng), Style(rng))
        if sentence not in earlier and _has_allowed_length(sentence):
            earlier.add(sentence)
            yield sentence


@cache
def _dev_pairs() -> tuple[Pair, ...]:
    return tuple(islice(_pair_stream(Rng(DEV_SEED), set()), HELD_OUT))


@cache
def _test_pairs() -> tuple[Pair, ...]:
    excluded = {_unordered(pair) for pair in _dev_pairs()}
    return tuple(islice(_pair_stream(Rng(TEST_SEED), excluded), HELD_OUT))


Couple = tuple[Meaning | Link, Meaning | Link]


def _single(rng: Rng) -> Meaning:
    if rng.chance(0.3):
        return draw_fact(rng, rng.pick(FACT_FRAMES))
    return draw_event(rng, rng.pick(ACTIONS))


def _same(rng: Rng) -> Couple | None:
    meaning = draw_link(rng) if rng.chance(0.1) else _single(rng)
    return meaning, meaning


def _edited(*edits: Callable[[Rng, Meaning], Meaning | None]) -> Callable[[Rng], Couple | None]:
    def couple(rng: Rng) -> Couple | None:
        first = second = _single(rng)
        for edit in edits:
            changed = edit(rng, second)
            if changed is None:
                return None
            second = changed
        return (first, second) if rng.chance(0.5) else (second, first)

    return couple


def _part_of(rng: Rng) -> Couple | None:
    link = draw_link(rng)
    return link, link.first


def _reordered(rng: Rng) -> Couple | None:
    link = draw_link(rng)
    return (link, Link("before", link.second, link.first)) if link.relation == "before" else None


def _same_topic(rng: Rng) -> Couple | None:
    first = _single(rng)
    frames = first.frame.topic.actions if isinstance(first.frame, Action) else first.frame.topic.facts
    others = [frame for frame in frames if frame is not first.frame]
    return (first, _another(rng, first, rng.pick(others))) if others else None


def _unrelated(rng: Rng) -> Couple | None:
    first = _single(rng)
    frame = rng.pick(FACT_FRAMES if isinstance(first.frame, Fact) else ACTIONS)
    return (first, _another(rng, first, frame)) if frame.topic is not first.frame.topic else None


def _another(rng: Rng, first: Meaning, frame: Action | Fact) -> Meaning:
    """Another event or fact, often with the same agent, time, place or names: a word overlap that says nothing."""
    shares = rng.chance(0.6)
    if isinstance(frame, Fact):
        other, alike = draw_fact(rng, frame), frame.blanks
    else:
        meet = shares and not CLOSED_TOPICS & {first.frame.topic.name, frame.topic.name}
        agent = first.roles.get("agent") if meet else None
        other, alike = draw_event(rng, frame, mode=first.mode, mood=first.mood, agent=agent), ("time", "place")
    for role, concept in first.roles.items():
        if shares and role in alike and role in other.roles and not frame.topic.times:
            other = other.having(role, concept)
    return other


# Pairs of each kind in a hundred, and the probabilities that both are worded alike, or unlike (else: at random).
KINDS: tuple[tuple[int, Callable[[Rng], Couple | None], float, float], ...] = (
    (22, _same, 0.0, 0.4),
    (6, _edited(drop_detail), 0.4, 0.2),
    (7, _edited(change_detail), 0.5, 0.2),
    (4, _edited(generalize), 0.4, 0.2),
    (3, _edited(drop_agent), 0.2, 0.3),
    (3, _edited(drop_detail, change_detail), 0.4, 0.2),
    (10, _edited(change_core), 0.4, 0.2),
    (3, _part_of, 0.4, 0.2),
    (8, _edited(contradict), 0.45, 0.2),
    (2, _reordered, 0.6, 0.0),
    (5, _edited(change_core, change_core), 0.2, 0.5),
    (12, _same_topic, 0.2, 0.0),
    (15, _unrelated, 0.3, 0.0),
)
DECK = tuple(kind for kind in KINDS for _ in range(kind[0]))


def _second_style(rng: Rng, style: Style, alike: float, unlike: float) -> Style:
    if rng.chance(alike):
        return style
    return Style(rng, style if rng.chance(unlike / (1 - alike)) else None)


def _pair_stream(rng: Rng, excluded: set[frozenset[str]]) -> Iterator[Pair]:
    excluded = set(excluded)
    while True:
        _, couple_of, alike, unlike = rng.pick(DECK)
        couple = couple_of(rng)
        while couple is None:
            couple = couple_of(rng)
        style = Style(rng)
        first = tell(couple[0], style)
        second = tell(couple[1], _second_style(rng, style, alike, unlike))
        pair = (first, second, grade(*couple))
        if (
            first != second
            and _unordered(pair) not in excluded
            and _has_allowed_length(first)
            and _has_allowed_length(second)
        ):
            excluded.add(_unordered(pair))
            yield pair


def _triplet_stream(rng: Rng) -> Iterator[Triplet]:
    earlier: set[Triplet] = set()
    while True:
        meaning = _single(rng)
        entailed = rng.pick((None, None, None, drop_detail, generalize))
        positive = entailed(rng, meaning) if entailed else meaning
        negative = contradict(rng, meaning) if rng.chance(0.8) else change_core(rng, meaning)
        if positive is None or negative is None:
            continue
        style = Style(rng)
        triplet = (
            tell(meaning, style),
            tell(positive, _second_style(rng, style, 0.0, 0.6)),
            tell(negative, _second_style(rng, style, 0.6, 0.1)),
        )
        if len(set(triplet)) == 3 and triplet not in earlier and all(map(_has_allowed_length, triplet)):
            earlier.add(triplet)
            yield triplet
