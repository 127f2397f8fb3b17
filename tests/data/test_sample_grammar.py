"""The grammar of the sample corpus: deterministic, distinct, grammatical sentences, graded by meaning."""

import doctest
import hashlib
import importlib
import json
import re
from collections import Counter
from itertools import pairwise

import pytest
from scipy.stats import spearmanr
from simemb.data.sample_grammar import dev_pairs, pairs, sentences, stories, test_pairs, triplets
from simemb.data.sample_grammar.edits import (
    change_core,
    change_detail,
    contradict,
    drop_agent,
    drop_detail,
    generalize,
    negate,
    swap,
)
from simemb.data.sample_grammar.english import inflect, plural, polish
from simemb.data.sample_grammar.grading import grade
from simemb.data.sample_grammar.lexicon import ACTIONS, FACT_FRAMES, TOPICS
from simemb.data.sample_grammar.meaning import Link, Meaning, draw, draw_event, draw_fact, draw_link
from simemb.data.sample_grammar.rng import Rng
from simemb.data.sample_grammar.style import Style
from simemb.data.sample_grammar.telling import tell

MODULES = (
    "corpus",
    "rng",
    "edits",
    "english",
    "grading",
    "grammar",
    "lexicon",
    "meaning",
    "stories",
    "style",
    "telling",
)
# pytest would otherwise take the function for a test of its own.
held_out_pairs = test_pairs
del test_pairs


def digest(rows: object) -> str:
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


def words(text: str) -> set[str]:
    return set(re.findall(r"[\w']+", text.lower()))


def overlap(first: str, second: str) -> float:
    return len(words(first) & words(second)) / len(words(first) | words(second))


@pytest.fixture(scope="module")
def corpus() -> list[str]:
    return sentences()


@pytest.fixture(scope="module")
def graded() -> list[tuple[str, str, float]]:
    return dev_pairs() + held_out_pairs()


def test_the_corpus_is_the_same_everywhere():
    assert digest(sentences(1_000)) == "800b170fb1b5a784"
    assert digest(pairs(300)) == "2acfda01efa9da14"
    assert digest(triplets(300)) == "8590a798c530e96b"
    assert digest(stories(300)) == "753d56072ab61746"


def test_a_shorter_list_begins_a_longer_one_and_another_seed_is_another_list():
    assert sentences(50) == sentences(200)[:50]
    assert pairs(50, seed=4) == pairs(90, seed=4)[:50]
    assert triplets(50, seed=4) == triplets(90, seed=4)[:50]
    assert stories(50, seed=4) == stories(90, seed=4)[:50]
    assert not set(sentences(100, seed=1)) & set(sentences(100, seed=2))
    assert sentences(0) == []


def test_there_are_twenty_thousand_distinct_sentences_of_five_to_thirty_words(corpus):
    assert len(set(corpus)) == len(corpus) == 20_000
    assert all(5 <= len(sentence.split()) <= 30 for sentence in corpus)


def test_sentences_begin_with_a_capital_and_end_with_one_mark(corpus):
    for sentence in corpus:
        assert re.fullmatch(r"[A-Z0-9][\w', -]*[\w'][.?]", sentence, re.ASCII), sentence
        assert not re.search(r"  | ,|,,|[=~+!@{}|/>]|\b(\w+) \1\b", sentence), sentence


def test_the_article_fits_the_sound_that_follows(corpus):
    text = "\n".join(corpus)
    assert set(re.findall(r"\ba ([aeiou]\w*)", text, re.IGNORECASE)) <= {"university", "used", "useful"}
    assert not re.findall(r"\ban (?!hour)[^aeiou8]\w*", text, re.IGNORECASE)
    assert not re.findall(r"\ban? (?:two|three|several|many|people|children|men|women)\b", text)


def test_the_verb_agrees_with_its_subject(corpus):
    text = "\n".join(corpus)
    assert not re.findall(r"^(?:Two|Three|Four|Five|Several|Many) \w+ (?:is|was|has|does|isn't|wasn't)\b", text, re.M)
    assert not re.findall(r"^(?:A|An) \w+ (?:are|were|have|do|aren't|weren't|haven't|don't)\b", text, re.M)
    assert not re.findall(r"\b(?:does|did|will|can|must)(?: not|n't)? (?!feed|sing)\w+(?:ing|ed) (?:a|the)\b", text)


def test_no_template_dominates_and_every_topic_occurs(corpus):
    starts = Counter(" ".join(sentence.split()[:4]) for sentence in corpus)
    assert starts.most_common(1)[0][1] < 0.025 * len(corpus)
    assert len(starts) > 8_000
    assert len(TOPICS) >= 18
    assert len({word for sentence in corpus for word in words(sentence)}) > 2_500


def test_synonyms_share_their_contexts(corpus):
    text = "\n".join(corpus)
    for one, other in (("physician", "doctor"), ("couch", "sofa"), ("automobile", "car"), ("fiddle", "violin")):
        assert min(len(re.findall(rf"\b{word}\b", text)) for word in (one, other)) >= 10


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.verbs[0])
def test_every_action_can_be_told_in_every_style(action):
    rng = Rng(3)
    texts = {tell(draw_event(rng, action, mood="statement"), Style(rng)) for _ in range(40)}
    assert len(texts) > 30
    assert all(sentence.endswith(".") for sentence in texts)


def test_every_fact_fills_all_its_blanks():
    rng = Rng(3)
    for fact in FACT_FRAMES:
        for _ in range(20):
            assert "{" not in tell(draw_fact(rng, fact), Style(rng))


