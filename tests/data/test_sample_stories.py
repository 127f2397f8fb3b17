"""The stories of the sample corpus: short, and about what they have mentioned before."""

import re
from itertools import pairwise

from simemb.data.sample_grammar import stories
from simemb.data.sample_grammar.lexicon import TOPICS
from simemb.data.sample_grammar.rng import Rng
from simemb.data.sample_grammar.stories import _sentence


def content(sentence: str) -> set[str]:
    return {word for word in re.findall(r"[\w']+", sentence.lower()) if len(word) > 4}


def test_a_story_is_four_to_eight_sentences_that_never_tell_an_action_twice():
    texts = stories(400)
    assert {len(story) for story in texts} == {4, 5, 6, 7, 8}
    assert all(len(set(story)) == len(story) for story in texts)
    assert all(5 <= len(sentence.split()) <= 30 for story in texts for sentence in story)
    assert all(re.fullmatch(r"[A-Z][\w', -]*\w\.", sentence) for story in texts for sentence in story)


def test_the_next_sentence_of_a_story_is_nearer_than_that_of_another():
    texts = stories(400)
    following = [(one, other) for story in texts for one, other in pairwise(story)]
    others = [(one, other) for first, second in pairwise(texts) for one, other in zip(first, second, strict=False)]
    shares = [
        sum(bool(content(one) & content(other)) for one, other in side) / len(side) for side in (following, others)
    ]
    assert shares[0] > 0.5
    assert shares[1] < 0.15


def test_a_story_comes_back_to_whom_and_what_it_has_named():
    rng = Rng(4)
    mentions = {("guitar",): ("the guitar",), ("Ada Novak", "Ada"): ("Ada",)}
    (play,) = (action for action in TOPICS["music"].actions if action.verbs == ("play",))
    texts = {_sentence(rng, play, ("Ada Novak", "Ada"), mentions) for _ in range(30)}
    assert len(texts) > 5
    assert all("the guitar" in sentence.lower() and "Ada" in sentence and "Novak" not in sentence for sentence in texts)
    assert set(mentions.values()) == {("the guitar",), ("Ada",)}
