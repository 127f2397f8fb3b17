"""Sentences, graded pairs and triplets composed from the grammar of the sample corpus.

Everything is a stream from one seed, so that the first n of a longer list are the list of n.
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

WORDS = range(5, 31)
"""How many words a sentence has."""
HELD_OUT_COUNT, DEV_SEED, TEST_SEED = 1_000, 7_368_787, 15_485_863


def sentences(count: int = 20_000, seed: int = 0) -> list[str]:
    """Distinct English sentences of 5 to 30 words on some twenty topics.

    Args:
        count: how many, at least 0; the first n are the same for every count from n on.
        seed: of the choices; the same seed gives the same sentences everywhere.

    >>> sentences(2) == sentences(3)[:2]
    True
    """
    return list(islice(_sentence_stream(Rng(seed)), count))


def pairs(count: int, seed: int = 0) -> list[Pair]:
    """Distinct graded pairs: two sentences and how near their meanings are, in [0, 5].

    The grade compares meanings (`grading.grade`), not words: other words for the same event score 5,
    the same words with the roles exchanged 2. No pair of `dev_pairs` or `test_pairs` is among them.

    >>> all(0 <= score <= 5 for _, _, score in pairs(10))
    True
    """
    held_out = {_unordered(pair) for pair in (*dev_pairs(), *test_pairs())}
    return list(islice(_pair_stream(Rng(seed), held_out), count))


def dev_pairs() -> list[Pair]:
    """The 1,000 pairs to choose a checkpoint by."""
    return list(_dev_pairs())


def test_pairs() -> list[Pair]:
    """The 1,000 pairs to report; none of them is in `dev_pairs`."""
    return list(_test_pairs())


def triplets(count: int, seed: int = 0) -> list[Triplet]:
    """Distinct triplets: a sentence, one that it entails, one that contradicts it or has another object.

    >>> len({anchor for anchor, _, _ in triplets(20)}) > 15
    True
    """
    return list(islice(_triplet_stream(Rng(seed)), count))


def _fits(sentence: str) -> bool:
    return len(sentence.split()) in WORDS


def _unordered(pair: Pair) -> frozenset[str]:
    return frozenset(pair[:2])


def _sentence_stream(rng: Rng) -> Iterator[str]:
    seen: set[str] = set()
    while True:
        sentence = tell(draw(rng), Style(rng))
        if sentence not in seen and _fits(sentence):
            seen.add(sentence)
            yield sentence


@cache
def _dev_pairs() -> tuple[Pair, ...]:
    return tuple(islice(_pair_stream(Rng(DEV_SEED), set()), HELD_OUT_COUNT))


@cache
def _test_pairs() -> tuple[Pair, ...]:
    seen = {_unordered(pair) for pair in _dev_pairs()}
    return tuple(islice(_pair_stream(Rng(TEST_SEED), seen), HELD_OUT_COUNT))


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
    """Another event or fact, often with the same agent, time and place, or names: words without meaning."""
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


# How many in a hundred pairs are of a kind, and how often they are told alike and unlike (else: as it comes).
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


def _pair_stream(rng: Rng, seen: set[frozenset[str]]) -> Iterator[Pair]:
    seen = set(seen)
    while True:
        _, couple_of, alike, unlike = rng.pick(DECK)
        couple = couple_of(rng)
        while couple is None:
            couple = couple_of(rng)
        style = Style(rng)
        first = tell(couple[0], style)
        second = tell(couple[1], _second_style(rng, style, alike, unlike))
        pair = (first, second, grade(*couple))
        if first != second and _unordered(pair) not in seen and _fits(first) and _fits(second):
            seen.add(_unordered(pair))
            yield pair


def _triplet_stream(rng: Rng) -> Iterator[Triplet]:
    seen: set[Triplet] = set()
    while True:
        meaning = _single(rng)
        entailed = rng.pick((None, None, None, drop_detail, generalize))
        positive = entailed(rng, meaning) if entailed else meaning
        negative = contradict(rng, meaning) if rng.chance(0.8) else change_core(rng, meaning)
        if positive is None or negative is None:
            continue
        style = Style(rng)
        told = tell(meaning, style)
        near = tell(positive, _second_style(rng, style, 0.0, 0.6))
        triplet = (told, near, tell(negative, _second_style(rng, style, 0.6, 0.1)))
        if len(set(triplet)) == 3 and triplet not in seen and all(map(_fits, triplet)):
            seen.add(triplet)
            yield triplet