def test_inflection_follows_the_spelling_rules():
    assert [inflect(verb, "gerund") for verb in ("chop", "bake", "be", "dig up")] == [
        "chopping",
        "baking",
        "being",
        "digging up",
    ]
    assert [inflect(verb, "past") for verb in ("carry", "play", "visit", "steal")] == [
        "carried",
        "played",
        "visited",
        "stole",
    ]
    assert [plural(noun) for noun in ("loaf of bread", "city", "toy", "police officer", "thief")] == [
        "loaves of bread",
        "cities",
        "toys",
        "police officers",
        "thieves",
    ]
    assert polish("a hour at a university , a 8 percent rise") == "An hour at a university, an 8 percent rise."


def test_the_same_meaning_is_graded_five_and_any_two_alike_in_both_orders():
    rng = Rng(11)
    drawn = [draw(rng) for _ in range(400)]
    assert all(grade(meaning, meaning) == 5 for meaning in drawn)
    for first, second in pairwise(drawn):
        assert grade(first, second) == grade(second, first)
        assert 0 <= grade(first, second) <= 5


@pytest.mark.parametrize(
    ("edit", "allowed"),
    [
        (drop_detail, {4.5}),
        (change_detail, {4.0, 4.5}),
        (generalize, {4.0}),
        (drop_agent, {4.0}),
        (change_core, {2.0, 3.0}),
        (contradict, {2.0}),
        (negate, {2.0}),
        (swap, {2.0}),
    ],
)
def test_the_grade_follows_from_the_edit(edit, allowed):
    rng, grades = Rng(5), Counter[float]()
    for _ in range(3_000):
        meaning = draw_event(rng, rng.pick(ACTIONS)) if rng.chance(0.6) else draw_fact(rng, rng.pick(FACT_FRAMES))
        edited = edit(rng, meaning)
        if edited is not None:
            assert tell(edited, Style(rng))
            grades[grade(meaning, edited)] += 1
    assert set(grades) <= allowed
    assert sum(grades.values()) > 50


def test_meanings_of_different_topics_share_at_most_a_word():
    rng = Rng(8)
    for _ in range(500):
        first, second = (draw_event(rng, rng.pick(ACTIONS)) for _ in range(2))
        if first.frame.topic is not second.frame.topic:
            assert grade(first, second) <= 0.5


def test_of_two_linked_events_the_order_matters_only_where_it_should():
    rng = Rng(2)
    links = [draw_link(rng) for _ in range(200)]
    for link in links:
        turned = Link(link.relation, link.second, link.first)
        assert grade(link, link) == 5
        assert grade(link, turned) == (5 if link.relation == "while" else 2)
        assert grade(link, link.first) == 3


def test_two_contradictions_nearly_cancel():
    (fact,) = (fact for fact in FACT_FRAMES if "{warmth}" in fact.says[0])
    roles = {"city": ("Dunmere",), "past": ("yesterday",)}
    warm = Meaning(fact, {**roles, "warmth": ("warm",)})
    cold = Meaning(fact, {**roles, "warmth": ("cold", "chilly")})
    not_cold = Meaning(fact, {**roles, "warmth": ("cold", "chilly")}, opposite=True)
    assert (grade(warm, cold), grade(cold, not_cold), grade(warm, not_cold)) == (2, 2, 4)


def test_pairs_cover_the_scale(graded):
    counts = Counter(score for _, _, score in graded)
    assert set(counts) <= {step / 2 for step in range(11)}
    assert all(counts[score] > 0.04 * len(graded) for score in (0.0, 1.0, 2.0, 3.0, 4.0, 4.5, 5.0))
    assert all(first != second for first, second, _ in graded)


def test_word_overlap_helps_but_does_not_solve_the_pairs(graded):
    overlaps = [overlap(first, second) for first, second, _ in graded]
    scores = [score for _, _, score in graded]
    assert 0.45 < spearmanr(overlaps, scores).statistic < 0.65
    trap = sum(share >= 0.7 and score <= 2 for share, score in zip(overlaps, scores, strict=True))
    reward = sum(share <= 0.3 and score >= 4 for share, score in zip(overlaps, scores, strict=True))
    assert trap > 0.02 * len(graded)
    assert reward > 0.02 * len(graded)


def test_no_pair_is_in_two_splits():
    dev, test, train = (
        {frozenset(pair[:2]) for pair in split} for split in (dev_pairs(), held_out_pairs(), pairs(2_000))
    )
    assert len(dev) == len(test) == 1_000
    assert len(train) == 2_000
    assert not dev & test
    assert not train & (dev | test)


def test_even_the_seed_of_the_dev_pairs_gives_other_pairs():
    from simemb.data.sample_grammar.corpus import DEV_SEED

    train = {frozenset(pair[:2]) for pair in pairs(200, seed=DEV_SEED)}
    assert not train & {frozenset(pair[:2]) for pair in dev_pairs()}


def test_the_splits_cannot_be_changed_by_a_caller():
    dev_pairs().clear()
    assert len(dev_pairs()) == 1_000


def test_triplets_are_distinct_and_hard():
    rows = triplets(2_000)
    assert len(set(rows)) == 2_000
    assert all(len({*row}) == 3 for row in rows)
    nearer = sum(overlap(anchor, negative) > overlap(anchor, positive) for anchor, positive, negative in rows)
    assert 0.4 < nearer / len(rows) < 0.9


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_hold(name):
    assert doctest.testmod(importlib.import_module(f"simemb.data.sample_grammar.{name}")).failed == 0
